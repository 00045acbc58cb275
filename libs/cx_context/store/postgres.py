"""Keep a store on PostgreSQL: the driver's own pool, and nothing between it and the statements.

A pool that takes a connection back as it comes would lose data: who is cancelled while its BEGIN is under way leaves a
transaction open that nobody knows of, and all that the next holder commits is a savepoint in it, gone with the
connection. This pool waits for what was cancelled and rolls back what is open before it lends a connection again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from cx_context.store.migrations import RELEASED, SELECT_LEAST, SELECT_REVISION, Revisions, Standing, not_ours
from cx_context.store.port import TROUBLES, tenant_lock, unavailable
from cx_context.store.sql import PostgresTx, Tx
from cx_events.cancellation import close_within, guard_cancellation
from cx_events.pooled_connections import KeptConnections

IDLE_IN_TRANSACTION_MS = 15_000
"""A projector that stops amid a transaction (SIGSTOP, a lost network) is cut off by the server after this."""

_SETTINGS = {
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
    "jit": "off",
    # Every statement of ours looks up by key. A plan made while a table was small, or had no statistics yet, reads all
    # of it for each key instead, and is kept; so plans are made once, and never that way.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 60
_CLOSE_SECONDS = 2
_MOST_KEPT = 8


class PostgresStore:
    """``url``: ``postgresql+asyncpg://...``; ``connections``: the most that are open at once; ``revisions``: what its
    tables are brought to. ``schema``: where its tables are, if not where the account's own are; locks by number are of
    that schema alone, and a crash of the database's machine may undo its latest transactions."""

    def __init__(
        self, url: URL, *, connections: int, revisions: Revisions = RELEASED, schema: str | None = None
    ) -> None:
        self._url = url
        self._connections = connections
        self._revisions = revisions
        self._schema = schema
        self._settings = _SETTINGS | (
            {"search_path": schema, "synchronous_commit": "off"} if schema is not None else {}
        )
        self._lock_space = tenant_lock("schema", schema) if schema is not None else 0
        self._pool: asyncpg.Pool[Any] | None = None
        self._kept: KeptConnections | None = None

    async def start(self) -> None:
        if (await self.standing()).behind:
            from cx_context.store.migrations.run import migrate_postgres

            await migrate_postgres(self._url, self._revisions, schema=self._schema)

    async def standing(self) -> Standing:
        with _told():
            kept = await self._opened()
            async with kept.lend(_CONNECT_SECONDS) as driver:
                try:
                    revision = await driver.fetchval(SELECT_REVISION)
                except asyncpg.UndefinedTableError:
                    revision = None
                if self._revisions.knows(revision):
                    return self._revisions.standing(revision)
                try:
                    least = await driver.fetchval(SELECT_LEAST)
                except asyncpg.UndefinedTableError:
                    raise not_ours(revision) from None
        return self._revisions.standing(revision, least)

    async def stop(self) -> None:
        pool, kept, self._pool, self._kept = self._pool, self._kept, None, None
        if kept is not None:
            await kept.give_back()
        if pool is not None and await close_within(pool.close(), _CLOSE_SECONDS) is not None:
            pool.terminate()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        with _told():
            kept = await self._opened()
            async with kept.lend(_CONNECT_SECONDS) as driver, driver.transaction():
                tx = PostgresTx(driver, self._lock_space)
                try:
                    yield tx
                    await tx.settled()
                finally:
                    await tx.abandoned()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        with _told():
            kept = await self._opened()
            async with (
                kept.lend(_CONNECT_SECONDS) as driver,
                driver.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield PostgresTx(driver, self._lock_space)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Tx]:
        with _told():
            kept = await self._opened()
            async with kept.lend(_CONNECT_SECONDS) as driver:
                yield PostgresTx(driver, self._lock_space)

    def exchanging(self) -> AbstractAsyncContextManager[Tx]:
        return self.writing()

    def in_schema(self, schema: str) -> PostgresStore:
        """Return a store in another schema of the same database. The schema need not be there yet."""
        return PostgresStore(self._url, connections=self._connections, revisions=self._revisions, schema=schema)

    async def connect(self) -> asyncpg.Connection[Any]:
        """Return a connection of its own, which the caller closes."""
        return await asyncpg.connect(self._dsn(), timeout=_CONNECT_SECONDS, server_settings=self._settings)

    def _dsn(self) -> str:
        """As libpq writes it: what SQLAlchemy calls ``ssl`` is ``sslmode`` there."""
        query = {"sslmode" if name == "ssl" else name: value for name, value in self._url.query.items()}
        return self._url.set(drivername="postgresql", query=query).render_as_string(hide_password=False)

    async def _opened(self) -> KeptConnections:
        """Opens no connection: the pool does when one is asked for."""
        if self._pool is None or self._kept is None:
            self._pool = asyncpg.create_pool(
                self._dsn(),
                min_size=0,
                max_size=self._connections,
                timeout=_CONNECT_SECONDS,
                command_timeout=_STATEMENT_SECONDS,
                server_settings=self._settings,
                reset=_as_it_is,
            )
            self._kept = KeptConnections(self._pool, most=_MOST_KEPT)
        kept = self._kept
        await self._pool
        return kept


@contextmanager
def _told() -> Iterator[None]:
    """A driver's trouble as what it means for who asked."""
    try:
        with guard_cancellation("a connection to the store"):
            yield
    except TROUBLES as error:
        raise unavailable(error) from error


async def _as_it_is(_connection: object) -> None:
    """Our statements leave no settings, cursors or locks behind, and the pool itself ends open transactions: a RESET
    for each loan would cost a round trip for nothing."""
