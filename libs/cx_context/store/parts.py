"""Read and write the tables ``parts`` and ``interactions``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cx_context.parts.model import Part
from cx_context.store import tables
from cx_context.store.members import SOME_AMBIGUOUS_SQL
from cx_context.store.part_codec import decode_part
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId

_PARTS = shape_of(tables.PARTS)

_PART_BODIES = shape_of(tables.PARTS, "part_id", "body")

_INTERACTIONS = shape_of(tables.INTERACTIONS)


async def read_parts(tx: Tx, part_ids: Collection[bytes]) -> dict[bytes, Part]:
    rows = await tx.fetch("SELECT part_id, body FROM parts WHERE part_id = ANY(:part_ids)", part_ids=list(part_ids))
    return {part_id: decode_part(body) for part_id, body in rows}


async def read_parts_of_sides(
    tx: Tx, tenant: str, sides: Collection[tuple[NodeId, NodeId]]
) -> dict[tuple[NodeId, NodeId], list[tuple[NodeId, bytes]]]:
    """Return the parts, (part id, body), of some streams' sides of interactions, by (stream, interaction node)."""
    found: dict[tuple[NodeId, NodeId], list[tuple[NodeId, bytes]]] = {}
    if not sides:
        return found
    rows = await tx.fetch(
        "SELECT part_id, stream_id, interaction, body FROM parts "
        "WHERE stream_id = ANY(:stream_ids) AND interaction = ANY(:nodes) AND tenant = :tenant",
        stream_ids=list({stream_id for stream_id, _ in sides}),
        nodes=list({node for _, node in sides}),
        tenant=tenant,
    )
    wanted = set(sides)
    for part_id, stream_id, node, body in rows:
        side = (bytes(stream_id), bytes(node))
        if side in wanted:
            found.setdefault(side, []).append((bytes(part_id), bytes(body)))
    return found


PartRow = tuple[bytes, str, NodeId, NodeId, bytes]
"""(part id, tenant, stream, interaction node, body)"""


async def read_parts_of_streams(tx: Tx, tenant: str, stream_ids: Collection[NodeId]) -> dict[NodeId, PartRow]:
    """Return the rows of all parts at some streams, by part id."""
    if not stream_ids:
        return {}
    rows = await tx.fetch(
        "SELECT part_id, tenant, stream_id, interaction, body FROM parts "
        "WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant",
        stream_ids=list(stream_ids),
        tenant=tenant,
    )
    return {bytes(row[0]): (bytes(row[0]), row[1], bytes(row[2]), bytes(row[3]), bytes(row[4])) for row in rows}


async def add_parts(tx: Tx, rows: Sequence[PartRow]) -> None:
    """Write parts that the store does not have, as their only writer knows."""
    await tx.append(_PARTS, sorted(rows))


async def change_parts(tx: Tx, rows: Sequence[tuple[bytes, bytes]]) -> None:
    """Write new bodies, by part id, of parts that the store has."""
    await tx.update(_PART_BODIES, sorted(rows))


async def write_parts(tx: Tx, rows: Sequence[PartRow]) -> None:
    await tx.insert(_PARTS, sorted(rows), "ON CONFLICT (part_id) DO UPDATE SET body = excluded.body")


async def delete_part(tx: Tx, part_id: bytes) -> None:
    """Delete a part. Only under the exclusive refold lock: no one else can be waiting for it."""
    await tx.execute("DELETE FROM parts WHERE part_id = :part_id", part_id=part_id)


async def announce_interactions(tx: Tx, tenant: str, nodes: Iterable[NodeId]) -> set[NodeId]:
    """Return those interactions that nobody announced before: they have no part yet. Two transactions with first parts
    of one interaction wait for each other here, so the second sees the first."""
    return await tx.insert_missing(_INTERACTIONS, [(node, tenant) for node in sorted(set(nodes))])


async def streams_of(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, set[NodeId]]:
    """Return the streams of all parts of some interactions, the interaction's own node among them where it has a
    part."""
    found: dict[NodeId, set[NodeId]] = {}
    if nodes:
        for node, stream_id in await tx.fetch(
            "SELECT DISTINCT interaction, stream_id FROM parts WHERE interaction = ANY(:nodes) AND tenant = :tenant",
            nodes=list(nodes),
            tenant=tenant,
        ):
            found.setdefault(node, set()).add(stream_id)
    return found


