"""Read and write which dead letters were discarded, by whom and why. A discard and its dead letter may come in either
order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from cx_context.store import operations_tables
from cx_context.store.dead_letters import LetterKey
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.dead_letters import DeadLetter

_DISCARDED = shape_of(operations_tables.DISCARDED_LETTERS)

DiscardRow = tuple[str, str, str, str, str, str, str]
"""(tenant, source, id, stage, recorded, writer, reason)"""


class Discard(NamedTuple):
    """``at``: RFC 3339. ``writer``: who decided it."""

    at: str
    writer: str
    reason: str


def discard_row(letter: DeadLetter) -> DiscardRow:
    """Return the row of ``discarded_letters``."""
    return (letter.tenant, letter.source, letter.id, letter.stage, letter.recorded, letter.by, letter.why)


async def write_discards(tx: Tx, discards: Iterable[DeadLetter]) -> None:
    """Write discards; of several of one dead letter the one recorded first stands."""
    rows: dict[LetterKey, DiscardRow] = {}
    for row in map(discard_row, discards):
        key = row[:4]
        if key not in rows or row[4] < rows[key][4]:
            rows[key] = row
    await tx.insert(
        _DISCARDED,
        [row for _, row in sorted(rows.items())],
        "ON CONFLICT (tenant, source, id, stage) DO UPDATE SET recorded = excluded.recorded, "
        "writer = excluded.writer, reason = excluded.reason WHERE excluded.recorded < discarded_letters.recorded",
    )


async def read_discards(tx: Tx, ids: Collection[str]) -> dict[LetterKey, Discard]:
    """Return the discards of dead letters with these ids, one statement for each id."""
    found: dict[LetterKey, Discard] = {}
    for id in ids:
        rows = await tx.fetch(
            "SELECT tenant, source, id, stage, recorded, writer, reason FROM discarded_letters WHERE id = :id", id=id
        )
        found |= {(row[0], row[1], row[2], row[3]): Discard(row[4], row[5], row[6]) for row in rows}
    return found
