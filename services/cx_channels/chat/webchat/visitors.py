"""Tell who a visitor says to be, and what of that the page's own server proved.

What a page says of its visitor is a claim: anybody can open the browser's console and say otherwise. The page's server
proves who is logged in by ``user_hash``, the hex HMAC-SHA256 under the connection's secret of what it vouches for:
``account:A-1001``, or several identifiers in the order account, email, phone, one a line. What one hash covers is
proved, and nothing beside it. Each line names its kind, so that a hash over an account that somebody chose to look like
an address proves no address.

Intercom and Crisp sign the bare value (an account's id, or an address where there is none), which has that flaw; the
settings ``bare_user_hash_until`` and ``bare_user_hash_secrets`` accept it for a while, under secrets of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import combinations
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.signing import any_same, sign, signed_identifiers
from cx_channels.provider import Connection
from cx_events.envelope import Identifier
from cx_events.errors import Fatal, Refused
from cx_events.timestamps import Micros, parse_time
from cx_events.weights import CLAIMED, PROVED

PROVABLE = ("account", "email", "phone")
"""What a page's server can vouch for, in the order in which it signs. Whoever names one claims to be a known user."""

VISITORS_KINDS = ("account", "cookie", "email", "phone")

PROOF_SECONDS = 86_400
"""How long a chat's messages state a proof after it was given: a browser that stays open is not a person who does."""


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims that a page makes about its visitor."""

    cookie: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    account: str = ""
    user_hash: str = ""


class Visitor(Struct, frozen=True, omit_defaults=True):
    """A visitor as events name them, every identifier with its weight."""

    name: str = ""
    identifiers: tuple[Identifier, ...] = ()

    @property
    def proved(self) -> frozenset[tuple[str, str]]:
        """The kinds and values that are proved."""
        return frozenset((each.kind, each.value) for each in self.identifiers if each.weight == PROVED)

    def with_claims(self, other: Visitor) -> Visitor:
        """Return what was known together with what is new; each kind has one value.

        A new proof leaves of the earlier ones only what it covers itself: two hashes don't say that their identifiers
        are one person's. Raises ``Refused("other-visitor", 403)`` where somebody else than who proved to be here is
        named: on a shared device the next person must neither read this chat nor be taken for its owner.
        """
        if self.proved and not self.proved & other.proved and (other.proved or self._contradicts(other)):
            raise Refused("other-visitor", "this chat is somebody else's: begin a new one", 403)
        known = {each.kind: each for each in self.identifiers}
        if other.proved:
            known = {kind: _claimed(each) for kind, each in known.items()}
        for each in other.identifiers:
            before = known.get(each.kind)
            if before is None or before.value != each.value or each.weight == PROVED:
                known[each.kind] = each
        return Visitor(other.name or self.name, tuple(known[kind] for kind in sorted(known)))

    def _contradicts(self, other: Visitor) -> bool:
        proved = dict(self.proved)
        return any(proved.get(each.kind, each.value) != each.value for each in other.identifiers)


class Known(Struct, frozen=True, omit_defaults=True):
    """The visitor of a chat as far as known. ``proved_at``: when the proofs were given last, in seconds since 1970."""

    visitor: Visitor = Visitor()
    proved_at: int = 0

    def with_claims(self, other: Visitor, now: Micros) -> Known:
        """Return what is known after a page said this. Raises as ``Visitor.with_claims`` does."""
        return Known(self.visitor.with_claims(other), now // 1_000_000 if other.proved else self.proved_at)

    def stated(self, connection: Connection, now: Micros) -> Visitor:
        """Return the visitor as an event of this moment names them.

        A proof that has run out is stated as a claim; where ``require_user_hash`` is set, claims to be a known user are
        left out.
        """
        in_force = now < (self.proved_at + PROOF_SECONDS) * 1_000_000
        identifiers = self.visitor.identifiers if in_force else tuple(map(_claimed, self.visitor.identifiers))
        if strict(connection):
            identifiers = tuple(each for each in identifiers if each.kind not in PROVABLE or each.weight == PROVED)
        return Visitor(self.visitor.name, identifiers)


def visitor_of(claims: Claims, connection: Connection, now: Micros) -> Visitor:
    """Return the visitor as claimed, proved where the hash covers it. ``now``: the time of receipt.

    Raises ``Refused``, 403: ``bad-user-hash`` for a hash that covers nothing that is named, ``missing-user-hash`` where
    the connection's setting ``require_user_hash`` asks for proof and one of account, address and number has none.
    """
    named = [(kind, value) for kind in PROVABLE if (value := getattr(claims, kind))]
    covered = _covered(claims.user_hash.lower(), named, connection, now) if claims.user_hash else frozenset()
    if claims.user_hash and not covered:
        raise Refused("bad-user-hash", "user_hash proves none of account, email and phone as they are given", 403)
    missing = [kind for kind, _ in named if kind not in covered]
    if missing and strict(connection):
        raise Refused("missing-user-hash", f"here {missing[0]} needs a user_hash that covers it", 403)
    identifiers = tuple(
        Identifier(kind=kind, value=value, weight=PROVED if kind in covered else CLAIMED)
        for kind in VISITORS_KINDS
        if (value := getattr(claims, kind))
    )
    return Visitor(claims.name, identifiers)


def strict(connection: Connection) -> bool:
    """Return whether the connection takes nobody for a known user without proof."""
    return bool(connection.settings.get("require_user_hash"))


def secrets_of(connection: Connection) -> tuple[str, ...]:
    """Return the connection's secrets, newest first. Raises ``Refused("no-secret", 503)`` where there is none."""
    secrets = tuple(secret for secret in connection.secrets if secret)
    if not secrets:
        raise Refused("no-secret", f"the connection {connection.id} has no secret to sign sessions with", 503)
    return secrets


