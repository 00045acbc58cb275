"""Find where a customer's facts lie.

A fact lies at its stream for good, and a stream is somebody's: a profile its customer's, an interaction's node whom the
interaction follows. So a customer has streams, whole, but for an ambiguous identifier's: of that stream each side of an
interaction goes with its interaction (``cx_context.reference_definition.owners_of``), and is lent to whom that follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cx_context.reference_definition import Owners, owners_of
from cx_context.store.attributions import attributed_profiles
from cx_context.store.graph_view import GraphView
from cx_context.store.members import customers_of
from cx_context.store.part_codec import decode_span, unpack
from cx_context.store.parts import streams_of
from cx_context.store.sql import Tx
from cx_events.ids import NodeId
from cx_events.timestamps import Micros


class IncludedPart(NamedTuple):
    """A part of one side of an interaction, at the stream of an identifier that is somebody else's. ``since``,
    ``until``: its first and last effective time."""

    part_id: NodeId
    stream_id: NodeId
    since: Micros
    until: Micros


@dataclass(frozen=True, slots=True)
class Ownership:
    """``streams``: whole, but for parts that are ``excluded`` (by part id), since their side follows somebody else;
    ``included``: parts at other streams. ``nodes``: the interactions that follow the customer, and those whose sides
    are lent."""

    stream_ids: Sequence[NodeId]
    excluded: frozenset[NodeId] = frozenset()
    included: Sequence[IncludedPart] = ()
    nodes: frozenset[NodeId] = frozenset()

    @property
    def places(self) -> set[NodeId]:
        """Return the streams and part ids: what tells this ownership from others."""
        return {*self.stream_ids, *self.excluded, *(side.part_id for side in self.included)}


def included_part(part_id: NodeId, stream_id: NodeId, body: bytes) -> IncludedPart:
    """Return a stored part as one that is borrowed."""
    span = decode_span(unpack(body))
    return IncludedPart(part_id, stream_id, span.since, span.until)


async def owners_of_interactions(graph: GraphView, nodes: Collection[NodeId]) -> dict[NodeId, Owners]:
    """Return the owner of each interaction node that is nobody's profile, and of each stream's side of it."""
    if not nodes:
        return {}
    standing = await graph.standing_attributions(nodes)
    streams = await graph.streams_of(nodes)
    stream_ids = {stream_id for node, found in streams.items() for stream_id in found if stream_id != node}
    attributed = {a.profile for a in standing.values() if a is not None and a.profile is not None}
    customer_of, ambiguous = await graph.customers_and_ambiguous(stream_ids, attributed)
    return {node: owners_of(node, standing.get(node), streams.get(node, ()), customer_of, ambiguous) for node in nodes}


async def customers_following(graph: GraphView, nodes: Collection[NodeId]) -> dict[NodeId, NodeId]:
    """Return the customer of each interaction node that is nobody's profile
    (``reference_definition.resolve_owner``)."""
    return {node: found.whose for node, found in (await owners_of_interactions(graph, nodes)).items()}


async def ownership_of(graph: GraphView, customer: NodeId, profiles: Collection[NodeId]) -> Ownership:
    """Return where a customer's facts lie. ``profiles``: the customer's; none for an interaction that stands alone."""
    members = set(profiles) or {customer}
    owners = await owners_of_interactions(graph, await graph.nodes_around(members))
    return await _ownership_by(graph, customer, members, owners)


async def _ownership_by(
    graph: GraphView, customer: NodeId, members: Collection[NodeId], owners: Mapping[NodeId, Owners]
) -> Ownership:
    """Return a customer's ownership. ``owners``: of every interaction that may follow the customer, or take parts from
    a member's stream."""
    following: set[NodeId] = set()
    nodes: set[NodeId] = set()
    excluded: set[tuple[NodeId, NodeId]] = set()
    included: set[tuple[NodeId, NodeId]] = set()
    for node, of in owners.items():
        if of.whose == customer:
            following.add(node)
        for stream_id, whose in of.by_stream.items():
            if stream_id == node:
                continue
            if stream_id in members and whose != customer:
                excluded.add((stream_id, node))
                nodes.add(node)
            elif stream_id not in members and whose == customer:
                included.add((stream_id, node))
    stream_ids = [*sorted(members), *sorted(following - set(members))]
    found = await graph.parts_of_sides(excluded | included)
    return Ownership(
        stream_ids,
        frozenset(part_id for side in excluded for part_id, _ in found.get(side, ())),
        sorted(included_part(part_id, side[0], body) for side in included for part_id, body in found.get(side, ())),
        frozenset(following | nodes),
    )


async def all_sides(tx: Tx, tenant: str, node: NodeId) -> set[NodeId]:
    """Return every customer that an interaction's node, or a side of it, may have stood for or stands for now."""
    stream_ids = (await streams_of(tx, tenant, [node])).get(node, set()) - {node}
    attributed = await attributed_profiles(tx, tenant, node)
    return set((await customers_of(tx, tenant, stream_ids | attributed)).values())
