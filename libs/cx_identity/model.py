"""Describe profiles, edges and decisions, and the graph of them.

All ids are 16 bytes (see ``cx_events.ids``), all times microseconds since 1970 in UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, NamedTuple

from msgspec import Struct, structs

from cx_events.envelope import Weight
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_events.weights import ASSERTED, CLAIMED, PROVED

Evidence = tuple[Micros, str, str]
"""(recorded time, source, id) of an event that says something; the least is the earliest."""


STRONG_KINDS = frozenset({"crm", "account"})
"""Kinds of identifier of which two proved or asserted values are two people, and one makes its core a known one."""


class Profile(Struct, frozen=True, gc=False):
    """One identifier.

    ``first_recorded`` is the least recorded time of the facts that name it. ``attested`` says that some fact proves it
    or, if it is of one of the ``STRONG_KINDS``, asserts it (see ``attests``). Profiles of single facts add up with
    ``sum_profiles``.
    """

    id: NodeId
    kind: str
    scope: str
    value: str
    first_recorded: Micros
    attested: bool = False


class Edge(Struct, frozen=True, gc=False):
    """Two profiles that facts tie together, with ``a < b``.

    Each weight (``proved``, ``asserted``, ``claimed``) keeps its earliest evidence and the rule of that evidence:
    ``seen-together``, ``login``, ``crm``, ``one-time-code``, or whatever the event said. At least one weight is set.
    Edges of single facts add up with ``sum_edges``.
    """

    a: NodeId
    b: NodeId
    proved: Evidence | None = None
    asserted: Evidence | None = None
    claimed: Evidence | None = None
    proved_rule: str = ""
    asserted_rule: str = ""
    claimed_rule: str = ""

    @property
    def firm(self) -> bool:
        """True if it is proved or asserted."""
        return self.proved is not None or self.asserted is not None

    def other(self, end: NodeId) -> NodeId:
        """Return the other end."""
        return self.b if self.a == end else self.a


class WeightedEvidence(NamedTuple):
    """An edge's evidence of one weight, and its rule."""

    weight: Weight
    at: Evidence
    rule: str


def evidence_of(edge: Edge) -> list[WeightedEvidence]:
    """Return an edge's evidence, strongest weight first. The list is never empty."""
    by_weight = (
        (PROVED, edge.proved, edge.proved_rule),
        (ASSERTED, edge.asserted, edge.asserted_rule),
        (CLAIMED, edge.claimed, edge.claimed_rule),
    )
    return [WeightedEvidence(weight, at, rule) for weight, at, rule in by_weight if at is not None]


def strongest_evidence(edge: Edge) -> WeightedEvidence:
    """Return an edge's evidence of its strongest weight."""
    return evidence_of(edge)[0]


def attests(kind: str, weight: Weight) -> bool:
    """Return whether a fact attests an identifier of this kind by giving it this weight."""
    return weight == PROVED or (kind in STRONG_KINDS and weight != CLAIMED)


def makes_known(profile: Profile) -> bool:
    """Return whether this profile alone makes its core a known one."""
    return profile.attested and profile.kind in STRONG_KINDS


def sum_profiles(one: Profile, other: Profile) -> Profile:
    """Add up what two sets of facts say about one profile; associative, commutative and idempotent."""
    least, more = (one, other) if one.first_recorded <= other.first_recorded else (other, one)
    return structs.replace(least, attested=True) if more.attested and not least.attested else least


def sum_edges(one: Edge, other: Edge) -> Edge:
    """Add up what two sets of facts say about one pair; associative, commutative and idempotent."""
    proved, proved_rule = _earliest(one.proved, one.proved_rule, other.proved, other.proved_rule)
    asserted, asserted_rule = _earliest(one.asserted, one.asserted_rule, other.asserted, other.asserted_rule)
    claimed, claimed_rule = _earliest(one.claimed, one.claimed_rule, other.claimed, other.claimed_rule)
    return Edge(one.a, one.b, proved, asserted, claimed, proved_rule, asserted_rule, claimed_rule)


