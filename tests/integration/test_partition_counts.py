"""A log whose topics were given more partitions is refused, and nothing of it is applied."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from tests.patience import PATIENCE
from tests.projection import TENANTS, verified, workers
from tests.stores import sqlite_store

from cx_context.store import Store, offsets, open_store
from cx_events.errors import Fatal, TryLater
from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord, Partition, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.topic_states import open_topic_place
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import an_event
from cx_projectors.consumer import Consumer, ConsumerLimits
from cx_projectors.partition_counts import check_partition_counts
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

pytestmark = pytest.mark.clock


def known(topic: str, count: int) -> list[Partition]:
    return [Partition(topic, number) for number in range(count)]


def test_equal_counts_and_an_empty_store_pass() -> None:
    check_partition_counts([], {INTERACTIONS: 8})
    check_partition_counts(known(INTERACTIONS, 8), {INTERACTIONS: 8, DEAD_LETTERS: 4})


def test_more_end_the_projector_and_fewer_wait() -> None:
    with pytest.raises(Fatal, match="8 partitions on the log, and this store was filled from 4"):
        check_partition_counts(known(INTERACTIONS, 4), {INTERACTIONS: 8})
    with pytest.raises(TryLater, match="2 partitions on the log"):
        check_partition_counts(known(INTERACTIONS, 4), {INTERACTIONS: 2})


def worker(store: Store, log: KafkaLog) -> Consumer:
    return Consumer(store, log, TENANTS, "worker", Metrics(), Health(), ConsumerLimits(events=10))


async def append(log: KafkaLog, first: int, count: int) -> None:
    events = [
        an_event(id=f"m-{n}", email=f"p{n % 7}@example.com", interaction=f"c-{n % 7}") for n in range(first, count)
    ]
    await log.append([Record(INTERACTIONS, each.key, each.raw) for each in events])


async def positions(store: Store) -> dict[Partition, int]:
    async with store.reading() as tx:
        return {each: at for each, at in (await offsets.applied(tx)).items() if each.topic == INTERACTIONS}


@pytest.mark.kafka
async def test_events_in_a_wrong_partition_are_told(
    kafka_log: Callable[..., KafkaLog], tmp_path: Path, log_stream: io.StringIO
) -> None:
    store, log = open_store(sqlite_store(tmp_path)), kafka_log(partitions=2)
    await store.start()
    await log.start()
    try:
        await append(log, 0, 10)
        own = an_event(id="own", email="ana@example.com")
        (place,) = await log.append([Record(INTERACTIONS, own.key, own.raw)])
        stray = an_event(id="stray", email="ana@example.com")
        await produce(log, 1 - place.partition, stray)
        ends = await log.end_offsets(INTERACTIONS)
        projector = worker(store, log)
        at_work = asyncio.create_task(projector.run())
        async with asyncio.timeout(PATIENCE):
            while projector.applied < 12:
                await asyncio.sleep(0.05)
        projector.stop()
        await at_work
    finally:
        await store.stop()
    (told,) = [line for line in map(json.loads, log_stream.getvalue().splitlines()) if "cx verify" in line["event"]]
    wrong = 1 - place.partition
    assert (told["events"], told["first"]) == (1, f"{INTERACTIONS}/{wrong}/{ends[wrong] - 1}")


async def test_verify_names_what_two_writers_did(tmp_path: Path) -> None:
    store = open_store(sqlite_store(tmp_path))
    await store.start()
    try:
        logs: list[list[LogRecord]] = [[], []]
        for number in range(12):
            event = an_event(id=f"m-{number}", email="ana@example.com", interaction="chat-1", text=f"word {number}")
            own = logs[number % 2]
            own.append(LogRecord(INTERACTIONS, number % 2, len(own), event.key, event.raw, 0))
        two = await workers(store, logs, 2)
        while any(each.behind for each in two):
            for each in two:
                await each.step(1)
        wrong = (await verified(store, logs)).wrong
    finally:
        await store.stop()
    assert any("differs from the definition" in str(each) for each in wrong), wrong


async def produce(log: KafkaLog, partition: int, event: StampedEvent) -> None:
    """Write an event into a partition, as a client does that knows nothing of the hub."""
    producer = AIOKafkaProducer(bootstrap_servers=log.servers)
    await producer.start()
    try:
        topic = log.prefix + INTERACTIONS
        await producer.send_and_wait(topic, key=event.key, value=event.raw, partition=partition)
    finally:
        await producer.stop()


@pytest.mark.kafka
async def test_partitions_added_by_hand_are_refused_at_start(
    kafka_url: str, kafka_log: Callable[..., KafkaLog], store_url: str
) -> None:
    store, log = open_store(store_url), kafka_log(partitions=2)
    await store.start()
    await log.start()
    try:
        await append(log, 0, 30)
        first = worker(store, log)
        at_work = asyncio.create_task(first.run())
        async with asyncio.timeout(PATIENCE):
            while first.applied < 30:
                await asyncio.sleep(0.05)
        before = await positions(store)
        await open_topic_place(kafka_url, log.prefix).grow(INTERACTIONS, 4)
        later = kafka_log(partitions=2)
        async with asyncio.timeout(PATIENCE):
            await later.start()
            while await later.partitions(INTERACTIONS) < 4:
                await asyncio.sleep(0.1)
        first.stop()
        await at_work
        with pytest.raises(Fatal, match="4 partitions on the log, and this store was filled from 2"):
            await worker(store, later).run()
        assert await positions(store) == before
        assert sum(before.values()) == 30
    finally:
        await store.stop()
