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
from cx_identity.model import Edge, Evidence, Profile, WeightedEvidence, evidence_of, make_edge, sum_edges

NAMED, PROVED, ASSERTED, CLAIMED, ATTESTED = range(5)
"""Of what something is a sighting: of a profile, of an edge by its weight, of a profile that is attested. They stand in
the store, so they never change."""

EDGE_KINDS: Mapping[Weight, int] = {"proved": PROVED, "asserted": ASSERTED, "claimed": CLAIMED}
_WEIGHTS: Mapping[int, Weight] = {kind: weight for weight, kind in EDGE_KINDS.items()}

MentionKey = tuple[int, NodeId, NodeId]
"""(kind, a, b): what was sighted. Of a profile both ends are it."""


class Mention(NamedTuple):
    """One mention. ``key``: of its event."""

    effective: Micros
    at: Evidence
    rule: str
    key: bytes


def mention_of(fact: Fact, rule: str = "") -> Mention:
    return Mention(fact.effective, (fact.recorded, fact.event.source, fact.event.id), rule, fact.key)


def profile_mentions(profile: Profile, fact: Fact) -> list[tuple[MentionKey, Mention]]:
    """Return the sightings in what one fact says of a profile."""
    id, one = profile.id, mention_of(fact)
    found: list[tuple[MentionKey, Mention]] = [((NAMED, id, id), one)]
    if profile.attested:
        found.append(((ATTESTED, id, id), one))
    return found


def edge_mentions(edge: Edge, fact: Fact) -> list[tuple[MentionKey, Mention]]:
    """Return the sightings in what one fact says of a pair."""
    return [((EDGE_KINDS[tie.weight], edge.a, edge.b), mention_of(fact, tie.rule)) for tie in evidence_of(edge)]


def mentions_in(profiles: Iterable[Profile], edges: Iterable[Edge], fact: Fact) -> Iterator[tuple[MentionKey, Mention]]:
    """Yield the sightings in what one fact says of who is who (``cx_identity.evidence.links_of``)."""
    for profile in profiles:
        yield from profile_mentions(profile, fact)
    for edge in edges:
        yield from edge_mentions(edge, fact)


def is_preceded(one: Mention, others: Iterable[Mention]) -> bool:
    """Whether another, or the same, is no later in both."""
    return any(other.effective <= one.effective and other.at <= one.at for other in others)


def pareto_front(sightings: Iterable[Mention]) -> list[Mention]:
    """Those that no other precedes in both, by recorded time."""
    steps: list[Mention] = []
    for one in sorted(sightings, key=lambda s: (s.at, s.rule)):
        if not steps or one.effective < steps[-1].effective:
            steps.append(one)
    return steps


def edge_of(a: NodeId, b: NodeId, seen: Mapping[int, Sequence[Mention]]) -> Edge:
    """Return what some sightings say of a pair. ``seen``: by kind, at least one."""
    edges = [
        make_edge(a, b, WeightedEvidence(weight, one.at, one.rule))
        for kind, weight in _WEIGHTS.items()
        for one in seen.get(kind, ())
    ]
    return reduce(sum_edges, edges)
