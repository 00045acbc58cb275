"""Read what one event says about identity: the profiles that it names, and the edges that tie them."""

from __future__ import annotations

from collections.abc import Iterable
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
    return EventLinks((_mention(people[0], fact, ids),))


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


def _mention(identifier: Identifier, fact: Fact, ids: IdSpace) -> Profile:
    kind, scope, value = identifier.kind, identifier.scope, identifier.value
    attested = attests(kind, weight_of(identifier, fact.event))
    return Profile(ids.profile(kind, scope, value), kind, scope, value, fact.recorded, attested)


_ABOUT_IDENTITY = frozenset({VERIFIED_TYPE, ASSERTED_TYPE})
_DEFAULT_LINK_RULE = {PROVED: "verified", ASSERTED: "asserted", CLAIMED: "claimed"}


def _links_of_several(fact: Fact, people: Iterable[Identifier], ids: IdSpace) -> EventLinks:
    event = fact.event
    at: Evidence = (fact.recorded, event.source, event.id)
    profiles: dict[NodeId, Profile] = {}
    edges: dict[tuple[NodeId, NodeId], Edge] = {}

    def name(identifier: Identifier) -> NodeId:
        mention = _mention(identifier, fact, ids)
        known = profiles.get(mention.id)
        profiles[mention.id] = mention if known is None else sum_profiles(known, mention)
        return mention.id

    def tie(a: NodeId, b: NodeId, weight: Weight, rule: str) -> None:
        edge = make_edge(a, b, WeightedEvidence(weight, at, rule))
        known = edges.get((edge.a, edge.b))
        edges[edge.a, edge.b] = edge if known is None else sum_edges(known, edge)

    weights: dict[NodeId, Weight] = {}
    for identifier in people:
        id, weight = name(identifier), weight_of(identifier, event)
        if weight_rank(weight) < weight_rank(weights.get(id, CLAIMED)) or id not in weights:
            weights[id] = weight
    stated = event.data.evidence if event.type in _ABOUT_IDENTITY else ""
    for a, b in combinations(weights, 2):
        weight = weaker(weights[a], weights[b])
        rule = "" if weight == CLAIMED else stated
        tie(a, b, weight, rule or ("verified" if weight == PROVED else "seen-together"))
    for one, other in event.data.links:
        if not one.unusable and not other.unusable:
            a, b = name(one), name(other)
            if a != b:
                weight = weaker(weight_of(one, event), weight_of(other, event))
                tie(a, b, weight, event.data.evidence or _DEFAULT_LINK_RULE[weight])
    return EventLinks(tuple(profiles.values()), tuple(edges.values()))
