"""Opening a store: engine, tables, transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cx_context.store.sql import PostgresTx, SqliteTx, Tx
from cx_context.store.tables import METADATA
from cx_events.errors import Fatal, TryLater

CREATE_LOCK = 7_301_001
IDLE_IN_TRANSACTION_MS = 15_000
"""A projector that stops amid a transaction (SIGSTOP, a lost network) is cut off by the server after this."""


class Store:
    """One database. ``await start()`` makes missing tables."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.is_postgres = engine.dialect.name == "postgresql"

    async def start(self) -> None:
        try:
            async with self.engine.begin() as connection:
                await self.tx(connection).lock(CREATE_LOCK, exclusive=True)
                await connection.run_sync(METADATA.create_all)
        except (DBAPIError, OSError) as error:
            raise unavailable(error) from error

    async def stop(self) -> None:
        await self.engine.dispose()

    def tx(self, connection: AsyncConnection) -> Tx:
        return PostgresTx(connection) if self.is_postgres else SqliteTx(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        """One transaction: committed at the end, rolled back on any error. ``TryLater`` where the store is down."""
        try:
            async with self.engine.begin() as connection:
                yield self.tx(connection)
        except (DBAPIError, OSError) as error:
            raise unavailable(error) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A connection whose statements all see one state."""
        try:
            async with self.engine.connect() as connection:
                if self.is_postgres:
                    connection = await connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                else:
                    connection = await connection.execution_options(cx_reading=True)
                yield self.tx(connection)
        except (DBAPIError, OSError) as error:
            raise unavailable(error) from error


class Contention(TryLater):
    """Two writers met (deadlock, serialization, busy database): the transaction was rolled back; start it over."""


def unavailable(error: BaseException) -> TryLater:
    """What a driver's error means for who asked."""
    text = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state in ("40001", "40P01", "55P03") or "database is locked" in text:
        return Contention("store", text)
    return TryLater("store", text)


def tenant_lock(purpose: str, tenant: str) -> int:
    """The number of an advisory lock (64 bits, signed)."""
    digest = blake2b(f"{purpose}\0{tenant}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def open_store(url: str, *, pool: int = 10) -> Store:
    """``postgresql+asyncpg://...`` or ``sqlite+aiosqlite:///PATH``. ``Fatal`` for any other."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Fatal(_WRONG_URL.format(url=url)) from None
    if parsed.drivername == "postgresql+asyncpg":
        settings = {"idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS), "jit": "off"}
        return Store(
            create_async_engine(
                url,
                pool_size=pool,
                max_overflow=pool,
                pool_pre_ping=True,
                pool_timeout=5,
                connect_args={"server_settings": settings, "timeout": 5, "command_timeout": 60},
            )
        )
    if parsed.drivername == "sqlite+aiosqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(url, connect_args={"timeout": 10})
        _prepare_sqlite(engine)
        return Store(engine)
    raise Fatal(_WRONG_URL.format(url=url))


_WRONG_URL = "CX_STORE_URL {url!r} is neither sqlite+aiosqlite:///PATH nor postgresql+asyncpg://USER@HOST/NAME"


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """WAL and full durability; the driver's own transaction handling off, so that ours begin as IMMEDIATE."""

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("cx_reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
