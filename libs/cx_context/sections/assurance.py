"""Tell how sure it is who is at the other end of a contact: by which proof, assertion or claim, and until when.

A *proof* is what a customer did in an interaction: a login, a one-time code, a PIN at an IVR
(``cx.identity.verified.v1``), or a channel's own check of who writes (an identifier whose weight is *proved* in what
the channel sends). An *assertion* is what a system or a network that may say so says (``cx.identity.asserted.v1``, a
weight *asserted*). All else is a *claim*: anybody can type somebody's address.

Proofs and assertions count of identifiers that lie in the customer's core. Of one that only a claim ties to it they
prove no more than the claim. A proof expires (``proofs.lifetime``). Nothing here asks a clock but
``ContactAssurance.at``, which is given one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import structs

from cx_context.parts.model import Part
from cx_context.parts.rules import weight_and_rank
from cx_context.sections.join_fields import THREADING
from cx_context.sections.members import Member, key_of
from cx_context.sections.proofs import (
    CORE,
    IDENTIFIER,
    VOUCHING,
    Lifetimes,
    Proof,
    assertions,
    identifier_view,
    proofs,
)
from cx_context.sections.section import Section, made_of
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.schema_shapes import ID, SHARE, TEXT, TEXT_OR_NONE, TIME_OR_NONE, members, named, or_none, ref
from cx_events.timestamps import Micros, format_time
from cx_events.weights import ASSERTED as ASSERTED_WEIGHT
from cx_events.weights import CLAIMED, PROVED, WEIGHT_RANKS
from cx_identity.model import STRONG_KINDS

PROOFS_SHOWN = 20

NONE = "none"
"""The level of a contact that names none of its customer's identifiers."""

LEVELS = (PROVED, ASSERTED_WEIGHT, CLAIMED, NONE)
ASSURED = (PROVED, ASSERTED_WEIGHT)
"""The levels that a read may ask for."""

_CLAIMED = WEIGHT_RANKS[CLAIMED]


@dataclass(frozen=True, slots=True)
class Trust:
    """The identifiers that count for one customer: those in the ``core``, those that only a claim ties to it, and how
    long proofs count. Identifiers as ``key_of`` names them."""

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
    return [structs.replace(member, claimed=member.id != first.id) for member in members]


class ContactAssurance(NamedTuple):
    """The facts that vouch for who is at the other end of some parts. ``claim``: the strongest identifier of the
    customer's that they name."""

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
        named = identifier_view(*self.claim.split("\n", 2)) if self.claim is not None else None
        return {"level": self.level, "by": None, "identifier": named, "expires_at": None}

    @staticmethod
    def _told(level: str, by: Proof, lifetimes: Lifetimes | None) -> Json:
        return {
            "level": level,
            "by": by.method,
            "identifier": identifier_view(by.kind, by.scope, by.value),
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
    """The assurance of a contact whose own identifier, that of ``profile``, is taken by itself, since only a claim ties
    it to the customer's core."""

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
        if part.other_identifiers:
            named.update(part.other_identifiers)
    claims = [(key, 0) for key in named if key in trust.core or key in trust.claimed]
    return ContactAssurance(
        tuple(proofs(parts, trust.core)),
        asserted[0] if asserted else None,
        min(claims, key=weight_and_rank)[0] if len(claims) > 1 else claims[0][0] if claims else None,
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


SURENESS = members(
    {
        "level": ref("Level"),
        "by": {**TEXT_OR_NONE, "description": "The method of the proof or assertion."},
        "identifier": or_none(IDENTIFIER),
        "expires_at": {**TIME_OR_NONE, "description": "Of the proof; once it is past, that counts as a claim."},
    }
)
"""The schema of ``ContactAssurance.at``."""

ASSURANCE = members(
    {
        "level": ref("Level"),
        "verified": or_none(ref("Proof")),
        "confidence": SHARE,
        "weakest": or_none(named("WeakestLink", {"profile": ID, "rule": TEXT})),
    }
)
"""The schema of ``assurance_view``."""

SECTION = Section(
    components={
        "Level": {
            "enum": list(LEVELS),
            "description": "How sure it is who is at the other end of a contact. `none`: it names nobody.",
        },
        "Sureness": SURENESS,
        "Assurance": {
            **ASSURANCE,
            "description": "Level and latest proof of the contact that was active last, as if no proof ever expired; "
            "and how surely the identifiers are one person's, as the least sure of them is joined.",
        },
    },
    provenance={
        ("customer", "assurance"): made_of(
            "who was proved, asserted or claimed to be there in the contact that was active last, and the weakest link "
            "between identifiers", *THREADING, *VOUCHING, "last", threaded=True, identity=True
        ),
        ("conversations", "*", "verified"): made_of(
            "what was proved in its contact that was active last, or came to it by a token or a person's link",
            *CORE, "last", *THREADING, threaded=True,
        ),
        ("conversations", "*", "joined"): made_of(
            "the strongest rule that joins an interaction", *VOUCHING, *THREADING, threaded=True
        ),
    },
)  # fmt: skip
