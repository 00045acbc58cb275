"""Opening a store: engine, tables, transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

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
                if self.is_postgres:
                    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock($1)", (CREATE_LOCK,))
                await connection.run_sync(METADATA.create_all)
        except _TROUBLES as error:
            raise unavailable(error) from error

    async def stop(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        """One transaction: committed at the end, rolled back on any error. ``TryLater`` where the store is down."""
        try:
            if self.is_postgres:
                async with self._postgres() as driver, driver.transaction():
                    tx = PostgresTx(driver)
                    try:
                        yield tx
                        await tx.settled()
                    finally:
                        await tx.abandoned()
            else:
                async with self.engine.begin() as connection:
                    yield SqliteTx(connection)
        except _TROUBLES as error:
            raise unavailable(error) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A connection whose statements all see one state."""
        try:
            if self.is_postgres:
                async with (
                    self._postgres() as driver,
                    driver.transaction(isolation="repeatable_read", readonly=True),
                ):
                    yield PostgresTx(driver)
            else:
                async with self.engine.connect() as connection:
                    yield SqliteTx(await connection.execution_options(cx_reading=True))
        except _TROUBLES as error:
            raise unavailable(error) from error

    @asynccontextmanager
    async def _postgres(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection of the pool, as the driver gives it. SQLAlchemy begins no transaction on it of its own, since it
        runs no statement."""
        async with self.engine.connect() as connection:
            driver: asyncpg.Connection[Any] | None = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            yield driver


class Contention(TryLater):
    """Two writers met (deadlock, serialization, busy database): the transaction was rolled back; start it over."""


_TROUBLES = (DBAPIError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_MET = frozenset({"40001", "40P01", "55P03", "23505"})
"""SQLSTATEs of writers that met. ``unique_violation``: the other's row was not there yet when we looked for it; the
next try finds it (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def unavailable(error: BaseException) -> TryLater:
    """What a driver's error means for who asked."""
    cause = getattr(error, "orig", None) or error
    text = (str(cause).splitlines() or [type(cause).__name__])[0][:300]
    if getattr(cause, "sqlstate", None) in _MET or "database is locked" in text:
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
        settings = {
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            "jit": "off",
            # Every statement of ours looks up by key. A plan made while a table was small, or had no statistics yet,
            # reads all of it for each key instead, and is kept; so plans are made once, and never that way.
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "plan_cache_mode": "force_generic_plan",
        }
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
