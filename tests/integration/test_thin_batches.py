"""Events that come one by one are applied one by one where there is time to spare, and together where there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from tests.patience import PATIENCE
from tests.projection import TENANTS

from cx_context.store import Store
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import an_event
from cx_projectors import consumer
from cx_projectors.consumer import Consumer
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.thread_load import ThreadLoad

pytestmark = pytest.mark.clock

EVENTS = 6
GAP_SECONDS = 2.0


class Batches:
    """A consumer whose batches are counted."""

    def __init__(self, log: SqliteLog, store: Store, load: ThreadLoad) -> None:
        self.done = 0
        self._log = log
        self.worker = Consumer(store, log, TENANTS, "worker", Metrics(), Health(), changed=self._count, load=load)

    def _count(self) -> None:
        self.done += 1

    async def send(self, number: int) -> None:
        stamped = an_event(id=f"e-{number}")
        await self._log.append([Record(INTERACTIONS, stamped.key, stamped.raw)])

    async def until_applied(self, events: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.worker.applied < events:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def running(batches: Batches) -> AsyncIterator[None]:
    task = asyncio.create_task(batches.worker.run())
    try:
        yield
    finally:
        batches.worker.stop()
        await task


def busy() -> ThreadLoad:
    """A thread that worked for each second that passed between two looks."""
    passed, worked = count(), count()
    load = ThreadLoad(lambda: float(next(passed)), lambda: float(next(worked)))
    assert load.share == 0.0
    return load


async def test_a_busy_process_applies_single_events_together(
    log: SqliteLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "LONGEST_GAP", GAP_SECONDS)
    batches = Batches(log, store, busy())
    async with running(batches):
        await batches.send(0)
        await batches.until_applied(1)
        for number in range(1, EVENTS):
            await batches.send(number)
        await batches.until_applied(EVENTS)
    assert batches.done == 2


async def test_an_idle_process_applies_each_as_it_comes(log: SqliteLog, store: Store) -> None:
    batches = Batches(log, store, ThreadLoad(time.monotonic, lambda: 0.0))
    async with running(batches):
        for number in range(EVENTS):
            await batches.send(number)
            await batches.until_applied(number + 1)
    assert batches.done == EVENTS


async def test_a_busy_process_stops_without_waiting_for_more(
    log: SqliteLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "LONGEST_GAP", 10 * PATIENCE)
    batches = Batches(log, store, busy())
    async with asyncio.timeout(PATIENCE), running(batches):
        await batches.send(0)
        await batches.until_applied(1)
