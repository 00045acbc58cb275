"""Tables that lack what a statement names: told with what to do, while nobody ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.patience import PATIENCE
from tests.projection import TENANTS

from cx_context.store import Store, open_store
from cx_context.store.port import TablesDiffer
from cx_context.store.table_check import check_tables
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import an_event
from cx_projectors.consumer import Consumer
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

pytestmark = pytest.mark.clock


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", 1)
    await log.start()
    yield log
    await log.stop()


async def rename(store: Store, table: str, old: str, new: str) -> None:
    async with store.writing() as tx:
        await tx.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("statement", ["SELECT absent FROM parts", "SELECT body FROM nowhere"])
async def test_what_is_missing_is_told_with_what_to_do(store: Store, statement: str) -> None:
    with pytest.raises(TablesDiffer, match=r"(absent|nowhere).*cx migrate"):
        async with store.reading() as tx:
            await tx.fetch(statement)


async def test_a_column_missing_for_a_write_is_told(store: Store) -> None:
    with pytest.raises(TablesDiffer, match="absent"):
        async with store.writing() as tx:
            await tx.execute("INSERT INTO workers (id, absent) VALUES ('a', 1)")


async def test_the_check_names_what_the_tables_lack(store: Store) -> None:
    async with store.reading() as tx:
        await check_tables(tx)
    await rename(store, "parts", "body", "content")
    with pytest.raises(TablesDiffer, match=r"there is no parts\.body:.*cx migrate"):
        async with store.reading() as tx:
            await check_tables(tx)


async def test_a_projector_waits_for_its_tables_and_goes_on(store: Store, log: SqliteLog) -> None:
    health = Health()
    health.expect("projector-0")
    worker = Consumer(store, log, TENANTS, "projector-0", Metrics(), health)
    running = asyncio.create_task(worker.run())

    async def append(id: str) -> None:
        event = an_event(id=id, email="ana@example.com", interaction="chat-1", text="Hello")
        await log.append([Record(INTERACTIONS, event.key, event.raw)])

    async def applied(count: int) -> bool:
        return worker.applied == count

    async def told() -> bool:
        part = (await health.ready()).parts["projector-0"]
        return not part.ok and "cx migrate" in part.why

    async def ready() -> bool:
        return (await health.ready()).ok

    await append("m-1")
    await until(lambda: applied(1))
    await rename(store, "parts", "body", "content")
    await append("m-2")
    await until(told)
    assert not running.done()
    await rename(store, "parts", "content", "body")
    await until(lambda: applied(2))
    await until(ready)
    async with store.reading() as tx:
        assert await tx.fetch("SELECT 1 FROM dead_letters") == []
    worker.stop()
    await running
