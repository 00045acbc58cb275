"""Shared identifiers: a family's phone, a switchboard, a mailbox of a whole team.

An identifier is shared if more than N distinct values of any one kind of equal or higher rank are tied to it, by any
edge; N is the rules' ``shared_after`` of its own kind. Weaker kinds don't count: a person may have six cookies. The
property is local and grows with the set of facts, so it depends on no order: the edges that came before the one too
many stop linking as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from cx_events.identifiers import rank_of
from cx_events.ids import NodeId
from cx_identity.model import Edge, Graph, Profile
from cx_identity.rules import Rules


class Crowd(Struct, frozen=True, gc=False):
    """Why an identifier is shared: ``count`` values of ``kind`` are tied to it, and ``allowed`` would be one person."""

    kind: str
    count: int
    allowed: int

    def sentence(self) -> str:
        return f"tied to {self.count} values of kind {self.kind}; more than {self.allowed} are not one person"


def crowd_at(profile: Profile, neighbours: Iterable[Profile], rules: Rules) -> Crowd | None:
    """Why this identifier is shared, or None. ``neighbours``: all profiles that any edge ties to it, in any order.

    Values that may not link are neither shared nor counted. Of several kinds the strongest is named.
    """
    allowed = rules.shared_after.get(profile.kind)
    if allowed is None or not rules.may_link(profile):
        return None
    rank = rank_of(profile.kind)
    values: dict[str, set[NodeId]] = {}
    for neighbour in neighbours:
        if rank_of(neighbour.kind) <= rank and rules.may_link(neighbour):
            values.setdefault(neighbour.kind, set()).add(neighbour.id)
    crowds = [kind for kind, ids in values.items() if len(ids) > allowed]
    if not crowds:
        return None
    kind = min(crowds, key=lambda kind: (rank_of(kind), kind))
    return Crowd(kind, len(values[kind]), allowed)


def shared_among(profiles: Mapping[NodeId, Profile], edges: Iterable[Edge], rules: Rules) -> frozenset[NodeId]:
    """The shared identifiers, where ``edges`` are all that these profiles have."""
    neighbours: dict[NodeId, list[Profile]] = {}
    for edge in edges:
        for end, other in ((edge.a, edge.b), (edge.b, edge.a)):
            if profiles[end].kind in rules.shared_after:
                neighbours.setdefault(end, []).append(profiles[other])
    return frozenset(
        id
        for id, tied in neighbours.items()
        if len(tied) > rules.shared_after[profiles[id].kind] and crowd_at(profiles[id], tied, rules) is not None
    )


def shared_of(graph: Graph, rules: Rules) -> frozenset[NodeId]:
    """The graph's shared identifiers: as it says, or as its edges prove."""
    return shared_among(graph.profiles, graph.edges, rules) if graph.shared is None else graph.shared
