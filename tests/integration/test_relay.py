"""The relay announces what batches left, and costs the workers little while they are behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from tests.patience import PATIENCE
from tests.stores import sqlite_store

from cx_context.store import Store, open_store, outbox
from cx_context.store.sql import Tx
from cx_events.log import CONTEXT_CHANGES
from cx_events.log.sqlite import SqliteLog
from cx_projectors import relay as relays
from cx_projectors.relay import Relay
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

pytestmark = pytest.mark.clock

CUSTOMERS = [number.to_bytes(16, "big") for number in range(1, 61)]
"""More than rows at once, in one row."""


class Hub:
    """A log, a store and a relay whose workers are behind or not."""

    def __init__(self, log: SqliteLog, store: Store) -> None:
        self.log = log
        self.store = store
        self.is_behind = True
        self.relay = Relay(store, log, Metrics(), Health(), lambda: self.is_behind)

    async def leave(self) -> None:
        """Leave what a batch does that changed all customers."""
        async with self.store.writing() as tx:
            await outbox.write(tx, "acme", CUSTOMERS, {})
        self.relay.wake()
        await asyncio.sleep(0.1)  # so that a relay that does not rest has time to take it

    async def waiting(self) -> int:
        async with self.store.reading() as tx:
            return await outbox.waiting(tx)

    async def until_announced(self) -> int:
        """Wait until nothing is left; return how many notifications lie on the log."""
        async with asyncio.timeout(PATIENCE):
            while await self.waiting():
                await asyncio.sleep(0.02)
        return sum((await self.log.end_offsets(CONTEXT_CHANGES)).values())


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    log, store = SqliteLog(tmp_path / "log.db", 2), open_store(sqlite_store(tmp_path))
    await log.start()
    await store.start()
    yield Hub(log, store)
    await store.stop()
    await log.stop()


@pytest.fixture
def long_rests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(relays, "RESTS_BEHIND", 1_000_000)
    yield


@asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[None]:
    task = asyncio.create_task(hub.relay.run())
    yield
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.usefixtures("long_rests")
async def test_a_customer_is_announced_once_while_workers_lag(hub: Hub) -> None:
    await hub.leave()
    async with running(hub):
        assert await hub.until_announced() == len(CUSTOMERS)
        for _ in range(4):
            await hub.leave()
        hub.is_behind = False
        assert await hub.until_announced() == 2 * len(CUSTOMERS)


async def test_a_lasting_lag_does_not_stop_announcements(hub: Hub) -> None:
    async with running(hub):
        for _ in range(2):
            await hub.leave()
            await hub.until_announced()
    assert hub.is_behind


class Watched:
    """A store that counts the transactions in which somebody may write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.written = 0
        self.asked = asyncio.Event()

    def writing(self) -> AbstractAsyncContextManager[Tx]:
        self.written += 1
        return self._store.writing()

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Tx]:
        async with self._store.asking() as tx:
            yield tx
        self.asked.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_an_idle_relay_writes_nothing_and_misses_nothing(hub: Hub) -> None:
    watched = Watched(hub.store)
    hub.relay._store = cast(Store, watched)
    hub.is_behind = False
    async with running(hub):
        for _ in range(3):
            watched.asked.clear()
            async with asyncio.timeout(PATIENCE):
                await watched.asked.wait()
        assert watched.written == 0
        async with hub.store.writing() as tx:  # as another process does, which wakes nobody here
            await outbox.write(tx, "acme", CUSTOMERS, {})
        assert await hub.until_announced() == len(CUSTOMERS)


async def test_many_customers_go_in_several_appends(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "RECORDS_AT_ONCE", 7)
    await hub.leave()
    assert await hub.relay.step() == 1
    assert await hub.until_announced() == len(CUSTOMERS)
