"""A projector whose own tasks end does not go on without them, and does not end quietly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from tests.patience import PATIENCE
from tests.projection import TENANTS

from cx_context.store import Store
from cx_events.log.sqlite import SqliteLog
from cx_projectors.consumer import Consumer
from cx_projectors.relay import Relay
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import Ended


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("part", ["the renewal of leases", "the reports of progress"])
async def test_a_projector_that_lost_a_task_fails(log: SqliteLog, store: Store, part: str) -> None:
    health, metrics = Health(), Metrics()
    health.expect("projector-0")
    worker = Consumer(store, log, TENANTS, "projector-0", metrics, health)
    running = asyncio.create_task(worker.run())
    await until(lambda: b'cx_projector_lag_events{partition="0",topic="cx.interactions"} 0.0' in metrics.render()[0])
    await until(lambda: "projector-0" in health.ages())
    assert (await health.ready()).ok
    next(task for task in asyncio.all_tasks() if task.get_name() == part).cancel()
    with pytest.raises(Ended, match=part):
        await running
    assert not (await health.ready()).ok
    said = metrics.render()[0]
    assert b"cx_projector_lag_events{" not in said
    assert b"cx_projector_lag_seconds{" not in said


async def test_a_projector_told_to_stop_is_not_missed(log: SqliteLog, store: Store) -> None:
    health = Health()
    worker = Consumer(store, log, TENANTS, "projector-0", Metrics(), health)
    running = asyncio.create_task(worker.run())
    await until(lambda: "projector-0" in health.ages())
    worker.stop()
    await running
    assert (await health.ready()).ok


async def test_a_stopped_relay_reports_no_count(log: SqliteLog, store: Store) -> None:
    health, metrics = Health(), Metrics()
    running = asyncio.create_task(Relay(store, log, metrics, health).run())
    await until(lambda: b"\ncx_relay_waiting 0.0" in metrics.render()[0])
    running.cancel()
    await asyncio.wait([running])
    assert b"\ncx_relay_waiting " not in metrics.render()[0]
    assert not (await health.ready()).ok
