"""Connections that are kept at hand are as good as the pool's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.patience import PATIENCE

from cx_events.pooled_connections import KeptConnections

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def keeping(url: str, most: int) -> AsyncIterator[tuple[asyncpg.Pool[Any], KeptConnections]]:
    async with asyncpg.create_pool(url.replace("+asyncpg", ""), min_size=0, max_size=2) as pool:
        kept = KeptConnections(pool, most=most)
        yield pool, kept
        await kept.give_back()


async def backend(kept: KeptConnections) -> int:
    async with kept.lend(PATIENCE) as driver:
        found: int = await driver.fetchval("SELECT pg_backend_pid()")
        return found


async def test_a_connection_is_kept_until_it_is_given_back(postgres_database: str) -> None:
    async with keeping(postgres_database, 1) as (pool, kept):
        first = await backend(kept)
        assert pool.get_idle_size() == 0
        assert await backend(kept) == first
        await kept.give_back()
        assert pool.get_idle_size() == 1
        assert await backend(kept) == first
        assert pool.get_idle_size() == 1


async def test_what_failed_goes_back_to_the_pool(postgres_database: str) -> None:
    async with keeping(postgres_database, 2) as (pool, kept):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with kept.lend(PATIENCE) as driver:
                await driver.execute("BEGIN")
                await driver.execute("SELECT 1 / 0")
        assert pool.get_idle_size() == 1
        async with kept.lend(PATIENCE) as driver:
            assert not driver.is_in_transaction()
            await driver.execute("BEGIN")
        async with kept.lend(PATIENCE) as driver:
            assert not driver.is_in_transaction()


async def test_a_connection_that_ended_meanwhile_is_not_lent(postgres_database: str) -> None:
    async with keeping(postgres_database, 2) as (pool, kept):
        first = await backend(kept)
        async with pool.acquire() as other:
            await other.execute("SELECT pg_terminate_backend($1)", first)
        async with asyncio.timeout(PATIENCE):
            while pool.get_size() > 1:
                await asyncio.sleep(0.01)
        assert await backend(kept) != first


async def test_whoever_waits_for_the_pool_gets_the_next(postgres_database: str) -> None:
    async with keeping(postgres_database, 2) as (_, kept):
        found = await asyncio.gather(*(backend(kept) for _ in range(20)))
        assert len(found) == 20
        assert len(set(found)) <= 2
