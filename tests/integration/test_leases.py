"""Test who applies what: partitions are shared out, taken over from the dead, and no one applies what another does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.patience import PATIENCE
from tests.projection import TENANTS, ids_of

from cx_context.store import Store, leases, offsets, open_store
from cx_context.store.events import read_event_keys
from cx_context.store.leases import Fenced, Lease
from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord, Partition, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, an_event
from cx_hub import stack
from cx_projectors.consumer import Consumer, ConsumerLimits
from cx_projectors.records import read_batch
from cx_projectors.retrying_applier import RetryingApplier
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

pytestmark = pytest.mark.clock

LONG, SHORT = 600.0, 0.05
"""Leases in seconds: one that never runs out here, and one that soon does."""

Owned = dict[Partition, Lease]


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


async def announce(store: Store, partitions: int, *topics: str) -> None:
    async with store.writing() as tx:
        await offsets.announce(tx, [Partition(topic, number) for topic in topics for number in range(partitions)])


async def take(store: Store, worker: str, seconds: float = LONG) -> Owned:
    async with store.writing() as tx:
        return await leases.take(tx, worker, seconds)


async def leave(store: Store, worker: str) -> None:
    async with store.writing() as tx:
        await leases.leave(tx, worker)


async def shares(store: Store, workers: int) -> list[Owned]:
    """What each worker owns once all have taken twice: to give up, and to take what others gave up."""
    names = [f"worker-{number}" for number in range(workers)]
    for _ in range(2):
        owned = [await take(store, name) for name in names]
    return owned


def message(number: int) -> StampedEvent:
    return an_event(id=f"m-{number}", email="ana@example.com", interaction="chat-1", at=START + number * SECOND)


def records(count: int) -> list[LogRecord]:
    return [LogRecord(INTERACTIONS, 0, number, message(number).key, message(number).raw, 0) for number in range(count)]


async def stored(store: Store) -> int:
    async with store.reading() as tx:
        return len(await read_event_keys(tx))


async def position(store: Store) -> int:
    async with store.reading() as tx:
        return (await offsets.progress(tx))[Partition(INTERACTIONS, 0)][0]


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
async def test_every_worker_has_a_fair_share_of_every_topic(store: Store, workers: int) -> None:
    await announce(store, 8, INTERACTIONS, DEAD_LETTERS)
    owned = await shares(store, workers)
    taken = Counter(partition for each in owned for partition in each)
    assert len(taken) == 16
    assert set(taken.values()) == {1}
    for topic in (INTERACTIONS, DEAD_LETTERS):
        counts = [sum(partition.topic == topic for partition in each) for each in owned]
        assert max(counts) <= -(-8 // workers), counts
        assert min(counts) > 0, counts


async def test_a_second_worker_gets_half_of_the_leases(store: Store) -> None:
    await announce(store, 4, INTERACTIONS)
    before = await take(store, "first")
    assert len(before) == 4
    assert await take(store, "second") == {}
    kept = await take(store, "first")
    assert len(kept) == 2
    assert all(before[partition] == held for partition, held in kept.items()), "what is kept keeps its epoch"
    assert (await take(store, "second")).keys() == before.keys() - kept.keys()


async def test_taking_again_changes_no_epoch(store: Store) -> None:
    await announce(store, 4, INTERACTIONS)
    assert await take(store, "worker") == await take(store, "worker")


@pytest.mark.postgres
async def test_renewal_waits_for_no_other_workers_batch(postgres_store: str) -> None:
    store = open_store(postgres_store)
    await store.start()
    await announce(store, 4, INTERACTIONS)
    await take(store, "one")
    await take(store, "two")
    mine, theirs = await take(store, "one"), await take(store, "two")
    async with store.writing() as tx:
        await leases.hold(tx, "two", theirs)
        async with asyncio.timeout(PATIENCE):
            assert await take(store, "one") == mine
    await store.stop()


async def test_a_dead_workers_partitions_are_taken_after_its_lease(store: Store) -> None:
    await announce(store, 4, INTERACTIONS)
    dead = await take(store, "dead", LONG)
    assert await take(store, "heir") == {}
    await take(store, "dead", SHORT)
    await asyncio.sleep(2 * SHORT)
    inherited = await take(store, "heir")
    assert inherited.keys() == dead.keys()
    assert all(inherited[partition].epoch > dead[partition].epoch for partition in dead)


async def test_a_leaving_worker_hands_over_at_once(store: Store) -> None:
    await announce(store, 4, INTERACTIONS)
    left = await take(store, "leaver")
    await leave(store, "leaver")
    taken = await take(store, "heir")
    assert taken.keys() == left.keys()
    assert all(taken[partition].epoch > left[partition].epoch for partition in left)


async def test_nothing_that_a_zombie_writes_stays(store: Store) -> None:
    await announce(store, 1, INTERACTIONS)
    zombie, heir = RetryingApplier(store, "zombie", TENANTS), RetryingApplier(store, "heir", TENANTS)
    batch = read_batch(records(3), ids_of)
    old = await take(store, "zombie", SHORT)
    await asyncio.sleep(2 * SHORT)
    new = await take(store, "heir")
    with pytest.raises(Fenced):
        await zombie.apply(batch, old)
    assert (await stored(store), await position(store)) == (0, 0)
    assert (await heir.apply(batch, new)).new == 3
    with pytest.raises(Fenced):
        await zombie.apply(batch, old)
    assert (await stored(store), await position(store)) == (3, 3)


async def test_a_batch_read_at_another_offset_is_fenced(store: Store) -> None:
    await announce(store, 1, INTERACTIONS)
    applier = RetryingApplier(store, "worker", TENANTS)
    owned = await take(store, "worker")
    await applier.apply(read_batch(records(2), ids_of), owned)
    with pytest.raises(Fenced):
        await applier.apply(read_batch(records(3), ids_of), owned)
    assert (await stored(store), await position(store)) == (2, 2)


async def test_a_batch_under_an_expiring_lease_finishes_before_takeover(
    store: Store,
) -> None:
    await announce(store, 1, INTERACTIONS)
    slow = await take(store, "slow", SHORT)
    partition = Partition(INTERACTIONS, 0)
    async with store.writing() as tx:
        await leases.hold(tx, "slow", slow)
        await asyncio.sleep(2 * SHORT)
        taking = asyncio.create_task(take(store, "heir"))
        await asyncio.sleep(2 * SHORT)
        assert not taking.done()
        await offsets.advance(tx, {partition: 7})
    assert await taking == {partition: Lease(7, slow[partition].epoch + 1)}


@asynccontextmanager
async def running(store: Store, log: SqliteLog, health: Health, name: str = "worker") -> AsyncIterator[Consumer]:
    """A worker at work, asked to stop in the end."""
    worker = Consumer(store, log, TENANTS, name, Metrics(), health, ConsumerLimits(events=10, lease=0.5))
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await check():
            await asyncio.sleep(0.02)


async def append(log: SqliteLog, numbers: range) -> None:
    await log.append([Record(INTERACTIONS, message(number).key, message(number).raw) for number in numbers])


async def test_a_worker_applies_old_and_new_records(store: Store, sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 4)
    await log.start()

    async def applied(count: int) -> bool:
        return await stored(store) == count

    await append(log, range(25))
    async with running(store, log, Health()) as worker:
        await until(lambda: applied(25))
        await append(log, range(20, 40))
        await until(lambda: applied(40))
    assert worker.applied == 40
    async with store.reading() as tx:
        assert {owner for _, owner, _ in (await offsets.progress(tx)).values()} == {""}, "a graceful stop gives all up"
    await log.stop()


@pytest.mark.parametrize(("a_batch", "behind"), [(39, True), (40, False)])
async def test_a_worker_is_behind_by_the_records_that_wait(
    store: Store, sqlite_log_path: Path, a_batch: int, behind: bool
) -> None:
    """By their number, not by their age: that is told by another machine's clock."""
    log = SqliteLog(sqlite_log_path, 4)
    await log.start()
    worker = Consumer(store, log, TENANTS, "worker", Metrics(), Health(), ConsumerLimits(events=a_batch))
    await worker._take_partitions()
    await append(log, range(40))
    await worker._reports._measure_lag()
    assert worker.is_behind is behind
    await log.stop()


