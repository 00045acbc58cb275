"""Run one text of SQL on both databases, set-based.

Statements are written with ``:name`` parameters; a list is used as ``column = ANY(:names)``. PostgreSQL gets arrays,
``unnest`` and, for rows that are surely new, ``COPY``, from the driver itself (a statement through SQLAlchemy costs a
tenth of a millisecond more, and a batch has dozens); SQLite, which has one writer at a time and no network in between,
gets ``IN`` lists and ``executemany``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.ext.asyncio import AsyncConnection

from cx_context.store.table_shapes import ID, Shape

Row = Sequence[Any]
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_ANY = re.compile(r"(=|<>) (?:ANY|ALL)\(:([a-z_]+)\)")
_ANY_OR_NAME = re.compile(f"{_ANY.pattern}|{_NAME.pattern}")


class Tx(Protocol):
    """A connection in a transaction (or reading in autocommit).

    What has no answer (``insert``, ``append``, ``update``) may still be under way when its method returns, so that the
    database works while we do, or, of few rows, wait for others to go with in one round trip. Whatever asks something
    comes after it, and raises what it raised.
    """

    for_update: str
    """Appended to a SELECT that locks; empty where there is one writer."""

    now: str
    """SQL for the database's clock, seconds since 1970 as a float."""

    least: str
    """The scalar minimum function's name."""

    all_columns: str
    """A statement for (table, column) of all tables."""

    async def fetch(self, sql: str, **values: Any) -> Sequence[Row]: ...

    async def execute(self, sql: str, **values: Any) -> int:
        """Return the number of rows changed."""

    async def insert(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        """Insert all rows in one statement, in the order given. ``conflict``: ``ON CONFLICT ...``."""

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        """Rows whose first column is not there yet; the first columns of those that were inserted. ``Contention`` where
        another writes the same ones just then."""

    async def insert_missing(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        """Do as ``insert_new``, but wait for whoever else writes the same rows: then they are there."""

    async def append(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Insert rows that are surely new, in the order given. Raises ``Contention`` where one is not."""

    async def update(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Give rows that are there, known by their first column, the other columns' values."""

    async def lock(self, name: int, *, exclusive: bool) -> None:
        """Take a lock by number until the transaction ends."""

    async def forget_durability(self) -> None:
        """Allow a crash of the database's machine to undo this transaction: its end need not wait."""


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
    ids = frozenset(name for name, value in values.items() if type(value) is list and value and _are_ids(value))
    text, names = _postgres_text(sql, ids)
    return text, [b"".join(values[name]) if name in ids else values[name] for name in names]


def _are_ids(values: list[Any]) -> bool:
    """Return whether all are of an id's length; other bytes, such as words, are sent as an array."""
    return type(values[0]) is bytes and set(map(len, values)) == {16}


_SCALARS = frozenset({str, int, type(None)})
FEW = 32
"""Rows up to which round trips are what writing costs: one statement instead of a question and ``COPY``, and one text
of it whichever columns are the same in all of them."""


def _columns(shape: Shape, rows: Sequence[Row]) -> tuple[tuple[bool, ...], list[Any]]:
    """Return for each column whether it varies, and its array or its one value: many columns, such as the tenant, are
    the same in every row."""
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


class _Write(NamedTuple):
    """``varies``: of each column, see ``_columns``. An update knows its rows by their first column."""

    shape: Shape
    varies: tuple[bool, ...]
    conflict: str = ""
    is_update: bool = False


@lru_cache(maxsize=512)
def _text(write: _Write, before: int = 0) -> str:
    """A statement whose parameters are the columns, after ``before`` others."""
    shape = write.shape
    described = enumerate(zip(shape.columns, shape.types, write.varies, strict=True), before + 1)
    typed = [(name, kind, each, at) for at, (name, kind, each) in described]
    arrays = ", ".join(_array(at, kind) for _, kind, each, at in typed if each)
    rows = f"unnest({arrays}) AS u ({', '.join(name for name, _, each, _ in typed if each)})"
    given = {name: f"u.{name}" if each else f"${at}::{kind}" for name, kind, each, at in typed}
    if write.is_update:
        key, *others = shape.columns
        changes = ", ".join(f"{name} = {given[name]}" for name in others)
        return f"UPDATE {shape.table} SET {changes} FROM {rows} WHERE {shape.table}.{key} = u.{key}"
    chosen = f"SELECT {', '.join(given.values())} FROM {rows}"
    return f"INSERT INTO {shape.table} ({', '.join(given)}) {chosen} {write.conflict}"


@lru_cache(maxsize=512)
def _text_of_all(writes: tuple[_Write, ...]) -> str:
    """Several in one statement. PostgreSQL runs the statement itself first, then what stands in its WITH, the last
    first: so they are written that way, and rows are locked in the order in which they would be otherwise."""
    texts = []
    before = 0
    for write in writes:
        texts.append(_text(write, before))
        before += len(write.varies)
    first, *others = texts
    if not others:
        return first
    return f"WITH {', '.join(f'w{at} AS ({text})' for at, text in reversed(list(enumerate(others))))} {first}"


Driver: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"


class PostgresTx:
    for_update = "FOR UPDATE"
    now = "extract(epoch from clock_timestamp())::float8"
    least = "least"
    all_columns = (
        "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace "
        "AND pg_table_is_visible(c.oid) AND a.attnum > 0 AND NOT a.attisdropped"
    )

    def __init__(self, connection: Driver, lock_space: int = 0) -> None:
        """``lock_space``: tells the locks by number of one set of tables from those of another in the same database."""
        self.driver = connection
        self._lock_space = lock_space
        self._under_way: asyncio.Task[object] | None = None
        self._waiting: list[tuple[_Write, list[Any]]] = []

    async def settled(self) -> None:
        """Wait for what is under way, and for what waits."""
        await self._ended()
        waiting, self._waiting = self._waiting, []
        if waiting:
            text = _text_of_all(tuple(write for write, _ in waiting))
            await self.driver.execute(text, *(value for _, values in waiting for value in values))

    async def _ended(self) -> None:
        task, self._under_way = self._under_way, None
        if task is not None:
            await task

    async def abandoned(self) -> None:
        """End what is under way, whatever comes of it, and forget what waits."""
        self._waiting = []
        task, self._under_way = self._under_way, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: the transaction ends by another error

    async def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await self.settled()
        except BaseException:
            work.close()
            raise
        self._under_way = asyncio.create_task(work)
        await asyncio.sleep(0)  # so that it is on its way before we go on

    async def _write(self, write: _Write, values: list[Any], *, few: bool) -> None:
        if not few:
            await self._begin(self.driver.execute(_text(write), *values))
            return
        if any(other.shape.table == write.shape.table for other, _ in self._waiting):
            await self.settled()
        self._waiting.append((write, values))

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
            varies, values = _columns(shape, rows)
            await self._write(_Write(shape, varies, conflict), values, few=len(rows) <= FEW)

    async def insert_missing(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        if not rows:
            return set()
        await self.settled()
        varies, values = _columns(shape, rows)
        text = _text(_Write(shape, varies, f"ON CONFLICT DO NOTHING RETURNING {shape.columns[0]}"))
        return {row[0] for row in await self.driver.fetch(text, *values)}

    async def insert_new(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        if len(rows) <= FEW:
            return await self.insert_missing(shape, rows)
        key = shape.columns[0]
        found = await self.fetch(
            f"SELECT {key} FROM {shape.table} WHERE {key} = ANY(:keys)", keys=[row[0] for row in rows]
        )
        known = {row[0] for row in found}
        new = [row for row in rows if row[0] not in known] if known else rows
        await self.append(shape, new)
        return {row[0] for row in new}

    async def append(self, shape: Shape, rows: Sequence[Row]) -> None:
        if len(rows) <= FEW:
            await self.insert(shape, rows)
        else:
            await self._begin(self.driver.copy_records_to_table(shape.table, records=rows, columns=list(shape.columns)))

    async def update(self, shape: Shape, rows: Sequence[Row]) -> None:
        if rows:
            varies, values = _columns(shape, rows)
            await self._write(_Write(shape, varies, is_update=True), values, few=len(rows) <= FEW)

    async def lock(self, name: int, *, exclusive: bool) -> None:
        function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
        await self.settled()
        await self.driver.execute(f"SELECT {function}($1)", name ^ self._lock_space)

    async def forget_durability(self) -> None:
        await self.settled()
        await self.driver.execute("SET LOCAL synchronous_commit = off")


class SqliteTx:
    """Its transactions begin with ``BEGIN IMMEDIATE``, so that locks of any other kind are not needed."""

    for_update = ""
    now = "((julianday('now') - 2440587.5) * 86400.0)"
    least = "min"
    all_columns = (
        "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    )

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, **values: Any) -> Sequence[Row]:
        return (await self._run(sql, values)).fetchall()  # type: ignore[no-any-return]

    async def execute(self, sql: str, **values: Any) -> int:
        return (await self._run(sql, values)).rowcount  # type: ignore[no-any-return]

    async def _run(self, sql: str, values: dict[str, Any]) -> Any:
        few = frozenset((name, len(value)) for name, value in values.items() if _is_few(value))
        text, names = _sqlite_text(sql, few)
        ordered: list[Any] = []
        for name in names:
            value = values[name]
            if isinstance(value, list):
                ordered += value
            else:
                ordered.append(value)
        if len(few) < len(values):
            text = _ANY.sub(lambda match: _in(match[1], (_literal(item) for item in values[match[2]])), text)
        return await self._connection.exec_driver_sql(text, tuple(ordered))

    async def insert(self, shape: Shape, rows: Sequence[Row], conflict: str = "") -> None:
        if rows:
            places = ",".join("?" * len(shape.columns))
            text = f"INSERT INTO {shape.table} ({', '.join(shape.columns)}) VALUES ({places}) {conflict}"
            await self._connection.exec_driver_sql(text, [tuple(row) for row in rows])

    async def insert_missing(self, shape: Shape, rows: Sequence[Row]) -> set[bytes]:
        return await self.insert_new(shape, rows)

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


_SQLITE_FEW = 16
"""Items of a list up to which the statement has a place for each, so that SQLite has it prepared from before."""


def _is_few(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _SQLITE_FEW


@lru_cache(maxsize=512)
def _sqlite_text(sql: str, few: frozenset[tuple[str, int]]) -> tuple[str, tuple[str, ...]]:
    """Return the statement with a ``?`` for each value but those of long lists, and the names in the order of these.
    ``few``: the names of short lists, and how many items each has."""
    lengths = dict(few)
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        operator, of_list, name = match.groups()
        if name is None and of_list not in lengths:
            return match[0]
        names.append(name or of_list)
        return "?" if name is not None else _in(operator, ["?"] * lengths[of_list])

    return _ANY_OR_NAME.sub(place, sql), tuple(names)


def _in(operator: str, items: Iterable[str]) -> str:
    return f"{'IN' if operator == '=' else 'NOT IN'} ({','.join(items)})"


def _literal(item: object) -> str:
    """Write out a list item, an id or an integer of our own making: SQLite limits the number of parameters."""
    if isinstance(item, bytes):
        return f"x'{item.hex()}'"
    if isinstance(item, int):
        return str(item)
    raise TypeError(f"no literal for {type(item)}")
