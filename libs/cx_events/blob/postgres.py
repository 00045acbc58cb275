"""Keep blobs in the PostgreSQL table ``cx_blobs``, which is created where it is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cx_events.blob.port import blob_name, checked_content, digest_of
from cx_events.cancellation import close_within, guard_cancellation
from cx_events.errors import Fatal, TryLater
from cx_events.pooled_connections import acquire_connection

_SECONDS = 2.2
_BYTES_PER_SECOND = 8 << 20
"""A put may take a second longer for each of these."""

# Concurrent creators fail in PostgreSQL's catalogue despite IF NOT EXISTS, so they take turns.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('cx_blobs'))"
_TABLE = """
    CREATE TABLE IF NOT EXISTS cx_blobs (
        tenant text NOT NULL,
        digest bytea NOT NULL,
        content bytea NOT NULL,
        stored timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, digest)
    )"""
_THERE = "SELECT to_regclass('cx_blobs') IS NOT NULL"
_PUT = """
    INSERT INTO cx_blobs (tenant, digest, content) VALUES ($1, $2, $3)
    ON CONFLICT (tenant, digest) DO UPDATE SET content = excluded.content WHERE cx_blobs.content <> excluded.content"""
_GET = "SELECT content FROM cx_blobs WHERE tenant = $1 AND digest = $2"


class PostgresBlobs:
    """Blobs in a database. ``url``: ``postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE``."""

    def __init__(self, url: str) -> None:
        self._dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def start(self) -> None:
        if self._pool is not None:
            return
        async with _answering(_SECONDS):
            pool = await asyncpg.create_pool(
                self._dsn, min_size=0, max_size=8, timeout=_SECONDS, server_settings={"synchronous_commit": "on"}
            )
            try:
                async with acquire_connection(pool, _SECONDS) as connection:
                    if not await connection.fetchval(_THERE):
                        async with connection.transaction():
                            await connection.execute(_LOCK)
                            await connection.execute(_TABLE)
            except BaseException:
                pool.terminate()
                raise
            self._pool = pool

    async def stop(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None and await close_within(pool.close(), _SECONDS) is not None:
            pool.terminate()

    async def put(self, tenant: str, content: bytes) -> str:
        name = blob_name(content)
        seconds = _SECONDS + len(content) / _BYTES_PER_SECOND
        async with _answering(seconds), acquire_connection(self._started(), seconds) as connection:
            await connection.execute(_PUT, tenant, bytes.fromhex(digest_of(name)), content)
        return name

    async def get(self, tenant: str, name: str) -> bytes | None:
        digest = bytes.fromhex(digest_of(name))
        async with _answering(_SECONDS * 4), acquire_connection(self._started(), _SECONDS * 4) as connection:
            content = await connection.fetchval(_GET, tenant, digest)
        return None if content is None else checked_content(content, name)

    def _started(self) -> asyncpg.Pool[asyncpg.Record]:
        if self._pool is None:
            raise Fatal("the blob store is not started or already stopped")
        return self._pool


@asynccontextmanager
async def _answering(seconds: float) -> AsyncIterator[None]:
    """Raise ``TryLater`` for errors that may pass and after ``seconds``, ``Fatal`` for wrong credentials."""
    try:
        async with asyncio.timeout(seconds):
            with guard_cancellation("a connection to the blob store"):
                yield
    except TimeoutError:
        raise TryLater("blobs", f"PostgreSQL did not answer within {seconds:.1f} s") from None
    except (
        asyncpg.InvalidPasswordError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InsufficientPrivilegeError,
    ) as error:
        raise Fatal(f"the blob store can't be used: {error}") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise TryLater("blobs", f"PostgreSQL: {error or type(error).__name__}") from error
