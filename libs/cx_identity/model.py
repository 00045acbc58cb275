"""What identity is made of. All ids are 16 bytes (see ``cx_events.ids``), all times microseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from cx_events.ids import NodeId
from cx_events.timestamps import Micros

Evidence = tuple[Micros, str, str]
"""(recorded time, source, id) of the event that says so; the least is the earliest."""


class Profile(Struct, frozen=True, gc=False):
    """One identifier. ``first_recorded``: the least recorded time over the facts that name it.

    As a *mention* it knows of one fact alone; mentions add up with ``earlier``.
    """

    id: NodeId
    kind: str
    scope: str
    value: str
    first_recorded: Micros


class Edge(Struct, frozen=True, gc=False):
    """Two profiles that facts tie together, ``a < b``; at least one of ``asserted`` and ``verified`` is set.

    Each class keeps its earliest evidence and that evidence's rule: ``seen-together``, ``login``, ``crm``,
    ``one-time-code``, whatever the event said. As a *mention* it knows of one fact alone; mentions add up by ``joint``.
    """

    a: NodeId
    b: NodeId
    asserted: Evidence | None
    verified: Evidence | None
    asserted_rule: str = ""
    verified_rule: str = ""


ProfileMention = Profile
EdgeMention = Edge


def earlier(one: Profile, other: Profile) -> Profile:
    """The sum of what two sets of facts say about one profile; associative, commutative, idempotent."""
    return one if one.first_recorded <= other.first_recorded else other


def joint(one: Edge, other: Edge) -> Edge:
    """The sum of what two sets of facts say about one pair; associative, commutative, idempotent."""
    asserted, asserted_rule = _earliest(one.asserted, one.asserted_rule, other.asserted, other.asserted_rule)
    verified, verified_rule = _earliest(one.verified, one.verified_rule, other.verified, other.verified_rule)
    return Edge(one.a, one.b, asserted, verified, asserted_rule, verified_rule)


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


@dataclass(frozen=True, slots=True)
class Graph:
    """Profiles, edges and decisions: a tenant's whole, or a part that no active edge or decision leaves (``scope``).

    ``edges``: one per pair, both ends among the profiles. ``decisions``: one per key. ``shared``: exactly the profiles
    that are; None where that is to be proved from the edges, which are then all that these profiles have.
    """

    profiles: Mapping[NodeId, Profile]
    edges: Collection[Edge] = ()
    decisions: Collection[Decision] = ()
    shared: frozenset[NodeId] | None = None


class Joined(Struct, frozen=True, gc=False):
    """Why a profile is its customer's: by ``rule`` and ``evidence`` (source, id) it hangs on the profile ``via``.

    ``confidence`` in hundredths, see ``CONFIDENCE``; no step is surer than the one it hangs on.
    """

    rule: str
    evidence: tuple[str, str]
    confidence: int
    via: NodeId


class Refusal(Struct, frozen=True, gc=False):
    """An edge that does not link. ``reason``: ``apart`` (``by``: the decision, SOURCE#ID) or ``exclusive`` (``by``: the
    kind). ``evidence``: (source, id)."""

    a: NodeId
    b: NodeId
    reason: Literal["apart", "exclusive"]
    by: str
    evidence: tuple[str, str]


class Standing(Struct, frozen=True, gc=False):
    """Whether a decision counts. ``void``: it contradicts newer ones. ``withdrawn``: as if it never was. ``waiting``:
    it names a profile that no fact has named yet. ``by``: the decision that makes it so, SOURCE#ID, if it is one."""

    state: Literal["stands", "void", "withdrawn", "waiting"]
    by: str = ""


class Tied(Struct, frozen=True, gc=False):
    """A customer that a shared identifier is tied to, by its surest and then latest edge."""

    customer: NodeId
    profile: NodeId
    rule: str
    confidence: int
    evidence: Evidence


class Candidate(Struct, frozen=True, gc=False):
    """A shared identifier and whose it may be: surest customer first. ``reason``: a sentence."""

    id: bytes
    identifier: NodeId
    customers: tuple[Tied, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who is who. ``customer_of`` has every profile of the graph; ``joined`` every one that is not its own customer.

    ``refused`` in the order in which edges were tried. ``decisions``: by the decision's key. ``candidates``: one for
    each shared identifier that nobody settled; on a part of the graph they list only the customers within it.
    """

    customer_of: dict[NodeId, NodeId]
    joined: dict[NodeId, Joined]
    shared: frozenset[NodeId]
    refused: list[Refusal]
    candidates: list[Candidate]
    decisions: dict[bytes, Standing]


PERSON = 100
VERIFIED = 95
ASSERTED = {"crm": 90, "login": 85, "seen-together": 70}
ASSERTED_OTHERWISE = 75
"""Confidence in hundredths: a person's decision, a verified edge by any rule, an asserted edge by its rule."""


def confidence_of(edge: Edge) -> int:
    """In hundredths: by its verified evidence where it has any."""
    return VERIFIED if edge.verified is not None else ASSERTED.get(edge.asserted_rule, ASSERTED_OTHERWISE)
