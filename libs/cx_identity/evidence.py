"""Read what one event says about identity: the profiles that it names, and the edges that tie them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from msgspec import Struct

from cx_events.envelope import Identifier, Weight
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.weights import ASSERTED, ASSERTED_TYPE, CLAIMED, PROVED, VERIFIED_TYPE, weaker, weight_of, weight_rank
from cx_identity.model import (
    Edge,
    Evidence,
    Profile,
    WeightedEvidence,
    attests,
    make_edge,
    sum_edges,
    sum_profiles,
)


class EventLinks(Struct, frozen=True, gc=False):
    """The profiles and edges of one event. Added up over all facts (``sum_links``) they make the graph."""

    profiles: tuple[Profile, ...] = ()
    edges: tuple[Edge, ...] = ()


NO_LINKS = EventLinks()


def links_of(fact: Fact, ids: IdSpace) -> EventLinks:
    """Return the profiles and edges that an event names.

    All pairs of usable identifiers of the event's one customer are tied, and so are the pairs in ``data.links``. A pair
    has the lesser weight of its two ends in this event (``cx_events.weights``). Its rule is ``data.evidence`` for the
    pairs in ``links``, and for pairs above claimed if the event is about identity. Otherwise it is ``verified`` for a
    proved pair and ``seen-together`` for others.

    This runs for every event, so one identifier costs one look-up.
    """
    data = fact.event.data
    people = fact.customer_identifiers
    if data.links or len(people) > 1:
        return _links_of_several(fact, people, ids)
    if not people:
        return NO_LINKS
    return EventLinks((_mention(people[0], fact.customer_profiles[0], fact),))


def only_identifier(fact: Fact) -> Identifier | None:
    """Return the only identifier of an event that has no edges, else None; cheaper than ``links_of``."""
    people = fact.customer_identifiers
    return people[0] if len(people) == 1 and not fact.event.data.links else None


Pair = tuple[NodeId, NodeId]


def sum_links(links: Iterable[EventLinks]) -> tuple[dict[NodeId, Profile], dict[Pair, Edge]]:
    """Add up what several facts say, and return the profiles and edges of their graph."""
    profiles: dict[NodeId, Profile] = {}
    edges: dict[Pair, Edge] = {}
    for each in links:
        for profile in each.profiles:
            known = profiles.get(profile.id)
            profiles[profile.id] = profile if known is None else sum_profiles(known, profile)
        for edge in each.edges:
            pair = (edge.a, edge.b)
            edges[pair] = sum_edges(edges[pair], edge) if pair in edges else edge
    return profiles, edges


def _mention(identifier: Identifier, id: NodeId, fact: Fact) -> Profile:
    kind = identifier.kind
    attested = attests(kind, weight_of(identifier, fact.event))
    return Profile(id, kind, identifier.scope, identifier.value, fact.recorded, attested)


_ABOUT_IDENTITY = frozenset({VERIFIED_TYPE, ASSERTED_TYPE})
_DEFAULT_LINK_RULE = {PROVED: "verified", ASSERTED: "asserted", CLAIMED: "claimed"}


def _links_of_several(fact: Fact, people: Sequence[Identifier], ids: IdSpace) -> EventLinks:
    event, recorded = fact.event, fact.recorded
    at: Evidence = (recorded, event.source, event.id)
    profiles: dict[NodeId, Profile] = {}
    weights: dict[NodeId, Weight] = {}
    for identifier, id in zip(people, fact.customer_profiles, strict=True):
        kind, weight = identifier.kind, identifier.weight or weight_of(identifier, event)
        mention = Profile(id, kind, identifier.scope, identifier.value, recorded, attests(kind, weight))
        if id not in profiles:
            profiles[id], weights[id] = mention, weight
            continue
        profiles[id] = sum_profiles(profiles[id], mention)
        if weight_rank(weight) < weight_rank(weights[id]):
            weights[id] = weight
    stated = event.data.evidence if event.type in _ABOUT_IDENTITY else ""
    edges: list[Edge] = []
    for (a, one), (b, other) in combinations(weights.items(), 2):
        weight = one if one == other else weaker(one, other)
        rule = "" if weight == CLAIMED else stated
        rule = rule or ("verified" if weight == PROVED else "seen-together")
        edges.append(make_edge(a, b, WeightedEvidence(weight, at, rule)))
    if event.data.links:
        edges = _with_linked(edges, profiles, fact, at, ids)
    return EventLinks(tuple(profiles.values()), tuple(edges))


def _name(profiles: dict[NodeId, Profile], mention: Profile) -> None:
    known = profiles.get(mention.id)
    profiles[mention.id] = mention if known is None else sum_profiles(known, mention)


def _with_linked(
    edges: Iterable[Edge], profiles: dict[NodeId, Profile], fact: Fact, at: Evidence, ids: IdSpace
) -> list[Edge]:
    """Return the edges with those that ``data.links`` makes, and add the profiles that it names."""
    event, found = fact.event, {(edge.a, edge.b): edge for edge in edges}
    for one, other in event.data.links:
        if one.unusable or other.unusable:
            continue
        a, b = (ids.profile(each.kind, each.scope, each.value) for each in (one, other))
        _name(profiles, _mention(one, a, fact))
        _name(profiles, _mention(other, b, fact))
        if a != b:
            weight = weaker(weight_of(one, event), weight_of(other, event))
            rule = event.data.evidence or _DEFAULT_LINK_RULE[weight]
            edge = make_edge(a, b, WeightedEvidence(weight, at, rule))
            known = found.get((edge.a, edge.b))
            found[edge.a, edge.b] = edge if known is None else sum_edges(known, edge)
    return list(found.values())
