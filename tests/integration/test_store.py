"""A store's transactions: whatever becomes of who holds one, the next one is whole, and committed when it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cx_context.store import Store, open_store
from cx_events.errors import TryLater


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


async def write(store: Store, worker: str) -> None:
    async with store.writing() as tx:
        await tx.execute("INSERT INTO workers (id, seen_until) VALUES (:worker, 0)", worker=worker)


async def workers(store: Store) -> set[str]:
    async with store.reading() as tx:
        return {row[0] for row in await tx.fetch("SELECT id FROM workers")}


async def read(store: Store) -> None:
    await workers(store)


async def cancelled_after(seconds: float, store: Store, worker: str) -> None:
    """A reader and a writer, cancelled wherever they are by then."""
    tasks = [asyncio.create_task(write(store, worker)), asyncio.create_task(read(store))]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_is_cancelled_at_any_moment_leaves_no_transaction_open_for_the_next(
    store: Store, store_url: str
) -> None:
    other = open_store(store_url)
    for step in range(150):
        await cancelled_after(step * 2e-5, store, f"cancelled-{step}")
        await write(store, f"whole-{step}")
        assert f"whole-{step}" in await workers(other), f"what was committed after step {step} is not there"
    assert await workers(store) == await workers(other)
    await other.stop()


async def test_what_fails_amid_a_transaction_undoes_all_of_it_and_nothing_else(store: Store) -> None:
    await write(store, "before")
    with pytest.raises(TryLater):
        async with store.writing() as tx:
            await tx.execute("INSERT INTO workers (id, seen_until) VALUES (:worker, 0)", worker="undone")
            await tx.execute("INSERT INTO workers (id, seen_until) VALUES (:worker, 0)", worker="before")
    await write(store, "after")
    assert await workers(store) == {"before", "after"}