async def nodes_with_open_sides(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> set[NodeId]:
    """Return those interactions in which, besides what names somebody, something names nobody, or an ambiguous
    identifier alone: whose that is must be resolved."""
    if not nodes:
        return set()
    rows = await tx.fetch(
        "SELECT o.stream_id FROM parts o WHERE o.stream_id = ANY(:nodes) AND o.interaction = o.stream_id "
        "AND o.tenant = :tenant "
        "AND EXISTS (SELECT 1 FROM parts p WHERE p.interaction = o.stream_id AND p.stream_id <> o.stream_id) "
        "UNION SELECT o.interaction FROM parts o JOIN members m ON m.profile = o.stream_id "
        f"WHERE {SOME_AMBIGUOUS_SQL} AND o.interaction = ANY(:nodes) AND o.interaction <> o.stream_id "
        "AND o.tenant = :tenant AND m.ambiguous "
        "AND EXISTS (SELECT 1 FROM parts p WHERE p.interaction = o.interaction AND p.stream_id <> o.stream_id)",
        nodes=list(nodes),
        tenant=tenant,
    )
    return {row[0] for row in rows}


def names_nobody_sql(interaction: str) -> str:
    """Return SQL for an interaction in which something names nobody: it has a part in a stream of its own.

    A look-up for each row, whatever the server believes a look-up to bring. A join of ``parts`` with itself on
    ``stream_id`` is planned as all rows against all where a few customers have most of the parts.
    """
    return f"(SELECT 1 FROM parts o WHERE o.stream_id = {interaction} LIMIT 1) IS NOT NULL"


async def nodes_named_by(
    tx: Tx, tenant: str, profiles: Collection[NodeId], turned: Collection[NodeId] = ()
) -> set[NodeId]:
    """Interactions that these profiles take part in, in which something may follow somebody: what names nobody, or an
    ambiguous identifier alone. ``turned``: those of the profiles that are ambiguous now and were not, or the reverse.

    Besides those that a person attributed to them, see ``nodes_attributed_to``."""
    if not profiles:
        return set()
    found = await tx.fetch(
        f"SELECT p.interaction FROM {_SIDES} AS p WHERE {names_nobody_sql('p.interaction')} "
        f"UNION SELECT p.interaction FROM {_SIDES} AS p "
        "JOIN parts o ON o.interaction = p.interaction AND o.stream_id <> p.stream_id "
        f"JOIN members m ON m.profile = o.stream_id WHERE {SOME_AMBIGUOUS_SQL} AND m.ambiguous "
        f"UNION SELECT p.interaction FROM parts p JOIN members m ON m.profile = p.stream_id WHERE {SOME_AMBIGUOUS_SQL} "
        "AND p.stream_id = ANY(:profiles) AND p.interaction <> p.stream_id AND p.tenant = :tenant AND m.ambiguous "
        f"AND {_MAY_BE_EXCLUDED}",
        profiles=list(profiles),
        tenant=tenant,
    )
    nodes = {row[0] for row in found}
    if turned:
        found = await tx.fetch(
            "SELECT p.interaction FROM parts p WHERE p.stream_id = ANY(:turned) AND p.interaction <> p.stream_id "
            f"AND p.tenant = :tenant AND {_MAY_BE_EXCLUDED}",
            turned=list(turned),
            tenant=tenant,
        )
        nodes |= {row[0] for row in found}
    return nodes


_SIDES = (
    "(SELECT DISTINCT interaction, stream_id FROM parts "
    "WHERE stream_id = ANY(:profiles) AND interaction <> stream_id AND tenant = :tenant)"
)
"""Each side of an interaction once, though it has a part for every hour."""

_MAY_BE_EXCLUDED = (
    "(EXISTS (SELECT 1 FROM parts o WHERE o.interaction = p.interaction AND o.stream_id <> p.stream_id) "
    "OR EXISTS (SELECT 1 FROM attributions a WHERE a.interaction = p.interaction))"
)


@dataclass(frozen=True, slots=True)
class InteractionSide:
    """One stream's side of an interaction, which a part id names. ``node``: the interaction's."""

    part_id: NodeId
    stream_id: NodeId
    node: NodeId
    interaction: str


async def read_side(tx: Tx, tenant: str, part_id: NodeId) -> InteractionSide | None:
    rows = await tx.fetch(
        "SELECT stream_id, interaction, body FROM parts WHERE part_id = :part_id AND tenant = :tenant",
        part_id=part_id,
        tenant=tenant,
    )
    if not rows:
        return None
    stream_id, node, body = rows[0]
    return InteractionSide(part_id, bytes(stream_id), bytes(node), decode_part(body).interaction)


async def has_parts(tx: Tx, tenant: str, stream_id: NodeId) -> bool:
    """Return whether any part lies at a stream."""
    rows = await tx.fetch(
        "SELECT 1 FROM parts WHERE stream_id = :stream_id AND tenant = :tenant LIMIT 1",
        stream_id=stream_id,
        tenant=tenant,
    )
    return bool(rows)


async def read_bodies_of_interaction(tx: Tx, tenant: str, node: NodeId) -> list[tuple[NodeId, bytes]]:
    """Return the parts of an interaction, each as (stream, body)."""
    rows = await tx.fetch(
        "SELECT stream_id, body FROM parts WHERE interaction = :node AND tenant = :tenant", node=node, tenant=tenant
    )
    return [(bytes(stream_id), bytes(body)) for stream_id, body in rows]
