"""Read and write rows of ``refused_claims`` and ``withheld_claims``: pairs, by the weaker end and the other one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from cx_context.store.sql import Tx
from cx_context.store.table_shapes import Shape
from cx_events.ids import NodeId

Pair = tuple[NodeId, NodeId]
"""The weaker end, and the other one."""

EARLIEST = -(2**62)
"""A recorded time before any other."""


async def rows_at_ends(tx: Tx, shape: Shape, tenant: str, ends: Collection[NodeId]) -> Sequence[Sequence[Any]]:
    """Return the rows with an end among these."""
    if not ends:
        return []
    select = f"SELECT {', '.join(shape.columns)} FROM {shape.table}"
    return await tx.fetch(
        f"{select} WHERE identifier = ANY(:ends) AND tenant = :tenant "
        f"UNION {select} WHERE other = ANY(:ends) AND tenant = :tenant",
        ends=list(ends),
        tenant=tenant,
    )


async def rows_of(tx: Tx, shape: Shape, tenant: str) -> Sequence[Sequence[Any]]:
    """Return every row of a tenant."""
    return await tx.fetch(f"SELECT {', '.join(shape.columns)} FROM {shape.table} WHERE tenant = :tenant", tenant=tenant)


async def write(tx: Tx, shape: Shape, rows: Iterable[tuple[Any, ...]], gone: Iterable[Pair]) -> None:
    """Write rows that are new or differ; delete those that are ``gone``."""
    others: dict[NodeId, list[NodeId]] = {}
    for identifier, other in gone:
        others.setdefault(identifier, []).append(other)
    for identifier, each in sorted(others.items()):
        await tx.execute(
            f"DELETE FROM {shape.table} WHERE identifier = :identifier AND other = ANY(:others)",
            identifier=identifier,
            others=sorted(each),
        )
    updates = ", ".join(f"{name} = excluded.{name}" for name in shape.columns[2:])
    await tx.insert(shape, sorted(rows), f"ON CONFLICT (identifier, other) DO UPDATE SET {updates}")