def make_edge(a: NodeId, b: NodeId, evidence: WeightedEvidence) -> Edge:
    """Return the edge of a pair with this evidence alone. ``a`` and ``b`` may come in either order."""
    low, high = (a, b) if a < b else (b, a)
    match evidence.weight:
        case "proved":
            return Edge(low, high, proved=evidence.at, proved_rule=evidence.rule)
        case "asserted":
            return Edge(low, high, asserted=evidence.at, asserted_rule=evidence.rule)
        case _:
            return Edge(low, high, claimed=evidence.at, claimed_rule=evidence.rule)


def _earliest(one: Evidence | None, rule: str, other: Evidence | None, other_rule: str) -> tuple[Evidence | None, str]:
    if other is None:
        return one, rule
    if one is None or (other, other_rule) < (one, rule):
        return other, other_rule
    return one, rule


DecisionKind = Literal["merge", "apart", "withdraw", "dismiss"]


class Decision(Struct, frozen=True, gc=False):
    """A person's decision. A newer one (by ``at``) outranks an older one.

    - ``merge`` and ``apart`` name two profiles, ``a`` and ``b``.
    - ``withdraw`` names a decision of any kind in ``withdraws``, as ``SOURCE#ID``, and no profiles.
    - ``dismiss`` names the identifier whose candidate it removes, as both ``a`` and ``b``.

    ``key`` is that of the event (``cx_events.ids.event_key``).
    """

    key: bytes
    at: Evidence
    kind: DecisionKind
    a: NodeId = b""
    b: NodeId = b""
    withdraws: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """``SOURCE#ID``, as a withdrawal names it."""
        return event_name(self.at)


def event_name(at: Evidence) -> str:
    """Return ``SOURCE#ID`` of an event."""
    return f"{at[1]}#{at[2]}"


_at = attrgetter("at")


def newest_first(decisions: Iterable[Decision]) -> list[Decision]:
    """Sort decisions into the order in which they are applied."""
    return sorted(decisions, key=_at, reverse=True)


class SharedIdentifiers(NamedTuple):
    """Identifiers of several people (see ``shared_identifiers``).

    ``counting_all`` are shared counting all pairs; their claimed pairs link nobody. ``counting_firm`` are shared
    counting proved and asserted pairs only; their asserted pairs link nobody either. The second set lies within the
    first.
    """

    counting_all: frozenset[NodeId] = frozenset()
    counting_firm: frozenset[NodeId] = frozenset()


class FixedCore(NamedTuple):
    """The core of a profile that is not resolved now, as an earlier resolution left it.

    ``decided`` says that a standing merge or apart names the profile.
    """

    core: NodeId
    decided: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A tenant's whole graph, or a part of it that can be resolved by itself (see ``affected_scope``).

    ``edges`` has one for each pair, with both ends among the profiles; ``decisions`` has one for each key. ``shared``
    names exactly the shared profiles. If it is None, they are found from the edges, which then must be all that these
    profiles have. ``unlinked`` names exactly the profiles whose values never link (``rules.may_link``); None where that
    was not asked yet. ``fixed_cores`` are those of profiles at the border of a part, whose cores stay as they are.
    """

    profiles: Mapping[NodeId, Profile]
    edges: Collection[Edge] = ()
    decisions: Collection[Decision] = ()
    shared: SharedIdentifiers | None = None
    unlinked: frozenset[NodeId] | None = None
    fixed_cores: Mapping[NodeId, FixedCore] = field(default_factory=dict)


PERSON = 100
PROOF = 95
ASSERTION = {"crm": 90, "login": 85, "seen-together": 70}
ASSERTION_OTHERWISE = 75
CLAIM = 50
"""Confidence in hundredths: of a person's decision, of a proof by any rule, of an assertion by its rule, of a claim."""


def confidence_of(edge: Edge) -> int:
    """Return the confidence of an edge in hundredths, by its strongest evidence."""
    if edge.proved is not None:
        return PROOF
    if edge.asserted is not None:
        return ASSERTION.get(edge.asserted_rule, ASSERTION_OTHERWISE)
    return CLAIM
