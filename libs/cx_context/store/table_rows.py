"""Read all rows of a table in order of its key, a page at a time: for ``cx verify``, which holds each against the log.

What is read here is not bound to a tenant: a row of a tenant that does not exist is what is looked for, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Boolean, Table

from cx_context.fold_faults import NOT_FOLDED
from cx_context.store.sql import Row, Tx

PAGE = 500
"""Rows at once: of parts and events some kilobytes each."""

Key = tuple[Any, ...]


def key_places(table: Table) -> list[int]:
    """Return where a table's key stands in its rows."""
    names = [column.name for column in table.columns]
    return [names.index(column.name) for column in table.primary_key.columns]


async def in_key_order(tx: Tx, table: Table) -> AsyncIterator[tuple[Any, ...]]:
    """Yield every row, its columns in the order of the table's definition."""
    columns = ", ".join(column.name for column in table.columns)
    keys = [column.name for column in table.primary_key.columns]
    order = ", ".join(keys)
    places = key_places(table)
    booleans = [at for at, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    bound, values = "", dict[str, Any]()
    while True:
        rows = await tx.fetch(f"SELECT {columns} FROM {table.name} {bound} ORDER BY {order} LIMIT {PAGE}", **values)
        for row in rows:
            yield _plain(row, booleans)
        if len(rows) < PAGE:
            return
        values = {f"after_{name}": rows[-1][at] for name, at in zip(keys, places, strict=True)}
        bound = f"WHERE ({order}) > ({', '.join(f':{name}' for name in values)})"


def _plain(row: Row, booleans: list[int]) -> tuple[Any, ...]:
    """Return a row with booleans, which SQLite has not."""
    if not booleans:
        return tuple(row)
    return tuple(bool(value) if at in booleans else value for at, value in enumerate(row))


async def left_out(tx: Tx) -> dict[bytes, str]:
    """Return the problem of every stored event of which nothing is made, by the event's key."""
    rows = await tx.fetch("SELECT key, problem FROM events WHERE problem LIKE :begins", begins=f"{NOT_FOLDED}%")
    return {bytes(key): problem for key, problem in rows}


async def letters_because(tx: Tx, reason: str) -> list[tuple[tuple[str, str, str, str], str]]:
    """Return what the dead letters of one reason are known by, and the detail of each."""
    rows = await tx.fetch(
        "SELECT tenant, source, id, stage, detail FROM dead_letters WHERE reason = :reason", reason=reason
    )
    return [((row[0], row[1], row[2], row[3]), row[4]) for row in rows]


async def count(tx: Tx, table: Table) -> int:
    """Return how many rows a table has."""
    return int((await tx.fetch(f"SELECT count(*) FROM {table.name}"))[0][0])
