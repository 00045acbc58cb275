"""Who is at the other end of a chat socket: the session's signed token, and what a visitor claims or proves.

A token is ``PAYLOAD.SIGNATURE``, both base64url: HMAC-SHA256 under a key derived from the connection's secret, so that
only whoever began a chat can go on with it. It carries the visitor too: a verified one stays verified after a reload.

A visitor's identifiers are claims. The page's own server can prove one with ``user_hash``, the hex HMAC-SHA256 under
the connection's secret of the account id, or of the mail address where there is no account.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct

from cx_channels.port import Connection
from cx_channels.signing import any_same, sign
from cx_events.envelope import Identifier
from cx_events.errors import Refused
from cx_events.timestamps import Micros

MAX_TOKEN = 8192
LIFETIME_SECONDS = 7 * 86_400
"""How long a chat can be gone on with after its last connection."""

_PURPOSE = b"throughline webchat session"


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page says of its visitor."""

    cookie: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    account: str = ""
    user_hash: str = ""


class Visitor(Struct, frozen=True, omit_defaults=True):
    """A visitor as events name them."""

    name: str = ""
    identifiers: tuple[Identifier, ...] = ()

    def with_claims(self, other: Visitor) -> Visitor:
        """What was known, with what is new; a kind has one value, and proof of it is not lost by saying it again."""
        known = {identifier.kind: identifier for identifier in self.identifiers}
        for identifier in other.identifiers:
            before = known.get(identifier.kind)
            if before is None or before.value != identifier.value or identifier.verified:
                known[identifier.kind] = identifier
        return Visitor(other.name or self.name, tuple(known[kind] for kind in sorted(known)))


class Session(Struct, frozen=True):
    """``id`` is random and the chat's own; ``expires`` in seconds since 1970. ``begun``: whether the chat was known to
    be on the log when this was issued; until it is, ``visitor`` and ``page`` are those it will begin with."""

    id: str
    connection: str
    expires: int
    visitor: Visitor = Visitor()
    page: str = ""
    begun: bool = False


def issue(session: Session, connection: Connection) -> str:
    """The session's token, signed with the newest secret."""
    payload = msgspec.json.encode(session)
    return f"{_base64(payload)}.{_base64(bytes.fromhex(_signature(_secrets(connection)[0], payload)))}"


def resume(token: str, connection: Connection, now: Micros) -> Session:
    """The session of a token. ``Refused``, 401: ``bad-session``, ``session-expired``."""
    payload, signature = _parts(token)
    valid = (_signature(secret, payload) for secret in _secrets(connection))
    if not any_same(signature.hex(), valid):
        raise _bad_session()
    try:
        session = msgspec.json.decode(payload, type=Session)
    except msgspec.MsgspecError:
        raise _bad_session() from None
    if session.connection != connection.id:
        raise _bad_session()
    if session.expires * 1_000_000 <= now:
        raise Refused("session-expired", "this chat's session has expired: begin a new one", 401)
    return session


def visitor_of(claims: Claims, connection: Connection) -> Visitor:
    """The visitor as claimed, verified where proved.

    ``Refused``, 403: ``bad-user-hash``, or ``missing-user-hash`` where the connection's setting ``require_user_hash``
    asks for proof of an account, a mail address or a phone number.
    """
    signed = "account" if claims.account else "email" if claims.email else ""
    if claims.user_hash:
        content = (claims.account or claims.email).encode()
        if not signed or not any_same(claims.user_hash.lower(), (sign(each, content) for each in _secrets(connection))):
            raise Refused("bad-user-hash", "user_hash does not prove the account or the mail address", 403)
    elif connection.settings.get("require_user_hash") and (signed or claims.phone):
        raise Refused("missing-user-hash", "here an account, a mail address or a phone number needs a user_hash", 403)
    identifiers = tuple(
        Identifier(kind=kind, value=value, verified=bool(claims.user_hash) and kind == signed)
        for kind in ("account", "cookie", "email", "phone")
        if (value := getattr(claims, kind))
    )
    return Visitor(claims.name, identifiers)


def _secrets(connection: Connection) -> tuple[str, ...]:
    secrets = tuple(secret for secret in connection.secrets if secret)
    if not secrets:
        raise Refused("no-secret", f"the connection {connection.id} has no secret to sign sessions with", 503)
    return secrets


def _signature(secret: str, payload: bytes) -> str:
    # Under a key of its own: a user_hash can then never pass for a session.
    return sign(sign(secret, _PURPOSE), payload)


def _parts(token: str) -> tuple[bytes, bytes]:
    payload, dot, signature = token.partition(".")
    if not dot or len(token) > MAX_TOKEN:
        raise _bad_session()
    try:
        return _unbase64(payload), _unbase64(signature)
    except ValueError:
        raise _bad_session() from None


def _bad_session() -> Refused:
    return Refused("bad-session", "this is no session of this chat", 401)


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