async def test_workers_that_come_and_go_apply_every_event_once(store: Store, sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 4)
    await log.start()
    people = [
        an_event(id=f"m-{n}", email=f"person{n % 9}@example.com", interaction=f"chat-{n % 9}", at=START + n * SECOND)
        for n in range(120)
    ]

    async def applied(count: int) -> bool:
        return await stored(store) >= count

    health = Health()
    async with running(store, log, health, "first") as first:
        await log.append([Record(INTERACTIONS, each.key, each.raw) for each in people[:40]])
        async with running(store, log, health, "second") as second:
            await log.append([Record(INTERACTIONS, each.key, each.raw) for each in people[40:80]])
            await until(lambda: applied(80))
        await log.append([Record(INTERACTIONS, each.key, each.raw) for each in people[80:]])
        await until(lambda: applied(120))
    assert first.applied + second.applied == 120
    await log.stop()


@pytest.mark.postgres
@pytest.mark.fault
async def test_a_worker_waits_for_its_store_and_then_continues(
    breakable_home: Path, breakable_database: str, sqlite_log_path: Path
) -> None:
    log = SqliteLog(sqlite_log_path, 4)
    await log.start()
    await append(log, range(10))
    store = open_store(breakable_database)
    await store.start()
    now = 0.0
    health = Health(lambda: now)

    async def applied(count: int) -> bool:
        return await stored(store) == count

    async def ready() -> bool:
        return (await health.ready()).ok

    async with running(store, log, health):
        await until(lambda: applied(10))
        assert await ready()
        stack.kill(breakable_home, "postgres")
        await append(log, range(10, 30))
        now += 60.0

        async def waits() -> bool:
            report = await health.ready()
            return not report.ok and report.parts["worker"].why.startswith("it waits for store: ")

        await until(waits)  # what was under way has ended by then, and the worker has met what is wrong
        stack.start(breakable_home, {"postgres"})
        await until(lambda: applied(30))
        await until(ready)
    await store.stop()
    await log.stop()
