"""What identity is made of. All ids are 16 bytes (see ``cx_events.ids``), all times microseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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


class Tie(NamedTuple):
    """An edge's evidence of one weight."""

    weight: Weight
    at: Evidence
    rule: str


def ties_of(edge: Edge) -> list[Tie]:
    """Return the evidence of an edge, strongest first; there is at least one."""
    every = (
        (PROVED, edge.proved, edge.proved_rule),
        (ASSERTED, edge.asserted, edge.asserted_rule),
        (CLAIMED, edge.claimed, edge.claimed_rule),
    )
    return [Tie(weight, at, rule) for weight, at, rule in every if at is not None]


def strongest_tie(edge: Edge) -> Tie:
    """Return an edge's evidence of its strongest weight."""
    return ties_of(edge)[0]


ProfileMention = Profile
EdgeMention = Edge


def attests(kind: str, weight: Weight) -> bool:
    """Return whether a fact that gives an identifier of this kind this weight attests it."""
    return weight == PROVED or (kind in STRONG_KINDS and weight != CLAIMED)


def makes_known(profile: Profile) -> bool:
    """Return whether a core is a known one by this profile alone."""
    return profile.attested and profile.kind in STRONG_KINDS


def earlier(one: Profile, other: Profile) -> Profile:
    """Return the sum of what two sets of facts say about one profile; associative, commutative, idempotent."""
    least, more = (one, other) if one.first_recorded <= other.first_recorded else (other, one)
    return structs.replace(least, attested=True) if more.attested and not least.attested else least


def joint(one: Edge, other: Edge) -> Edge:
    """Return the sum of what two sets of facts say about one pair; associative, commutative, idempotent."""
    proved, proved_rule = _earliest(one.proved, one.proved_rule, other.proved, other.proved_rule)
    asserted, asserted_rule = _earliest(one.asserted, one.asserted_rule, other.asserted, other.asserted_rule)
    claimed, claimed_rule = _earliest(one.claimed, one.claimed_rule, other.claimed, other.claimed_rule)
    return Edge(one.a, one.b, proved, asserted, claimed, proved_rule, asserted_rule, claimed_rule)


def edge_mention(a: NodeId, b: NodeId, tie: Tie) -> Edge:
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
        return name_of(self.at)


def name_of(at: Evidence) -> str:
    """``SOURCE#ID`` of an event."""
    return f"{at[1]}#{at[2]}"


class Shared(NamedTuple):
    """Identifiers of several people. ``counting_all`` pairs: none of their claimed pairs links. ``firmly``, which is
    counting proved and asserted pairs alone: none of their asserted pairs links either. The second is within the first.
    """

    counting_all: frozenset[NodeId] = frozenset()
    firmly: frozenset[NodeId] = frozenset()


class Given(NamedTuple):
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
    shared: Shared | None = None
    given: Mapping[NodeId, Given] = field(default_factory=dict)


class Joined(Struct, frozen=True, gc=False):
    """Why a profile is its customer's: by ``rule`` and ``evidence`` (source, id) it hangs on the profile ``via``.

    ``confidence`` in hundredths, see ``CONFIDENCE``; no step is surer than the one it hangs on.
    """

    rule: str
    evidence: tuple[str, str]
    confidence: int
    via: NodeId


RefusedFor = Literal["apart", "exclusive", "known", "kind", "size", "shared"]


class Refusal(Struct, frozen=True, gc=False):
    """An edge that does not link. ``reason``: ``apart`` (``by``: the decision, SOURCE#ID), ``exclusive`` (``by``: the
    kind); of claims also ``known`` (both sides are known people), ``kind`` (both hold a value of the kind ``by``),
    ``size`` (too many cores) and ``shared`` (an end is shared, so it is not tried; ``candidates.withheld_among`` finds
    these). ``at``: the evidence that it was tried by."""

    a: NodeId
    b: NodeId
    reason: RefusedFor
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


class Standing(Struct, frozen=True, gc=False):
    """Whether a decision counts. ``void``: it contradicts newer ones. ``withdrawn``: as if it never was. ``waiting``:
    it names a profile that no fact has named yet. ``by``: the decision that makes it so, SOURCE#ID, if it is one."""

    state: Literal["stands", "void", "withdrawn", "waiting"]
    by: str = ""


class Tied(Struct, frozen=True, gc=False):
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
    customers: tuple[Tied, ...]
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
    joined: dict[NodeId, Joined]
    shared: Shared
    ambiguous: frozenset[NodeId]
    claimed: frozenset[NodeId]
    decided: frozenset[NodeId]
    settled: frozenset[NodeId]
    refused: list[Refusal]
    candidates: list[Candidate]
    decisions: dict[bytes, Standing]


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
