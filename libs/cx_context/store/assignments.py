"""Read and write the table ``assignments``: the live interactions that each agent or queue has to deal with
(``cx_context.routing_targets``). A side's rows are written by its one writer, in the transaction that writes its parts;
they are an index: what is true is read from the parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.routing_targets import RoutingTarget
from cx_context.store import tables
from cx_context.store.part_codec import decode_part
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.directory import Kind
from cx_events.ids import NodeId

ASSIGNMENTS = shape_of(tables.ASSIGNMENTS)

Assigned = Mapping[bytes, tuple[NodeId, Collection[RoutingTarget]]]
"""By a side's id (``IdSpace.part_id`` without a piece): its interaction's node, and the desks that it concerns."""


async def replace(tx: Tx, tenant: str, assigned: Assigned) -> None:
    """These sides concern these desks, and no others."""
    if not assigned:
        return
    await tx.execute("DELETE FROM assignments WHERE part_id = ANY(:part_ids)", part_ids=sorted(assigned))
    rows = [
        (part_id, desk.kind, desk.name, tenant, interaction)
        for part_id, (interaction, desks) in assigned.items()
        for desk in desks
    ]
    await tx.insert(ASSIGNMENTS, sorted(rows))


async def of_desk(tx: Tx, tenant: str, kind: Kind, names: Collection[str], most: int) -> list[NodeId]:
    """Return the nodes of up to ``most`` interactions of which some side concerns a desk, by any of its names."""
    found: dict[NodeId, None] = {}
    for name in names:
        rows = await tx.fetch(
            "SELECT DISTINCT interaction FROM assignments WHERE tenant = :tenant AND kind = :kind AND name = :name "
            f"LIMIT {int(most)}",
            tenant=tenant,
            kind=kind,
            name=name,
        )
        found.update((row[0], None) for row in rows)
    return list(found)[:most]


async def owners_of(tx: Tx, tenant: str, nodes: Iterable[NodeId]) -> dict[NodeId, dict[NodeId, list[KeyedPart]]]:
    """Return the parts of each interaction's sides, by interaction node and stream."""
    wanted = list(nodes)
    found: dict[NodeId, dict[NodeId, list[KeyedPart]]] = {}
    if wanted:
        for node, stream_id, part_id, body in await tx.fetch(
            "SELECT interaction, stream_id, part_id, body FROM parts "
            "WHERE interaction = ANY(:nodes) AND tenant = :tenant",
            nodes=wanted,
            tenant=tenant,
        ):
            found.setdefault(node, {}).setdefault(stream_id, []).append(KeyedPart(part_id, decode_part(body)))
    return found


async def all_of(tx: Tx, tenant: str) -> set[tuple[bytes, RoutingTarget]]:
    """Return every row of a tenant, for ``cx verify``."""
    rows = await tx.fetch("SELECT part_id, kind, name FROM assignments WHERE tenant = :tenant", tenant=tenant)
    return {(row[0], RoutingTarget(row[1], row[2])) for row in rows}
