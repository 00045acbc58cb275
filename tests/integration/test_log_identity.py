"""A log that was truncated, made anew or restored is told apart from one that a store is behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.hubs_moved import blobs_in, contexts, events, happen, letter, started
from tests.patience import PATIENCE
from tests.projection import TENANTS

from cx_context.store import Store, offsets, open_store
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, Partition, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import an_event
from cx_projectors.consumer import Consumer, ConsumerLimits
from cx_projectors.log_identity import LogDiffers, check_same_log
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

pytestmark = pytest.mark.clock

NewLog = Callable[[str], Log]


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def new_log(request: pytest.FixtureRequest, tmp_path: Path) -> NewLog:
    """Make a log, by a name of the test's own; each has one partition, so that offsets are known."""
    if request.param == "sqlite":
        return lambda name: SqliteLog(tmp_path / f"{name}.db", 1)
    make: Callable[..., KafkaLog] = request.getfixturevalue("kafka_log")

    def on_kafka(name: str) -> Log:
        log = make(partitions=1)
        log.prefix += f"{name}."
        return log

    return on_kafka


async def told(log: Log, folder: Path) -> None:
    await happen(log, await blobs_in(folder / "blobs"), each=3)


async def positions(store: Store) -> dict[Partition, int]:
    async with store.reading() as tx:
        return await offsets.applied(tx)


@asynccontextmanager
async def consumer(store: Store, log: Log) -> AsyncIterator[Health]:
    health = Health()
    worker = Consumer(store, log, TENANTS, "worker", Metrics(), health, ConsumerLimits(lease=1.0))
    task = asyncio.create_task(worker.run())
    try:
        yield health
    finally:
        worker.stop()
        await task


async def reason(health: Health) -> str:
    """What readiness says of the worker, once it says anything."""
    async with asyncio.timeout(PATIENCE):
        while True:
            report = await health.ready()
            if not report.ok and report.parts["worker"].why.startswith("it waits for"):
                return report.parts["worker"].why
            await asyncio.sleep(0.05)


async def is_level(store: Store, log: Log) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await positions(store))[Partition(INTERACTIONS, 0)] < (await log.end_offsets(INTERACTIONS))[0]:
            await asyncio.sleep(0.05)


async def test_another_log_stops_projectors_until_it_is_exchanged(
    new_log: NewLog, store_url: str, tmp_path: Path
) -> None:
    store = open_store(store_url)
    async with started(new_log("right")) as right, started(new_log("wrong")) as wrong:
        await told(right, tmp_path)
        await contexts(right, store_url)
        before = await positions(store)
        await wrong.append([letter(f"l-{n}") for n in range(9)])
        async with consumer(store, wrong) as health:
            assert "ends at 0, and" in await reason(health)
            assert "docs/operators.md" in await reason(health)
            # It grows beyond what was applied from the other one: nothing tells but the records themselves.
            others = [an_event(id=f"other-{n}", email="eve@example.com") for n in range(40)]
            await wrong.append([Record(INTERACTIONS, each.key, each.raw) for each in others])
            async with asyncio.timeout(PATIENCE):
                while "has another record at" not in await reason(health):
                    await asyncio.sleep(0.05)
        assert await positions(store) == before
        more = events("", each=5)
        await right.append([Record(INTERACTIONS, each.key, each.raw) for each in more])
        async with consumer(store, right) as health:
            await is_level(store, right)
            async with asyncio.timeout(PATIENCE):
                while not (await health.ready()).ok:
                    await asyncio.sleep(0.05)
        await contexts(right, store_url)
    await store.stop()


@pytest.mark.parametrize(
    "last",
    [
        Record(INTERACTIONS, b"k", b"\x00 no event"),
        Record(INTERACTIONS, b"k", an_event(id="wrong-key").raw),
        Record(INTERACTIONS, b"k", an_event(id="of-nobody", ids=IdSpace("nobody", b"a key of nobody at all")).raw),
    ],
    ids=["no event", "wrong key", "unknown tenant"],
)
async def test_what_is_no_event_is_known_again(last: Record, store_url: str, tmp_path: Path) -> None:
    store = open_store(store_url)
    async with started(SqliteLog(tmp_path / "log.db", 1)) as log:
        await told(log, tmp_path)
        await log.append([last])
        await contexts(log, store_url)
        await check_same_log(store, log, await positions(store))
        shorter = {Partition(INTERACTIONS, 0): (await log.end_offsets(INTERACTIONS))[0] + 1}
        with pytest.raises(LogDiffers, match="was truncated"):
            await check_same_log(store, log, shorter)
    await store.stop()
