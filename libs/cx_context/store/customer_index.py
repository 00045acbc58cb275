"""Look up the customer of a profile and that context's version: the one question that every read of a context asks.

It is asked together (``together``), on a connection kept for it, by the driver itself: a point look-up through a pool
costs several times what the database needs for it. For the same reason SQLite is read here and now: its readers wait
for nobody (WAL), and 20 µs are less than handing over to a thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import asyncpg

from cx_context.store.batch_loader import BatchLoader
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.port import Store
from cx_context.store.postgres import PostgresStore
from cx_context.store.sqlite import SqliteStore, file_at
from cx_events.errors import TryLater
from cx_events.ids import NodeId

MOST_AT_ONCE = 256
_BUSY_SECONDS = 0.05

_SELECT = (
    "SELECT p.id, p.tenant, coalesce(m.customer, p.id), coalesce(m.ambiguous, false), "
    f"{FIRST_VERSION} + "
    "(SELECT CAST(coalesce(sum(v.n), 0) AS bigint) FROM versions v WHERE v.customer = coalesce(m.customer, p.id)), "
    "(SELECT coalesce(max(moved_at), 0) FROM partitions) "
    "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id "
)

_POSTGRES = f"{_SELECT} = ANY($1::bytea[])"


@cache
def _sqlite(count: int) -> str:
    return f"{_SELECT} IN ({','.join('?' * count)})"


class CustomerEntry(NamedTuple):
    """A profile's customer and the version of its context (``cx_context.versions``). ``moved_at``: when a projector
    last moved on, in seconds since 1970. ``others``: of an interaction that was asked for, who takes part besides."""

    customer: NodeId
    ambiguous: bool
    version: int
    moved_at: float
    others: tuple[NodeId, ...] = ()


class _Line(Protocol):
    """A connection kept for this one statement."""

    async def select(self, profiles: list[NodeId]) -> Sequence[Any]: ...

    def drop(self) -> None:
        """Close without waiting: closing a connection to a frozen server takes as long as the server pleases."""


class _PostgresLine:
    def __init__(self, driver: asyncpg.Connection[Any]) -> None:
        self._driver = driver

    async def select(self, profiles: list[NodeId]) -> Sequence[Any]:
        rows: Sequence[Any] = await self._driver.fetch(_POSTGRES, profiles)
        return rows

    def drop(self) -> None:
        self._driver.terminate()


class _SqliteLine:
    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._file = file_at(self._path)
        self._driver = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", timeout=_BUSY_SECONDS, uri=True)

    async def select(self, profiles: list[NodeId]) -> Sequence[Any]:
        if self._file != file_at(self._path):
            raise TryLater("store", "its file was replaced")
        # Of few lengths, so that SQLite need not compile the statement again for every number of askers.
        profiles += profiles[-1:] * ((1 << (len(profiles) - 1).bit_length()) - len(profiles))
        found: Sequence[Any] = self._driver.execute(_sqlite(len(profiles)), profiles).fetchall()
        return found

    def drop(self) -> None:
        self._driver.close()


async def _line_to(store: Store) -> _Line:
    if isinstance(store, PostgresStore):
        return _PostgresLine(await store.connect())
    assert isinstance(store, SqliteStore)
    return _SqliteLine(store.path)


class CustomerIndex:
    """Look up the customer of a profile and the version of its context. Made in the event loop that asks; ``stop()``
    closes the connection."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._line: _Line | None = None
        self._together = BatchLoader(self._ask, most=MOST_AT_ONCE)

    async def of(self, tenant: str, profile: NodeId) -> CustomerEntry | None:
        """Return None for a profile that the tenant does not have. Raises ``TryLater`` within twice
        ``batch_loader.PATIENCE``."""
        return await self._together.of((tenant, profile))

    async def stop(self) -> None:
        await self._together.stop()
        self._drop()

    async def _ask(self, asked: list[tuple[str, NodeId]]) -> dict[tuple[str, NodeId], CustomerEntry]:
        try:
            rows = await self._read(list({profile for _, profile in asked}))
        except BaseException:  # whatever the driver's trouble, its connection is not to be trusted again
            self._drop()
            raise
        return {(row[1], bytes(row[0])): CustomerEntry(bytes(row[2]), bool(row[3]), row[4], row[5]) for row in rows}

    async def _read(self, profiles: list[NodeId]) -> Sequence[Any]:
        """Run the statement, once more on a fresh connection where the one that was kept has died meanwhile."""
        if self._line is not None:
            try:
                return await self._line.select(profiles)
            except Exception:
                self._drop()
        self._line = await _line_to(self._store)
        return await self._line.select(profiles)

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.drop()
