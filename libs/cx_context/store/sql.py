"""One text of SQL for both databases, set-based.

Statements are written with ``:name`` parameters; a list is used as ``column = ANY(:names)``. PostgreSQL gets arrays and
``unnest``; SQLite, which has one writer at a time and no network in between, gets ``IN`` lists and ``executemany``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from cx_context.store.tables import Shape

Row = Sequence[Any]
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_ANY = re.compile(r"(=|<>) (?:ANY|ALL)\(:([a-z_]+)\)")


class Tx(Protocol):
    """A connection in a transaction (or reading in autocommit)."""

    for_update: str
    """Appended to a SELECT that locks; empty where there is one writer."""

    now: str
    """SQL for the database's clock, seconds since 1970 as a float."""

    least: str
    """The scalar minimum function's name."""

    async def fetch(self, sql: str, **values: Any) -> Sequence[Row]: ...

    async def execute(self, sql: str, **values: Any) -> int:
        """Rows changed."""

    async def insert(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        """All rows in one statement, in the order given. ``conflict``: ``ON CONFLICT ...``."""

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        """Rows whose first column is not there yet; the first columns of those that were inserted."""

    async def lock(self, name: int, *, exclusive: bool) -> None:
        """A lock by number until the transaction ends."""


@lru_cache(maxsize=512)
def _postgres_text(sql: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _NAME.sub(place, sql), tuple(names)


@lru_cache(maxsize=128)
def _unnest(shape: Shape, conflict: str) -> str:
    arrays = ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(shape.types, 1))
    return f"INSERT INTO {shape.table} ({', '.join(shape.columns)}) SELECT * FROM unnest({arrays}) {conflict}"


class PostgresTx:
    for_update = "FOR UPDATE"
    now = "extract(epoch from clock_timestamp())::float8"
    least = "least"

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, **values: Any) -> Sequence[Row]:
        text, names = _postgres_text(sql)
        result = await self._connection.exec_driver_sql(text, tuple(values[name] for name in names))
        return result.fetchall()

    async def execute(self, sql: str, **values: Any) -> int:
        text, names = _postgres_text(sql)
        result = await self._connection.exec_driver_sql(text, tuple(values[name] for name in names))
        return result.rowcount

    async def insert(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        if rows:
            await self._connection.exec_driver_sql(_unnest(shape, conflict), tuple(map(list, zip(*rows, strict=True))))

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        if not rows:
            return set()
        text = _unnest(shape, f"ON CONFLICT DO NOTHING RETURNING {shape.columns[0]}")
        result = await self._connection.exec_driver_sql(text, tuple(map(list, zip(*rows, strict=True))))
        return {row[0] for row in result.fetchall()}

    async def lock(self, name: int, *, exclusive: bool) -> None:
        function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
        await self._connection.exec_driver_sql(f"SELECT {function}($1)", (name,))


class SqliteTx:
    """Its transactions begin with ``BEGIN IMMEDIATE``, so that locks of any other kind are not needed."""

    for_update = ""
    now = "((julianday('now') - 2440587.5) * 86400.0)"
    least = "min"

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, **values: Any) -> Sequence[Row]:
        return (await self._run(sql, values)).fetchall()  # type: ignore[no-any-return]

    async def execute(self, sql: str, **values: Any) -> int:
        return (await self._run(sql, values)).rowcount  # type: ignore[no-any-return]

    async def _run(self, sql: str, values: dict[str, Any]) -> Any:
        ordered: list[Any] = []

        def spread(match: re.Match[str]) -> str:
            items = list(values[match[2]])
            return f"{'IN' if match[1] == '=' else 'NOT IN'} ({','.join(_literal(item) for item in items)})"

        def place(match: re.Match[str]) -> str:
            ordered.append(values[match[1]])
            return "?"

        return await self._connection.exec_driver_sql(_NAME.sub(place, _ANY.sub(spread, sql)), tuple(ordered))

    async def insert(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        if rows:
            places = ",".join("?" * len(shape.columns))
            text = f"INSERT INTO {shape.table} ({', '.join(shape.columns)}) VALUES ({places}) {conflict}"
            await self._connection.exec_driver_sql(text, [tuple(row) for row in rows])

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        if not rows:
            return set()
        key = shape.columns[0]
        found = await self.fetch(
            f"SELECT {key} FROM {shape.table} WHERE {key} = ANY(:keys)", keys=[row[0] for row in rows]
        )
        known = {row[0] for row in found}
        new = [row for row in rows if row[0] not in known]
        await self.insert(shape, new)
        return {row[0] for row in new}

    async def lock(self, name: int, *, exclusive: bool) -> None:
        return None


def _literal(item: object) -> str:
    """List items are ids and integers of our own making; written out, since SQLite limits the number of parameters."""
    if isinstance(item, bytes):
        return f"x'{item.hex()}'"
    if isinstance(item, int):
        return str(item)
    raise TypeError(f"no literal for {type(item)}")
