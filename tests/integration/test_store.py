"""A store's transactions: whatever becomes of who holds one, the next one is whole, and committed when it says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import uvloop

from cx_context.store import Store, open_store, outbox
from cx_context.store.parts import add_parts, announce_interactions, change_parts
from cx_context.store.versions import raise_versions, versions_of
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


async def test_a_write_cancelled_anywhere_leaves_no_open_transaction(store: Store, store_url: str) -> None:
    other = open_store(store_url)
    for step in range(150):
        await cancelled_after(step * 2e-5, store, f"cancelled-{step}")
        await write(store, f"whole-{step}")
        assert f"whole-{step}" in await workers(other), f"what was committed after step {step} is not there"
    assert await workers(store) == await workers(other)
    await other.stop()


async def test_a_failing_transaction_is_undone_whole_and_alone(store: Store) -> None:
    await write(store, "before")
    with pytest.raises(TryLater):
        async with store.writing() as tx:
            await tx.execute("INSERT INTO workers (id, seen_until) VALUES (:worker, 0)", worker="undone")
            await tx.execute("INSERT INTO workers (id, seen_until) VALUES (:worker, 0)", worker="before")
    await write(store, "after")
    assert await workers(store) == {"before", "after"}


@pytest.mark.postgres
async def test_lending_a_connection_starts_no_task(postgres_database: str) -> None:
    """A task takes the loop as long as a short statement, and there are hundreds of loans a second."""
    store = open_store(postgres_database)
    await store.start()
    await write(store, "opens-a-connection")
    started: list[str] = []

    def starting(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        started.append(repr(work))
        return asyncio.Task(work, loop=loop, **more)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(starting)
    try:
        for number in range(5):
            await write(store, f"worker-{number}")
            await read(store)
    finally:
        loop.set_task_factory(None)
        await store.stop()
    assert started == []


ANA, BEN = b"a" * 16, b"b" * 16


async def test_rows_held_back_are_visible_to_the_next_statement(store: Store) -> None:
    async with store.writing() as tx:
        assert await announce_interactions(tx, "acme", [ANA]) == {ANA}
        await add_parts(tx, [(ANA, "acme", ANA, ANA, b"first")])
        await raise_versions(tx, {ANA: 1, BEN: 2}, 0)
        await outbox.write(tx, "acme", [ANA, BEN], {})
        await change_parts(tx, [(ANA, b"second")])
        await raise_versions(tx, {ANA: 4}, 0)
        assert await versions_of(tx, [ANA, BEN]) == {ANA: 5, BEN: 2}
        assert await announce_interactions(tx, "acme", [ANA, BEN]) == {BEN}
        await raise_versions(tx, {BEN: 1}, 0)  # and nothing asks for it any more
    async with store.reading() as tx:
        assert [bytes(row[0]) for row in await tx.fetch("SELECT body FROM parts")] == [b"second"]
        assert await versions_of(tx, [ANA, BEN]) == {ANA: 5, BEN: 3}
        assert await outbox.waiting(tx) == 1


async def test_many_rows_are_written_like_few(store: Store) -> None:
    ids = [number.to_bytes(16) for number in range(100)]
    async with store.writing() as tx:
        for some in (ids[:3], ids[:50], ids):
            new = await announce_interactions(tx, "acme", some)
            await add_parts(tx, [(id, "acme", id, id, b"old") for id in new])
            await change_parts(tx, [(id, b"new") for id in some])
            await raise_versions(tx, dict.fromkeys(some, 1), 0)
    async with store.reading() as tx:
        rows = await tx.fetch("SELECT part_id, body FROM parts ORDER BY part_id")
        assert [(bytes(part_id), bytes(body)) for part_id, body in rows] == [(id, b"new") for id in ids]
        times = [3] * 3 + [2] * 47 + [1] * 50
        assert await versions_of(tx, ids) == dict(zip(ids, times, strict=True))


async def test_duplicate_rows_are_reported_before_the_transaction_ends(store: Store) -> None:
    for rows in (1, 40):
        ids = [bytes([rows]) + number.to_bytes(15) for number in range(rows)]
        with pytest.raises(TryLater):
            async with store.writing() as tx:
                await add_parts(tx, [(id, "acme", id, id, b"") for id in ids])
                await add_parts(tx, [(id, "acme", id, id, b"") for id in ids])
    async with store.reading() as tx:
        assert await tx.fetch("SELECT part_id FROM parts") == []


@pytest.mark.postgres
def test_connections_closed_by_the_server_are_retried_and_replaced(
    postgres_database: str,
) -> None:
    """In the loop that the services run in."""
    asking, ends = 12, 60

    async def run() -> None:
        store = open_store(postgres_database)
        await store.start()
        server = await asyncpg.connect(postgres_database.replace("+asyncpg", ""))
        over = asyncio.Event()

        async def ask(number: int) -> None:
            turn = 0
            while not over.is_set():
                turn += 1
                with contextlib.suppress(TryLater):
                    await write(store, f"{number}-{turn}")
                    await read(store)
                    async with store.asking() as tx:
                        await tx.fetch("SELECT 1")

        async def end() -> None:
            for _ in range(ends):
                await asyncio.sleep(0.02)
                await server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            over.set()

        async with asyncio.TaskGroup() as everybody:
            for number in range(asking):
                everybody.create_task(ask(number))
            everybody.create_task(end())
        await write(store, "after")
        assert "after" in await workers(store)
        await server.close()
        await store.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
