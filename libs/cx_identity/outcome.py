"""Describe what a resolution returns: who is who, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from cx_events.envelope import Weight
from cx_events.ids import NodeId
from cx_events.weights import CLAIMED
from cx_identity.model import Evidence, SharedIdentifiers


class JoinReason(Struct, frozen=True, gc=False):
    """Why a profile belongs to its customer: ``rule`` and ``evidence`` (source, id) tie it to the profile ``via``.

    ``confidence`` is in hundredths (see ``model.confidence_of``); no step has more than the one that it hangs on.
    """

    rule: str
    evidence: tuple[str, str]
    confidence: int
    via: NodeId


RefusalReason = Literal["apart", "exclusive", "known", "kind", "size", "shared"]


class Refusal(Struct, frozen=True, gc=False):
    """An edge that links nobody.

    ``reason`` is ``apart`` (by the decision ``by``, SOURCE#ID) or ``exclusive`` (by the kind ``by``). A claim may also
    be refused as ``known`` (both sides hold a known core), ``kind`` (both sides hold a value of the kind ``by``),
    ``size`` (too many cores) or ``shared`` (an end is shared, so the claim is not tried; see
    ``candidates.withheld_claims``). ``at`` is the evidence by which the edge was tried.
    """

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
        """True for a claim that nobody has decided about and a person should be asked about.

        A claim that is refused for its size alone is none: too many cookies are no doubt about anybody.
        """
        return self.claimed and self.reason not in {"apart", "size"}


class DecisionStatus(Struct, frozen=True, gc=False):
    """The status of a decision: whether it counts, and the decision ``by`` (SOURCE#ID) that makes it so, if there is
    one.

    - ``stands``: it counts.
    - ``void``: it contradicts newer decisions.
    - ``withdrawn``: it is undone, as if it had never been (see ``unmerge``).
    - ``waiting``: it names a profile that no fact has named yet.
    """

    state: Literal["stands", "void", "withdrawn", "waiting"]
    by: str = ""


STANDS = DecisionStatus("stands")
VOID = DecisionStatus("void")
WAITING = DecisionStatus("waiting")


class CandidateCustomer(Struct, frozen=True, gc=False):
    """A customer that an identifier in doubt is tied to, by the edge with the highest confidence, then the latest."""

    customer: NodeId
    profile: NodeId
    rule: str
    confidence: int
    evidence: Evidence
    weight: Weight = CLAIMED


class Candidate(Struct, frozen=True, gc=False):
    """An identifier in doubt and the customers it may belong to, highest confidence first. ``reason`` is a sentence."""

    id: bytes
    identifier: NodeId
    customers: tuple[CandidateCustomer, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """The result of a resolution: who is who.

    - ``customer_of``: the customer of every profile of the graph.
    - ``core_of``: the core of every profile, named by its least profile.
    - ``join_reasons``: for every profile that is not its own customer, why it belongs there.
    - ``unlinked``: the profiles whose values never link anybody.
    - ``ambiguous``: shared identifiers with nothing but themselves in their core, unless claims alone make them shared
      and they are attested.
    - ``claimed``: members that only a claim ties to their customer's known core or, if it has none, to the core of its
      first profile.
    - ``decided``: profiles that a standing merge or apart names.
    - ``settled``: identifiers that a standing merge or dismissal names, so they yield no candidate.
    - ``refusals``: in the order in which the edges were tried.
    - ``candidates``: one for each identifier in doubt that nobody settled. For a part of the graph they list only the
      customers within it.
    - ``decisions``: the status of every decision, by its key.
    """

    customer_of: dict[NodeId, NodeId]
    core_of: dict[NodeId, NodeId]
    join_reasons: dict[NodeId, JoinReason]
    shared: SharedIdentifiers
    unlinked: frozenset[NodeId]
    ambiguous: frozenset[NodeId]
    claimed: frozenset[NodeId]
    decided: frozenset[NodeId]
    settled: frozenset[NodeId]
    refusals: list[Refusal]
    candidates: list[Candidate]
    decisions: dict[bytes, DecisionStatus]
