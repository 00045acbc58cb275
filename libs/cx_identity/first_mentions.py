"""Tell when a profile or an edge was first known, at any past time.

The graph holds the *earliest* mention of a profile, and of each weight of an edge, by (recorded time, source, id). At a
past time (what had happened by T, as known at K) it is the earliest of the mentions with ``effective <= T`` and
``recorded <= K``. Over all T and K these are the *Pareto front*: the mentions that no other one precedes in both times.
Live traffic makes one step of it; imports and late events add a few.
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
"""What is mentioned: a profile, an edge of one of three weights, an attested profile. The store holds these numbers, so
they never change."""

EDGE_KINDS: Mapping[Weight, int] = {"proved": PROVED, "asserted": ASSERTED, "claimed": CLAIMED}
_WEIGHTS: Mapping[int, Weight] = {kind: weight for weight, kind in EDGE_KINDS.items()}

MentionKey = tuple[int, NodeId, NodeId]
"""(kind, a, b) of what is mentioned. Both ends are the profile itself where a profile is mentioned."""


class Mention(NamedTuple):
    """A mention in one event, whose key is ``key``."""

    effective: Micros
    at: Evidence
    rule: str
    key: bytes


def mention_of(fact: Fact, rule: str = "") -> Mention:
    """Return the mention that a fact makes."""
    return Mention(fact.effective, (fact.recorded, fact.event.source, fact.event.id), rule, fact.key)


def profile_mentions(profile: Profile, fact: Fact) -> list[tuple[MentionKey, Mention]]:
    """Return the mentions that a fact makes of one of its profiles."""
    id, mention = profile.id, mention_of(fact)
    mentions: list[tuple[MentionKey, Mention]] = [((NAMED, id, id), mention)]
    if profile.attested:
        mentions.append(((ATTESTED, id, id), mention))
    return mentions


def edge_mentions(edge: Edge, fact: Fact) -> list[tuple[MentionKey, Mention]]:
    """Return the mentions that a fact makes of one of its edges, one for each weight."""
    return [((EDGE_KINDS[one.weight], edge.a, edge.b), mention_of(fact, one.rule)) for one in evidence_of(edge)]


def first_edges(mentions: Mapping[MentionKey, Sequence[Mention]]) -> list[Edge]:
    """Return the edges that some first mentions of pairs make, each in order of recorded time (``pareto_front``). Those
    of profiles are passed over."""
    edges: dict[tuple[NodeId, NodeId], Edge] = {}
    for (kind, a, b), steps in mentions.items():
        weight = _WEIGHTS.get(kind)
        if weight is not None:
            edge = make_edge(a, b, WeightedEvidence(weight, steps[0].at, steps[0].rule))
            known = edges.get((a, b))
            edges[a, b] = edge if known is None else sum_edges(known, edge)
    return list(edges.values())


def mentions_in(profiles: Iterable[Profile], edges: Iterable[Edge], fact: Fact) -> Iterator[tuple[MentionKey, Mention]]:
    """Yield the mentions that a fact makes of its profiles and edges (as ``evidence.links_of`` returns them)."""
    for profile in profiles:
        yield from profile_mentions(profile, fact)
    for edge in edges:
        yield from edge_mentions(edge, fact)


def is_preceded(mention: Mention, others: Iterable[Mention]) -> bool:
    """Return whether one of the others is no later in both times."""
    return any(other.effective <= mention.effective and other.at <= mention.at for other in others)


def surely_precedes(known: Mention, recorded: Micros, effective: Micros) -> bool:
    """Return whether a mention precedes an event of these times. Of two that were recorded at once the one with the
    lesser source and id is the earlier one: that must be looked at closely (``is_preceded``)."""
    return known.at[0] < recorded and known.effective <= effective


def pareto_front(mentions: Iterable[Mention]) -> list[Mention]:
    """Return the mentions that no other precedes in both times, in order of recorded time."""
    front: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.at, m.rule)):
        if not front or mention.effective < front[-1].effective:
            front.append(mention)
    return front


def edge_of(a: NodeId, b: NodeId, mentions: Mapping[int, Sequence[Mention]]) -> Edge:
    """Return the edge that some mentions of a pair make. ``mentions`` is by kind and holds at least one."""
    edges = [
        make_edge(a, b, WeightedEvidence(weight, one.at, one.rule))
        for kind, weight in _WEIGHTS.items()
        for one in mentions.get(kind, ())
    ]
    return reduce(sum_edges, edges)
