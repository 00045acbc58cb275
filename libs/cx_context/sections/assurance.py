"""How sure we are who is at the other end of a contact: by which proof, assertion or claim, and until when.

A *proof* is what a customer did in an interaction: a login, a one-time code, a PIN at an IVR
(``cx.identity.verified.v1``), or a channel's own check of who writes (an identifier whose weight is *proved* in what
the channel sends). An *assertion* is what a system or a network that may say so says (``cx.identity.asserted.v1``, a
weight *asserted*). All else is a *claim*: anybody can type somebody's address.

Proofs and assertions count of identifiers that lie in the customer's core. Of one that only a claim ties to it they
prove no more than the claim. A proof expires (``lifetime``). Nothing here asks a clock but ``Standing.at``, which is
given one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cx_context.parts.merge import weight_and_rank
from cx_context.parts.model import Part
from cx_context.parts.values import Register
from cx_context.sections.members import Member, key_of
from cx_events.facts import Order
from cx_events.identifiers import rank_of
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time
from cx_events.weights import ASSERTED as ASSERTED_WEIGHT
from cx_events.weights import CLAIMED, PROVED, WEIGHT_RANKS
from cx_identity.model import STRONG_KINDS

PROOFS_SHOWN = 20
BY_CHANNEL = "channel"
"""The method of a proof that a channel vouches for and says no more of."""

UNNAMED = "verified"
"""The method of a ``cx.identity.verified.v1`` that names none in ``data.evidence``."""

LIFETIME = 86_400
"""Seconds for which a proof counts whose method no rule names."""

OTHERS = "*"
"""In ``proof_lifetime`` stands for every method that is not named."""

NONE = "none"
"""The level of a contact that names none of its customer's identifiers."""

LEVELS = (PROVED, ASSERTED_WEIGHT, CLAIMED, NONE)
ASSURED = (PROVED, ASSERTED_WEIGHT)
"""The levels that a read may ask for."""

Lifetimes = Mapping[str, int]
"""The rule ``proof_lifetime``: seconds by method."""

_CLAIMED = WEIGHT_RANKS[CLAIMED]


def lifetime(method: str, lifetimes: Lifetimes) -> Micros:
    """Return for how long a proof by this method counts, in µs."""
    return lifetimes.get(method, lifetimes.get(OTHERS, LIFETIME)) * 1_000_000


@dataclass(frozen=True, slots=True)
class Trust:
    """What counts for one customer: the identifiers that lie in their ``core``, those that only a claim ties to it, and
    how long proofs count. Identifiers as ``key_of`` names them."""

    core: frozenset[str]
    claimed: frozenset[str] = frozenset()
    lifetimes: Lifetimes = field(default_factory=dict)

    @classmethod
    def of(cls, members: Iterable[Member], lifetimes: Lifetimes) -> Trust:
        """Return what counts for the customer of these profiles."""
        core: set[str] = set()
        claimed: set[str] = set()
        for member in members:
            (claimed if member.claimed else core).add(key_of(member))
        return cls(frozenset(core), frozenset(claimed), lifetimes)

    def alone(self, key: str) -> Trust:
        """Return what counts where one identifier is taken for a core by itself."""
        return Trust(frozenset((key,)), (self.core | self.claimed) - {key}, self.lifetimes)

    def weight_of(self, part: Part) -> int:
        """Return how much weighs what a part says about the customer (``weights.WEIGHT_RANKS``)."""
        return part.weight if part.identifier in self.core else _CLAIMED


def around_core(members: Sequence[Member], parts: Iterable[Part]) -> Sequence[Member]:
    """Return a customer's profiles with ``claimed`` said of those outside the core that counts.

    That is the known core; where there is none, the first profile. But a first profile that nothing proves or asserts,
    as the cookie of a browser whose user then proves an address, is no core that a proof could be measured by: then the
    first one counts that a fact proves or asserts. Each is a core by itself there: two in one are a known core.
    """
    core = [member for member in members if not member.claimed]
    if len(core) != 1 or len(members) < 2 or core[0].kind in STRONG_KINDS:
        return members
    vouched = {
        "\n".join(identifier[:3])
        for part in parts
        for registers in (part.proofs, part.assertions)
        for _, identifier in registers.values()
    }
    if key_of(core[0]) in vouched:
        return members
    first = min(
        (member for member in members if key_of(member) in vouched),
        key=lambda member: (member.first_recorded, member.id),
        default=core[0],
    )
    return [replace(member, claimed=member.id != first.id) for member in members]


class Proof(NamedTuple):
    """A proof or an assertion. ``order``: of the event; of one identifier by one method the latest is kept."""

    order: Order
    kind: str
    scope: str
    value: str
    method: str
    interaction: str
    channel: str | None

    @property
    def key(self) -> str:
        """Return its identifier as ``key_of`` does."""
        return f"{self.kind}\n{self.scope}\n{self.value}"

    def expires(self, lifetimes: Lifetimes) -> Micros:
        """Return from when on it counts no more."""
        return self.order[0] + lifetime(self.method, lifetimes)

    def view(self, lifetimes: Lifetimes) -> Json:
        """Return it as the context shows a proof."""
        return {
            **_identifier(self.kind, self.scope, self.value),
            "method": self.method,
            "at": format_time(self.order[0]),
            "expires_at": format_time(self.expires(lifetimes)),
            "channel": self.channel,
            "interaction": self.interaction or None,
            "event": {"source": self.order[4], "id": self.order[5]},
        }


def _identifier(kind: str, scope: str, value: str) -> Json:
    shown = {"kind": kind, "value": value}
    return {**shown, "scope": scope} if scope else shown


