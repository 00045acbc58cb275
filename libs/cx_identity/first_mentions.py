"""When something was first known, of any past: the events that were, at some moment, the first to say so.

What a graph holds of a profile or of a class of an edge's evidence is its *earliest* mention by (recorded time, source,
id). At a past moment (what had happened by T, what we had heard by K) it is the earliest of the mentions with
``effective <= T`` and ``recorded <= K``. For all T and K that is one of the *staircase*: the mentions that no other
precedes in both. Live traffic has one step; imports and late events add a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from cx_events.envelope import Weight
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.model import Edge, Evidence, Profile, Tie, edge_mention, joint, ties_of

NAMED, PROVED, ASSERTED, CLAIMED, ATTESTED = range(5)
"""Of what something is a sighting: of a profile, of an edge by its weight, of a profile that is attested. They stand in
the store, so they never change."""

EDGE_KINDS: Mapping[Weight, int] = {"proved": PROVED, "asserted": ASSERTED, "claimed": CLAIMED}
_WEIGHTS: Mapping[int, Weight] = {kind: weight for weight, kind in EDGE_KINDS.items()}

Seen = tuple[int, NodeId, NodeId]
"""(kind, a, b): what was sighted. Of a profile both ends are it."""


class Sighting(NamedTuple):
    """One mention. ``key``: of its event."""

    effective: Micros
    at: Evidence
    rule: str
    key: bytes


def sighting(fact: Fact, rule: str = "") -> Sighting:
    return Sighting(fact.effective, (fact.recorded, fact.event.source, fact.event.id), rule, fact.key)


def named(profile: Profile, fact: Fact) -> list[tuple[Seen, Sighting]]:
    """Return the sightings in what one fact says of a profile."""
    id, one = profile.id, sighting(fact)
    found: list[tuple[Seen, Sighting]] = [((NAMED, id, id), one)]
    if profile.attested:
        found.append(((ATTESTED, id, id), one))
    return found


def tied(edge: Edge, fact: Fact) -> list[tuple[Seen, Sighting]]:
    """Return the sightings in what one fact says of a pair."""
    return [((EDGE_KINDS[tie.weight], edge.a, edge.b), sighting(fact, tie.rule)) for tie in ties_of(edge)]


def said_of(profiles: Iterable[Profile], edges: Iterable[Edge], fact: Fact) -> Iterator[tuple[Seen, Sighting]]:
    """Yield the sightings in what one fact says of who is who (``cx_identity.evidence.links_of``)."""
    for profile in profiles:
        yield from named(profile, fact)
    for edge in edges:
        yield from tied(edge, fact)


def is_preceded(one: Sighting, others: Iterable[Sighting]) -> bool:
    """Whether another, or the same, is no later in both."""
    return any(other.effective <= one.effective and other.at <= one.at for other in others)


def staircase(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Those that no other precedes in both, by recorded time."""
    steps: list[Sighting] = []
    for one in sorted(sightings, key=lambda s: (s.at, s.rule)):
        if not steps or one.effective < steps[-1].effective:
            steps.append(one)
    return steps


def edge_of(a: NodeId, b: NodeId, seen: Mapping[int, Sequence[Sighting]]) -> Edge:
    """Return what some sightings say of a pair. ``seen``: by kind, at least one."""
    edges = [
        edge_mention(a, b, Tie(weight, one.at, one.rule))
        for kind, weight in _WEIGHTS.items()
        for one in seen.get(kind, ())
    ]
    return reduce(joint, edges)
