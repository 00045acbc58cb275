"""A store in an SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from cx_context.store.port import TROUBLES, unavailable
from cx_context.store.sql import SqliteTx, Tx
from cx_context.store.tables import METADATA

_BUSY_SECONDS = 10


class SqliteStore:
    """``url``: ``sqlite+aiosqlite:///PATH``; the folder is made where it is missing."""

    def __init__(self, url: URL) -> None:
        assert url.database
        self.path = Path(url.database)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_async_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(self._engine.sync_engine, "connect", _prepare)
        event.listen(self._engine.sync_engine, "begin", _begin)

    async def start(self) -> None:
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
        except TROUBLES as error:
            raise unavailable(error) from error

    async def stop(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        try:
            async with self._engine.begin() as connection:
                yield SqliteTx(connection)
        except TROUBLES as error:
            raise unavailable(error) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        try:
            async with self._engine.connect() as connection:
                yield SqliteTx(await connection.execution_options(cx_reading=True))
        except TROUBLES as error:
            raise unavailable(error) from error

    def asking(self) -> AbstractAsyncContextManager[Tx]:
        return self.reading()


def _prepare(connection: Any, _record: Any) -> None:
    """WAL and full durability; the driver's own transaction handling off, so that ours begin as IMMEDIATE."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _begin(connection: Any) -> None:
    reading = connection.get_execution_options().get("cx_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
