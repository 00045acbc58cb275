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
    if profile.kind not in rules.shared_after or not rules.may_link(profile):
        return None
    return crowd_among(profile.kind, (neighbour for neighbour in neighbours if rules.may_link(neighbour)), rules)


def crowd_among(kind: str, neighbours: Iterable[Profile], rules: Rules) -> Crowd | None:
    """``crowd_at`` an identifier of this kind, where it and all the neighbours may link."""
    allowed = rules.shared_after.get(kind)
    if allowed is None:
        return None
    values: dict[str, set[NodeId]] = {}
    for neighbour in neighbours:
        of_kind = values.get(neighbour.kind)
        if of_kind is None:
            values[neighbour.kind] = {neighbour.id}
        else:
            of_kind.add(neighbour.id)
    rank = rank_of(kind)
    crowds = [kind for kind, ids in values.items() if len(ids) > allowed and rank_of(kind) <= rank]
    if not crowds:
        return None
    strongest = min(crowds, key=lambda kind: (rank_of(kind), kind))
    return Crowd(strongest, len(values[strongest]), allowed)


def shared_among(profiles: Mapping[NodeId, Profile], edges: Iterable[Edge], rules: Rules) -> frozenset[NodeId]:
    """The shared identifiers, where ``edges`` are all that these profiles have."""
    silent = silent_among(profiles, rules)
    tied: dict[NodeId, list[Profile]] = {
        id: [] for id, profile in profiles.items() if profile.kind in rules.shared_after and id not in silent
    }
    for edge in edges:
        a, b = edge.a, edge.b
        if a in tied and b not in silent:
            tied[a].append(profiles[b])
        if b in tied and a not in silent:
            tied[b].append(profiles[a])
    return frozenset(
        id
        for id, neighbours in tied.items()
        if len(neighbours) > rules.shared_after[profiles[id].kind]
        and crowd_among(profiles[id].kind, neighbours, rules) is not None
    )


def silent_among(profiles: Mapping[NodeId, Profile], rules: Rules) -> frozenset[NodeId]:
    """Those that may not link."""
    if not rules.never_link:
        return frozenset()
    return frozenset(id for id, profile in profiles.items() if not rules.may_link(profile))


def shared_of(graph: Graph, rules: Rules) -> frozenset[NodeId]:
    """The graph's shared identifiers: as it says, or as its edges prove."""
    return shared_among(graph.profiles, graph.edges, rules) if graph.shared is None else graph.shared
