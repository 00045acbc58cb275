"""What a resolution says: who is who, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from cx_events.envelope import Weight
from cx_events.ids import NodeId
from cx_events.weights import CLAIMED
from cx_identity.model import Evidence, SharedIdentifiers


class JoinReason(Struct, frozen=True, gc=False):
    """Why a profile is its customer's: by ``rule`` and ``evidence`` (source, id) it hangs on the profile ``via``.

    ``confidence`` in hundredths, see ``CONFIDENCE``; no step is surer than the one it hangs on.
    """

    rule: str
    evidence: tuple[str, str]
    confidence: int
    via: NodeId


RefusalReason = Literal["apart", "exclusive", "known", "kind", "size", "shared"]


class Refusal(Struct, frozen=True, gc=False):
    """An edge that does not link. ``reason``: ``apart`` (``by``: the decision, SOURCE#ID), ``exclusive`` (``by``: the
    kind); of claims also ``known`` (both sides are known people), ``kind`` (both hold a value of the kind ``by``),
    ``size`` (too many cores) and ``shared`` (an end is shared, so it is not tried; ``candidates.withheld_among`` finds
    these). ``at``: the evidence that it was tried by."""

    a: NodeId
    b: NodeId
    reason: RefusalReason
    by: str
    at: Evidence
    claimed: bool = False

    @property
    def evidence(self) -> tuple[str, str]:
        """(source, id) of the event."""
        return self.at[1:]

    @property
    def is_question(self) -> bool:
        """Whether a person should be asked: a claim that nobody decided about. One cookie too many asks nothing."""
        return self.claimed and self.reason not in {"apart", "size"}


class DecisionStatus(Struct, frozen=True, gc=False):
    """Whether a decision counts. ``void``: it contradicts newer ones. ``withdrawn``: as if it never was. ``waiting``:
    it names a profile that no fact has named yet. ``by``: the decision that makes it so, SOURCE#ID, if it is one."""

    state: Literal["stands", "void", "withdrawn", "waiting"]
    by: str = ""


class CandidateCustomer(Struct, frozen=True, gc=False):
    """A customer that an identifier in doubt is tied to, by its surest and then latest edge."""

    customer: NodeId
    profile: NodeId
    rule: str
    confidence: int
    evidence: Evidence
    weight: Weight = CLAIMED


class Candidate(Struct, frozen=True, gc=False):
    """An identifier in doubt and whose it may be: surest customer first. ``reason``: a sentence."""

    id: bytes
    identifier: NodeId
    customers: tuple[CandidateCustomer, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who is who. ``customer_of`` has every profile of the graph; ``joined`` every one that is not its own customer.

    ``core_of``: every profile's core, by its least profile. ``claimed``: members that only a claim ties to their
    customer's known core, or where there is none to the core of its first profile. ``ambiguous``: shared identifiers
    with nothing but themselves in their core, unless claims alone make them shared and they are attested. ``decided``:
    profiles that a standing merge or apart names. ``settled``: identifiers that a standing merge or dismissal names, so
    that they yield no candidate. ``refused`` in the order in which edges were tried. ``decisions``: by the decision's
    key. ``candidates``: one for each identifier in doubt that nobody settled; on a part of the graph they list only the
    customers within it.
    """

    customer_of: dict[NodeId, NodeId]
    core_of: dict[NodeId, NodeId]
    joined: dict[NodeId, JoinReason]
    shared: SharedIdentifiers
    ambiguous: frozenset[NodeId]
    claimed: frozenset[NodeId]
    decided: frozenset[NodeId]
    settled: frozenset[NodeId]
    refused: list[Refusal]
    candidates: list[Candidate]
    decisions: dict[bytes, DecisionStatus]


STANDS = DecisionStatus("stands")
VOID = DecisionStatus("void")
WAITING = DecisionStatus("waiting")