def proofs(parts: Iterable[Part], core: frozenset[str]) -> list[Proof]:
    """Return what was proved of identifiers of the core, newest first, of one event the strongest identifier first; of
    one identifier by one method the latest."""
    return _vouchers([(part, part.proofs) for part in parts if part.proofs], core)


def assertions(parts: Iterable[Part], core: frozenset[str]) -> list[Proof]:
    """As ``proofs``, what was asserted."""
    return _vouchers([(part, part.assertions) for part in parts if part.assertions], core)


def _vouchers(registers: Iterable[tuple[Part, Mapping[str, Register]]], core: frozenset[str]) -> list[Proof]:
    found: dict[str, Proof] = {}
    for part, by_method in registers:
        for key, (at, (kind, scope, value, method)) in by_method.items():
            known = found.get(key)
            order = (at[0], part.interaction, at[1], at[2], at[3], at[4])
            if known is None or order > known.order:
                channel = part.channel[1] if part.channel is not None else None
                found[key] = Proof(order, kind, scope, value, method, part.interaction, channel)
    counting = [each for each in found.values() if each.key in core]
    strongest_first = sorted(counting, key=lambda each: (rank_of(each.kind), each[1:5]))
    return sorted(strongest_first, key=lambda each: each.order, reverse=True)


def latest_of_each(found: Iterable[Proof]) -> Mapping[str, Proof]:
    """Return of each identifier its latest proof, in the order of ``found``, which is that of ``proofs``."""
    latest: dict[str, Proof] = {}
    for proof in found:
        latest.setdefault(proof.key, proof)
    return latest


class ContactAssurance(NamedTuple):
    """What vouches for who is at the other end of some parts, by the facts alone. ``claim``: the strongest identifier
    of the customer's that they name."""

    proofs: tuple[Proof, ...] = ()
    assertion: Proof | None = None
    claim: str | None = None

    @property
    def level(self) -> str:
        """Return the level as if no proof ever expired."""
        if self.proofs:
            return PROVED
        return ASSERTED_WEIGHT if self.assertion is not None else CLAIMED if self.claim is not None else NONE

    def at(self, now: Micros | None, lifetimes: Lifetimes) -> Json:
        """Return ``{level, by, identifier, expires_at}`` at a moment, without one as if no proof ever expired.

        ``expires_at`` of the proof that counts longest. Of proofs that have all expired the last one is told, as a
        claim, where nothing better is left.
        """
        longest = max(self.proofs, key=lambda each: (each.expires(lifetimes), each.order), default=None)
        if longest is not None and (now is None or now < longest.expires(lifetimes)):
            return self._told(PROVED, longest, lifetimes)
        if self.assertion is not None:
            return self._told(ASSERTED_WEIGHT, self.assertion, None)
        if longest is not None:
            return self._told(CLAIMED, longest, lifetimes)
        named = _identifier(*self.claim.split("\n", 2)) if self.claim is not None else None
        return {"level": self.level, "by": None, "identifier": named, "expires_at": None}

    @staticmethod
    def _told(level: str, by: Proof, lifetimes: Lifetimes | None) -> Json:
        return {
            "level": level,
            "by": by.method,
            "identifier": _identifier(by.kind, by.scope, by.value),
            "expires_at": format_time(by.expires(lifetimes)) if lifetimes is not None else None,
        }

    def proofs_view(self, lifetimes: Lifetimes) -> list[Json]:
        """Return its proofs as the context shows them."""
        return [proof.view(lifetimes) for proof in self.proofs[:PROOFS_SHOWN]]


def vouched_outside(parts: Sequence[Part], trust: Trust) -> list[str]:
    """Return the identifiers that these parts prove or assert and that only a claim ties to the core, surest first."""
    found = [*proofs(parts, trust.claimed), *assertions(parts, trust.claimed)]
    return list(dict.fromkeys(proof.key for proof in found))


class ProfileAssurance(NamedTuple):
    """What vouches for who is at the other end of a contact where the contact's own identifier, that of ``profile``, is
    taken by itself: only a claim ties it to the customer's core."""

    profile: bytes
    assurance: ContactAssurance


def contact_assurance(parts: Iterable[Part], trust: Trust) -> ContactAssurance:
    """Return what these parts say of who is there: those of a contact, of contacts that vouch for each other, or of
    all that a customer has outside any contact."""
    parts = list(parts)
    asserted = assertions(parts, trust.core)
    named: set[str] = set()
    for part in parts:
        named.add(part.identifier)
        named.update(part.named)
    claims = [(key, 0) for key in named if key in trust.core or key in trust.claimed]
    return ContactAssurance(
        tuple(proofs(parts, trust.core)),
        asserted[0] if asserted else None,
        min(claims, key=weight_and_rank)[0] if claims else None,
    )


def reaches(level: str, wanted: str) -> bool:
    """Return whether a contact's level is at least the one that a read asks for."""
    return LEVELS.index(level) <= LEVELS.index(wanted)


def assurance_view(members: Sequence[Member], found: ContactAssurance, lifetimes: Lifetimes) -> Json:
    """Return how sure we are of a customer: by the contact that was active last, and how surely the identifiers are one
    person's, as the least confidence with which any of them was joined."""
    joined = [(why[2], member.id, why[0]) for member in members if (why := member.joined) is not None]
    weakest = min(joined, default=None)
    return {
        "level": found.level,
        "verified": found.proofs[0].view(lifetimes) if found.proofs else None,
        "confidence": weakest[0] / 100 if weakest is not None else 1.0 if members else 0.0,
        "weakest": {"profile": text_of(weakest[1]), "rule": weakest[2]} if weakest is not None else None,
    }
