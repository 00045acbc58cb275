"""One text of SQL for both databases, set-based.

Statements are written with ``:name`` parameters; a list is used as ``column = ANY(:names)``. PostgreSQL gets arrays,
``unnest`` and, for rows that are surely new, ``COPY``, from the driver itself (a statement through SQLAlchemy costs a
tenth of a millisecond more, and a batch has dozens); SQLite, which has one writer at a time and no network in between,
gets ``IN`` lists and ``executemany``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.ext.asyncio import AsyncConnection

from cx_context.store.tables import ID, Shape

Row = Sequence[Any]
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_ANY = re.compile(r"(=|<>) (?:ANY|ALL)\(:([a-z_]+)\)")


class Tx(Protocol):
    """A connection in a transaction (or reading in autocommit).

    What has no answer (``insert``, ``append``, ``update``) may still be under way when its method returns, so that the
    database works while we do; whatever comes next waits for it, and raises what it raised.
    """

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

    async def insert_later(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        """As ``insert``, in one statement with those that follow, and at the latest before whatever else comes: for
        writes that neither wait for each other nor depend on each other's order."""

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        """Rows whose first column is not there yet; the first columns of those that were inserted. ``Contention`` where
        another writes the same ones just then."""

    async def append(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Rows that are surely new, in the order given. ``Contention`` where one is not."""

    async def update(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Rows that are there, known by their first column, get the other columns' values."""

    async def lock(self, name: int, *, exclusive: bool) -> None:
        """A lock by number until the transaction ends."""

    async def forget_durability(self) -> None:
        """What this transaction does may be undone by a crash of the database's machine: its end need not wait."""


_IDS = "ARRAY(SELECT substr({0}::bytea, at, 16) FROM generate_series(1, length({0}::bytea), 16) AS at)"
"""Ids that come as one value, one behind the other: the driver spends half a microsecond on each element of an array,
which is a third of all that a projector does."""


@lru_cache(maxsize=512)
def _postgres_text(sql: str, ids: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """The statement with numbered parameters, and their names in order. ``ids``: those that are lists of ids."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        number = f"${names.index(match[1]) + 1}"
        return _IDS.format(number) if match[1] in ids else number

    return _NAME.sub(place, sql), tuple(names)


def _statement(sql: str, values: dict[str, Any]) -> tuple[str, list[Any]]:
    ids = frozenset(name for name, value in values.items() if type(value) is list and value and type(value[0]) is bytes)
    text, names = _postgres_text(sql, ids)
    return text, [b"".join(values[name]) if name in ids else values[name] for name in names]


_SCALARS = frozenset({str, int, type(None)})
FEW = 32
"""Rows up to which round trips are what writing costs: one statement instead of a question and ``COPY``, and one text
of it whichever columns are the same in all of them."""


def _columns(shape: Shape, rows: Sequence[Row]) -> tuple[tuple[bool, ...], list[Any]]:
    """Of each column whether it varies, and its array, or its one value (many columns, as the tenant or a stripe, are
    the same in every row)."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    few = len(rows) <= FEW
    varies = tuple(
        few or at == 0 or type(c[0]) not in _SCALARS or c.count(c[0]) != len(c) for at, c in enumerate(columns)
    )
    typed = zip(shape.types, varies, columns, strict=True)
    return varies, [
        column[0] if not each else b"".join(column) if kind == ID else column for kind, each, column in typed
    ]


def _array(number: int, kind: str) -> str:
    return _IDS.format(f"${number}") if kind == ID else f"${number}::{kind}[]"


class _Insert(NamedTuple):
    shape: Shape
    conflict: str
    varies: tuple[bool, ...]


@lru_cache(maxsize=512)
def _insert_text(one: _Insert, before: int = 0) -> str:
    """An INSERT of rows whose columns are parameters, in the order of the arrays, after ``before`` others."""
    described = enumerate(zip(one.shape.columns, one.shape.types, one.varies, strict=True), before + 1)
    typed = [(name, kind, each, at) for at, (name, kind, each) in described]
    chosen = ", ".join(f"u.{name}" if each else f"${at}::{kind}" for name, kind, each, at in typed)
    arrays = ", ".join(_array(at, kind) for _, kind, each, at in typed if each)
    names = ", ".join(name for name, _, each, _ in typed if each)
    return (
        f"INSERT INTO {one.shape.table} ({', '.join(one.shape.columns)}) "
        f"SELECT {chosen} FROM unnest({arrays}) AS u ({names}) {one.conflict}"
    )


@lru_cache(maxsize=512)
def _inserts_text(all_of_them: tuple[_Insert, ...]) -> str:
    """Several in one statement."""
    texts = []
    before = 0
    for one in all_of_them:
        texts.append(_insert_text(one, before))
        before += len(one.varies)
    *first, last = texts
    if not first:
        return last
    return f"WITH {', '.join(f'w{at} AS ({text})' for at, text in enumerate(first))} {last}"


Driver: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"


class PostgresTx:
    for_update = "FOR UPDATE"
    now = "extract(epoch from clock_timestamp())::float8"
    least = "least"

    def __init__(self, connection: Driver) -> None:
        self.driver = connection
        self._under_way: asyncio.Task[object] | None = None
        self._later: list[tuple[_Insert, list[Any]]] = []

    async def settled(self) -> None:
        """Wait for what is under way, and do what was left for later."""
        await self._ended()
        if self._later:
            text, values = self._with_later()
            await self.driver.execute(text, *values)

    async def _ended(self) -> None:
        task, self._under_way = self._under_way, None
        if task is not None:
            await task

    def _with_later(self, *more: tuple[_Insert, list[Any]]) -> tuple[str, list[Any]]:
        all_of_them = [*self._later, *more]
        self._later = []
        text = _inserts_text(tuple(one for one, _ in all_of_them))
        return text, [value for _, values in all_of_them for value in values]

    async def abandoned(self) -> None:
        """End what is under way, whatever comes of it."""
        self._later = []
        task, self._under_way = self._under_way, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: the transaction ends by another error

    async def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await self._ended()
        except BaseException:
            work.close()
            raise
        self._under_way = asyncio.create_task(work)
        await asyncio.sleep(0)  # so that it is on its way before we go on

    async def fetch(self, sql: str, **values: Any) -> Sequence[Row]:
        await self.settled()
        text, parameters = _statement(sql, values)
        return await self.driver.fetch(text, *parameters)

    async def execute(self, sql: str, **values: Any) -> int:
        await self.settled()
        text, parameters = _statement(sql, values)
        status = await self.driver.execute(text, *parameters)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def insert(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        if rows:
            if any(one.shape.table == shape.table for one, _ in self._later):
                await self.settled()
            varies, columns = _columns(shape, rows)
            text, values = self._with_later((_Insert(shape, conflict, varies), columns))
            await self._begin(self.driver.execute(text, *values))

    async def insert_later(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        if rows:
            if any(one.shape.table == shape.table for one, _ in self._later):
                await self.settled()
            varies, columns = _columns(shape, rows)
            self._later.append((_Insert(shape, conflict, varies), columns))

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        if not rows:
            return set()
        key = shape.columns[0]
        if len(rows) <= FEW:
            await self.settled()
            varies, values = _columns(shape, rows)
            text = _insert_text(_Insert(shape, f"ON CONFLICT DO NOTHING RETURNING {key}", varies))
            return {row[0] for row in await self.driver.fetch(text, *values)}
        found = await self.fetch(
            f"SELECT {key} FROM {shape.table} WHERE {key} = ANY(:keys)", keys=[row[0] for row in rows]
        )
        known = {row[0] for row in found}
        new = [row for row in rows if row[0] not in known] if known else rows
        await self.append(shape, new)
        return {row[0] for row in new}

    async def append(self, shape: Shape, rows: Sequence[Row]) -> None:
        if 0 < len(rows) <= FEW:
            await self.insert(shape, rows)
        elif rows:
            await self.settled()
            await self._begin(self.driver.copy_records_to_table(shape.table, records=rows, columns=list(shape.columns)))

    async def update(self, shape: Shape, rows: Sequence[Row]) -> None:
        if rows:
            key, *others = shape.columns
            arrays = ", ".join(_array(at, kind) for at, kind in enumerate(shape.types, 1))
            text = (
                f"UPDATE {shape.table} SET {', '.join(f'{name} = u.{name}' for name in others)} "
                f"FROM unnest({arrays}) AS u ({', '.join(shape.columns)}) WHERE {shape.table}.{key} = u.{key}"
            )
            columns = [list(column) for column in zip(*rows, strict=True)]
            values = [b"".join(c) if kind == ID else c for kind, c in zip(shape.types, columns, strict=True)]
            await self.settled()
            await self._begin(self.driver.execute(text, *values))

    async def lock(self, name: int, *, exclusive: bool) -> None:
        function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
        await self.settled()
        await self.driver.execute(f"SELECT {function}($1)", name)

    async def forget_durability(self) -> None:
        await self.settled()
        await self.driver.execute("SET LOCAL synchronous_commit = off")


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

    async def insert_later(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        await self.insert(shape, rows, conflict)

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

    async def append(self, shape: Shape, rows: Sequence[Row]) -> None:
        await self.insert(shape, rows)

    async def update(self, shape: Shape, rows: Sequence[Row]) -> None:
        if rows:
            key, *others = shape.columns
            text = f"UPDATE {shape.table} SET {', '.join(f'{name} = ?' for name in others)} WHERE {key} = ?"
            await self._connection.exec_driver_sql(text, [(*row[1:], row[0]) for row in rows])

    async def lock(self, name: int, *, exclusive: bool) -> None:
        return None

    async def forget_durability(self) -> None:
        return None


def _literal(item: object) -> str:
    """List items are ids and integers of our own making; written out, since SQLite limits the number of parameters."""
    if isinstance(item, bytes):
        return f"x'{item.hex()}'"
    if isinstance(item, int):
        return str(item)
    raise TypeError(f"no literal for {type(item)}")
