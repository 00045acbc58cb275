"""Keep the next offset to apply of each partition, in the same database as the state.

A batch moves it in the transaction that applies the records before it, so that each is applied exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_context.store.tables import PARTITIONS
from cx_events.log import Partition


async def announce(tx: Tx, partitions: Iterable[Partition]) -> None:
    """Make rows for partitions that have none, at offset 0."""
    rows = [(p.topic, p.number, 0, 0, "", 0.0, 0.0) for p in sorted(partitions)]
    await tx.insert(shape_of(PARTITIONS), rows, "ON CONFLICT DO NOTHING")


async def advance(tx: Tx, offsets: Mapping[Partition, int]) -> None:
    """Move the offsets on, in the transaction that applied the records before them."""
    rows = [(p.topic, p.number, offsets[p], 0, "", 0.0, 0.0) for p in sorted(offsets)]
    await tx.insert(
        shape_of(PARTITIONS),
        rows,
        f"ON CONFLICT (topic, number) DO UPDATE SET next_offset = excluded.next_offset, moved_at = {tx.now}",
    )


async def applied(tx: Tx) -> dict[Partition, int]:
    """Return each partition's next offset to apply."""
    rows = await tx.fetch("SELECT topic, number, next_offset FROM partitions")
    return {Partition(topic, number): next_offset for topic, number, next_offset in rows}


async def progress(tx: Tx) -> dict[Partition, tuple[int, str, float]]:
    """Return each partition's next offset to apply, owner, and seconds since it last moved (0 where it never did)."""
    rows = await tx.fetch(
        "SELECT topic, number, next_offset, owner, CASE WHEN moved_at = 0 THEN 0 ELSE "
        + tx.now
        + " - moved_at END FROM partitions"
    )
    return {Partition(topic, number): (next_offset, owner, age) for topic, number, next_offset, owner, age in rows}


async def read_current_to(tx: Tx) -> float:
    """Return when a projector last moved on, in seconds since 1970; 0 if none ever did."""
    rows = await tx.fetch("SELECT coalesce(max(moved_at), 0) FROM partitions")
    return float(rows[0][0])
