"""Where a customer's facts lie.

A fact lies at its stream for good, and a stream is somebody's: a profile its customer's, an interaction's node whom the
interaction follows. So a customer has streams, whole, but for an ambiguous identifier's: of that stream each side of an
interaction goes with its interaction (``cx_context.definition.owners_of``), and is lent to whom that follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_context.definition import Owners, owners_of
from cx_context.store.attributions import attributed_profiles, nodes_attributed_to, standing_attributions
from cx_context.store.graph import read_profiles
from cx_context.store.members import customers_and_ambiguous, customers_of
from cx_context.store.part_codec import decode_span, unpack
from cx_context.store.parts import nodes_named_by, read_parts_of_sides, streams_of
from cx_context.store.sql import Tx
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution


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
        """Homes and part ids: what tells these holdings from others."""
        return {*self.stream_ids, *self.excluded, *(side.part_id for side in self.included)}


async def held(
    tx: Tx, ids: IdSpace, customer: NodeId, members: Collection[NodeId], sides: Mapping[NodeId, Owners]
) -> Ownership:
    """``sides``: of every interaction that may follow the customer, or take something from a member's stream."""
    following: set[NodeId] = set()
    nodes: set[NodeId] = set()
    excluded: set[tuple[NodeId, NodeId]] = set()
    included: set[tuple[NodeId, NodeId]] = set()
    for node, of in sides.items():
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
    found = await read_parts_of_sides(tx, ids.tenant, excluded | included)
    return Ownership(
        stream_ids,
        frozenset(part_id for side in excluded for part_id, _ in found.get(side, ())),
        sorted(included_part(part_id, side[0], body) for side in included for part_id, body in found.get(side, ())),
        frozenset(following | nodes),
    )


def included_part(part_id: NodeId, stream_id: NodeId, body: bytes) -> IncludedPart:
    """Return a stored part as one that is borrowed."""
    span = decode_span(unpack(body))
    return IncludedPart(part_id, stream_id, span.since, span.until)


@dataclass(frozen=True, slots=True)
class Supposed:
    """What would hold after a decision that is not taken yet: whose some profiles would be, and which attribution of
    some interactions' nodes would count (None: none)."""

    customer_of: Mapping[NodeId, NodeId] = field(default_factory=dict)
    attributions: Mapping[NodeId, Attribution | None] = field(default_factory=dict)


AS_IT_IS = Supposed()


async def sides(tx: Tx, tenant: str, nodes: Collection[NodeId], supposed: Supposed = AS_IT_IS) -> dict[NodeId, Owners]:
    """Of nodes that are nobody's profile: whose they are, and the sides of their interactions."""
    if not nodes:
        return {}
    standing: dict[NodeId, Attribution | None] = dict(await standing_attributions(tx, tenant, nodes))
    standing.update((node, supposed.attributions[node]) for node in nodes if node in supposed.attributions)
    streams_in = await streams_of(tx, tenant, nodes)
    stream_ids = {stream_id for node, found in streams_in.items() for stream_id in found if stream_id != node}
    attributed = {a.profile for a in standing.values() if a is not None and a.profile is not None}
    known = (await read_profiles(tx, tenant, attributed)).keys()
    customer_of, ambiguous = await customers_and_ambiguous(tx, tenant, stream_ids | known)
    customer_of.update((id, supposed.customer_of[id]) for id in customer_of.keys() & supposed.customer_of.keys())
    # A stream that only decisions speak of is no profile that anything can be attributed to.
    for id in attributed - known:
        customer_of.pop(id, None)
    return {
        node: owners_of(node, standing.get(node), streams_in.get(node, ()), customer_of, ambiguous) for node in nodes
    }


async def following(
    tx: Tx, tenant: str, nodes: Collection[NodeId], supposed: Supposed = AS_IT_IS
) -> dict[NodeId, NodeId]:
    """Of nodes that are nobody's profile: whose they are (see ``definition.resolve_owner``)."""
    return {node: found.whose for node, found in (await sides(tx, tenant, nodes, supposed)).items()}


async def ownership_of(
    tx: Tx, ids: IdSpace, customer: NodeId, members: Collection[NodeId], supposed: Supposed = AS_IT_IS
) -> Ownership:
    """``members``: the customer's profiles, or its own node where it is an interaction that stands alone."""
    tenant = ids.tenant
    nodes = await nodes_named_by(tx, tenant, members) | supposed.attributions.keys()
    nodes |= await nodes_attributed_to(tx, tenant, members)
    return await held(tx, ids, customer, set(members), await sides(tx, tenant, nodes, supposed))


async def all_sides(tx: Tx, tenant: str, node: NodeId) -> set[NodeId]:
    """Every customer that an interaction's node, or a side of it, may have stood for or stands for now."""
    stream_ids = (await streams_of(tx, tenant, [node])).get(node, set()) - {node}
    attributed = await attributed_profiles(tx, tenant, node)
    return set((await customers_of(tx, tenant, stream_ids | attributed)).values())
