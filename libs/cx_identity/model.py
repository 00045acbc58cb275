"""What identity is made of. All ids are 16 bytes (see ``cx_events.ids``), all times microseconds since 1970, UTC."""

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
"""(recorded time, source, id) of the event that says so; the least is the earliest."""


STRONG_KINDS = frozenset({"crm", "account"})
"""Kinds of which a proved or asserted value makes a person known, and two such values are two people."""


class Profile(Struct, frozen=True, gc=False):
    """One identifier. ``first_recorded``: the least recorded time over the facts that name it. ``attested``: some
    fact proves it or, of one of the ``STRONG_KINDS``, asserts it (``attests``).

    As a *mention* it knows of one fact alone; mentions add up with ``earlier``.
    """

    id: NodeId
    kind: str
    scope: str
    value: str
    first_recorded: Micros
    attested: bool = False


class Edge(Struct, frozen=True, gc=False):
    """Two profiles that facts tie together, ``a < b``; at least one of ``proved``, ``asserted``, ``claimed`` is set.

    Each weight keeps its earliest evidence and that evidence's rule: ``seen-together``, ``login``, ``crm``,
    ``one-time-code``, whatever the event said. As a *mention* it knows of one fact alone; mentions add up by ``joint``.
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
        """Whether it is proved or asserted."""
        return self.proved is not None or self.asserted is not None

    def other(self, end: NodeId) -> NodeId:
        """Return the other end."""
        return self.b if self.a == end else self.a


class WeightedEvidence(NamedTuple):
    """An edge's evidence of one weight."""

    weight: Weight
    at: Evidence
    rule: str


def evidence_of(edge: Edge) -> list[WeightedEvidence]:
    """Return the evidence of an edge, strongest first; there is at least one."""
    every = (
        (PROVED, edge.proved, edge.proved_rule),
        (ASSERTED, edge.asserted, edge.asserted_rule),
        (CLAIMED, edge.claimed, edge.claimed_rule),
    )
    return [WeightedEvidence(weight, at, rule) for weight, at, rule in every if at is not None]


def strongest_evidence(edge: Edge) -> WeightedEvidence:
    """Return an edge's evidence of its strongest weight."""
    return evidence_of(edge)[0]


def attests(kind: str, weight: Weight) -> bool:
    """Return whether a fact that gives an identifier of this kind this weight attests it."""
    return weight == PROVED or (kind in STRONG_KINDS and weight != CLAIMED)


def makes_known(profile: Profile) -> bool:
    """Return whether a core is a known one by this profile alone."""
    return profile.attested and profile.kind in STRONG_KINDS


def sum_profiles(one: Profile, other: Profile) -> Profile:
    """Return the sum of what two sets of facts say about one profile; associative, commutative, idempotent."""
    least, more = (one, other) if one.first_recorded <= other.first_recorded else (other, one)
    return structs.replace(least, attested=True) if more.attested and not least.attested else least


def sum_edges(one: Edge, other: Edge) -> Edge:
    """Return the sum of what two sets of facts say about one pair; associative, commutative, idempotent."""
    proved, proved_rule = _earliest(one.proved, one.proved_rule, other.proved, other.proved_rule)
    asserted, asserted_rule = _earliest(one.asserted, one.asserted_rule, other.asserted, other.asserted_rule)
    claimed, claimed_rule = _earliest(one.claimed, one.claimed_rule, other.claimed, other.claimed_rule)
    return Edge(one.a, one.b, proved, asserted, claimed, proved_rule, asserted_rule, claimed_rule)


def make_edge(a: NodeId, b: NodeId, tie: WeightedEvidence) -> Edge:
    """Return the edge that one fact makes of a pair, in either order."""
    low, high = min(a, b), max(a, b)
    match tie.weight:
        case "proved":
            return Edge(low, high, proved=tie.at, proved_rule=tie.rule)
        case "asserted":
            return Edge(low, high, asserted=tie.at, asserted_rule=tie.rule)
        case _:
            return Edge(low, high, claimed=tie.at, claimed_rule=tie.rule)


def _earliest(one: Evidence | None, rule: str, other: Evidence | None, other_rule: str) -> tuple[Evidence | None, str]:
    if other is None:
        return one, rule
    if one is None or (other, other_rule) < (one, rule):
        return other, other_rule
    return one, rule


_at = attrgetter("at")

DecisionKind = Literal["merge", "apart", "withdraw", "dismiss"]


class Decision(Struct, frozen=True, gc=False):
    """What a person decided. ``key``: of the event (``cx_events.ids.event_key``). ``at``: the newer outranks the older.

    ``merge`` and ``apart`` name two profiles, ``a`` and ``b``. ``withdraw`` names a decision of any kind, as
    ``SOURCE#ID``, and no profiles. ``dismiss`` names the identifier whose candidate it removes, as both.
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
    """``SOURCE#ID`` of an event."""
    return f"{at[1]}#{at[2]}"


class SharedIdentifiers(NamedTuple):
    """Identifiers of several people. ``counting_all`` pairs: none of their claimed pairs links. ``firmly``, which is
    counting proved and asserted pairs alone: none of their asserted pairs links either. The second is within the first.
    """

    counting_all: frozenset[NodeId] = frozenset()
    firmly: frozenset[NodeId] = frozenset()


class FixedCore(NamedTuple):
    """What an earlier resolution found of a profile that is not resolved now: its core's id, and whether a standing
    merge or apart names it."""

    core: NodeId
    decided: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """Profiles, edges and decisions: a tenant's whole, or a part that can be resolved by itself (``scope``).

    ``edges``: one per pair, both ends among the profiles. ``decisions``: one per key. ``shared``: exactly the profiles
    that are; None where that is to be proved from the edges, which are then all that these profiles have. ``given``: of
    profiles at the border of a part, whose cores stay as they were.
    """

    profiles: Mapping[NodeId, Profile]
    edges: Collection[Edge] = ()
    decisions: Collection[Decision] = ()
    shared: SharedIdentifiers | None = None
    given: Mapping[NodeId, FixedCore] = field(default_factory=dict)


PERSON = 100
PROOF = 95
ASSERTION = {"crm": 90, "login": 85, "seen-together": 70}
ASSERTION_OTHERWISE = 75
CLAIM = 50
"""Confidence in hundredths: a person's decision, a proof by any rule, an assertion by its rule, a claim by any."""


def confidence_of(edge: Edge) -> int:
    """Return the confidence of an edge in hundredths, by its strongest evidence."""
    if edge.proved is not None:
        return PROOF
    if edge.asserted is not None:
        return ASSERTION.get(edge.asserted_rule, ASSERTION_OTHERWISE)
    return CLAIM


def newest_first(decisions: Iterable[Decision]) -> list[Decision]:
    """Return decisions in the order in which they are applied."""
    return sorted(decisions, key=_at, reverse=True)