def warnings(connection: Connection) -> tuple[str, ...]:
    """Return what a start should warn of: hashes over bare values are accepted. Raises ``Fatal`` for settings of it
    that can't be meant."""
    bare = _bare(connection)
    if bare is None:
        return ()
    return (
        f"bare_user_hash_until: before {bare[0].isoformat()} a hash over a bare account or address proves it; "
        "let the pages sign KIND:VALUE under a new secret by then",
    )


# --- parts of the above ----------------------------------------------------------------------------------------------


def _claimed(identifier: Identifier) -> Identifier:
    return identifier if identifier.weight == CLAIMED else msgspec.structs.replace(identifier, weight=CLAIMED)


def _covered(given: str, named: list[tuple[str, str]], connection: Connection, now: Micros) -> frozenset[str]:
    """Return the kinds that a hash covers. At most one choice of the named identifiers has this hash."""
    plain = [(kind, value) for kind, value in named if _is_plain(value)]
    found: frozenset[str] = frozenset()
    for count in range(1, len(plain) + 1):
        for choice in combinations(plain, count):
            if any_same(given, _hashes(signed_identifiers(choice), secrets_of(connection))):
                found = frozenset(kind for kind, _ in choice)
    return found or _covered_bare(given, named, connection, now)


def _covered_bare(given: str, named: list[tuple[str, str]], connection: Connection, now: Micros) -> frozenset[str]:
    """Return the kind that a hash over a bare value covers: the account, or the address where there is none."""
    bare = _bare(connection)
    if bare is None or not named:
        return frozenset()
    until, secrets = bare
    kind, value = named[0]
    in_time = now < parse_time(f"{until.isoformat()}T00:00:00Z")
    if not in_time or kind == "phone" or not _is_plain(value):
        return frozenset()
    valid = _hashes(value.encode("utf-8", "surrogatepass"), secrets)
    return frozenset({kind}) if any_same(given, valid) else frozenset()


def _is_plain(value: str) -> bool:
    """Return whether a value is read as it was signed. Otherwise it could be another person's: blanks around it are
    dropped at intake, and a line's end would make two signed lines of one value."""
    return value == value.strip() and value.isprintable()


def _hashes(content: bytes, secrets: Iterable[str]) -> list[str]:
    return [sign(secret, content) for secret in secrets]


def _bare(connection: Connection) -> tuple[date, tuple[str, ...]] | None:
    """Return until when, and under which secrets, a hash over the bare value counts; None where it never does.

    They must not be the connection's own: a site that signs bare values signs whatever text its users choose as their
    account, ``email:ana@example.com`` among it.
    """
    until: Any = connection.settings.get("bare_user_hash_until")
    listed: Any = connection.settings.get("bare_user_hash_secrets")
    if until is None and listed is None:
        return None
    place = f"the connection {connection.id}: bare_user_hash"
    if until is None or listed is None:
        raise Fatal(f"{place}_until and bare_user_hash_secrets go together")
    try:
        day = date.fromisoformat(str(until))
    except ValueError:
        raise Fatal(f"{place}_until is no date like 2027-01-31") from None
    secrets = tuple(listed) if isinstance(listed, list | tuple) else (listed,)
    if not secrets or not all(isinstance(each, str) and each.strip() for each in secrets):
        raise Fatal(f"{place}_secrets: expected a list of secrets")
    if not set(secrets).isdisjoint(connection.secrets):
        raise Fatal(f"{place}_secrets holds one of the connection's own secrets: let the pages sign with a new one")
    return day, secrets
