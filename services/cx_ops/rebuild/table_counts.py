"""Compare the tables of two stores row by row, where that can be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Table

from cx_context.store import table_rows
from cx_context.store.all_tables import METADATA
from cx_context.store.members import lone_member_row
from cx_context.store.shadow import MADE_OF_THE_LOG
from cx_context.store.sql import Tx
from cx_ops.rebuild.comparison import Watch
from cx_ops.rebuild.record import RowDifference, TableCount
from cx_ops.rebuild.row_differences import MOST_NAMED, tell_difference

COUNTED_ALONE = frozenset(
    {
        "copies",
        "interactions",
        "sightings",
        "segments",
        "link_events",
        "dead_letters",
        "discarded_letters",
        "assignments",
        "fold_versions",
        "listing_waiting",
        "listing_fills",
        "listed_conversations",
        "listed_under",
        "waits",
        "listed_customers",
        "customer_words",
        "said",
        "said_words",
    }
)
"""Tables in which the order of arrival, or of batches, leaves a trace; and those whose keys are texts, which databases
put in another order than we do. Lists may be later than contexts on either side; ``cx verify`` compares them."""

_BY_KEY_ALONE = frozenset({"parts"})
"""The bytes of a part hold maps in order of arrival; bodies are compared by customer."""

_WATCH_EVERY = 5_000


async def count_differences(live: Tx, rebuilt: Tx, watch: Watch) -> list[TableCount]:
    """Return how many rows each table has in both stores, and how many differ."""
    counts = []
    for name in MADE_OF_THE_LOG:
        await watch()
        if name in COUNTED_ALONE:
            rows = [await table_rows.count(tx, METADATA.tables[name]) for tx in (live, rebuilt)]
            counts.append(TableCount(name, rows[0], rows[1]))
        else:
            counts.append(await _compare(name, live, rebuilt, watch))
    return counts


async def _compare(name: str, live: Tx, rebuilt: Tx, watch: Watch) -> TableCount:
    """Walk through both tables in order of their keys."""
    table = METADATA.tables[name]
    places = table_rows.key_places(table)
    by_key_alone = name in _BY_KEY_ALONE
    rows = [_rows(tx, table) for tx in (live, rebuilt)]
    seen, differing, steps = [0, 0], 0, 0
    first: list[RowDifference] = []
    now = [await _next(each) for each in rows]
    while any(row is not None for row in now):
        steps += 1
        if steps % _WATCH_EVERY == 0:
            await watch()
        keys = [None if row is None else tuple(row[at] for at in places) for row in now]
        known = [key for key in keys if key is not None]
        least = min(known)
        takes = [key == least for key in keys]
        if not all(takes) or (not by_key_alone and now[0] != now[1]):
            differing += 1
            if len(first) < MOST_NAMED:
                pair = [row if taken else None for row, taken in zip(now, takes, strict=True)]
                first.append(await tell_difference((live, rebuilt), table, least, pair))
        for at, taken in enumerate(takes):
            if taken:
                seen[at] += 1
                now[at] = await _next(rows[at])
    return TableCount(name, seen[0], seen[1], differing, first)


async def _rows(tx: Tx, table: Table) -> AsyncIterator[tuple[Any, ...]]:
    """Yield the rows of a table that say something: that a profile is a member of nothing says what no row would."""
    is_members = table.name == "members"
    async for row in table_rows.in_key_order(tx, table):
        if not (is_members and row == lone_member_row(row[1], row[0])):
            yield row


async def _next(rows: AsyncIterator[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    return await anext(rows, None)
