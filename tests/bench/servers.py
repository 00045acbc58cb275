"""The servers under the benchmarks: those of the environment, else the stack's; a run has topics and databases of its
own in them, and leaves none behind."""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from uuid import uuid4
from zlib import crc32

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy.engine import make_url
from tests.bench.workload import PARTITIONS, Workload

from cx_events.errors import Refused
from cx_events.log import INTERACTIONS, TOPICS
from cx_events.log.kafka import KafkaLog
from cx_hub import stack
from cx_runtime.settings import Settings

_AT_ONCE = 20_000


@contextmanager
def servers(settings: Settings, needed: Collection[stack.Server] = stack.PARTS) -> Iterator[Settings]:
    """Settings whose log is a Kafka and whose store is a PostgreSQL, as far as they are needed. What had to be started
    is stopped again."""
    given = {"log_url": settings.log_url, "store_url": settings.store_url}
    if given["log_url"] and not given["log_url"].startswith("kafka://"):
        raise Refused("bad-log", f"the benchmarks need Kafka; CX_LOG_URL is {given['log_url']!r}")
    if given["store_url"] and not given["store_url"].startswith("postgresql"):
        raise Refused("bad-store", "the benchmarks need PostgreSQL, but CX_STORE_URL is none")
    missing: set[stack.Server] = set()
    if "kafka" in needed and not given["log_url"]:
        missing.add("kafka")
    if "postgres" in needed and not given["store_url"]:
        missing.add("postgres")
    if not missing:
        yield settings
        return
    before = stack.status(settings.home)
    running = stack.start(settings.home, missing)
    given["log_url"] = given["log_url"] or running.kafka_url
    given["store_url"] = given["store_url"] or running.postgres_url
    try:
        yield settings.model_copy(update=given)
    finally:
        if all(before[part].state != "running" for part in missing):
            stack.stop(settings.home)


@asynccontextmanager
async def topics(log_url: str) -> AsyncIterator[str]:
    """The prefix of empty topics, as the hub makes them; gone after the block."""
    servers, prefix = log_url.removeprefix("kafka://"), f"bench-{uuid4().hex[:8]}."
    log = KafkaLog(servers, PARTITIONS, prefix=prefix)
    try:
        await log.start()
        yield prefix
    finally:
        await log.stop()
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        try:
            await admin.delete_topics([prefix + topic for topic in TOPICS])
        finally:
            await admin.close()


async def fill(log_url: str, prefix: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Append records, laid out as the log's own ``append`` does, durable when it returns.

    Not by ``append`` itself, which gives up after seconds: a busy broker needs some for the leaders of new topics.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=log_url.removeprefix("kafka://"),
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=20,
    )
    await producer.start()
    try:
        rest = iter(records)
        while some := list(islice(rest, _AT_ONCE)):
            stored = []
            for key, value in some:
                partition = crc32(key) % PARTITIONS
                stored.append(await producer.send(prefix + INTERACTIONS, value, key, partition=partition))
            await asyncio.gather(*stored)
    finally:
        await producer.stop()


@asynccontextmanager
async def preloaded(log_url: str, workload: Workload) -> AsyncIterator[str]:
    """The prefix of topics that hold a workload."""
    async with topics(log_url) as prefix:
        await fill(log_url, prefix, workload.records)
        yield prefix


async def end_offsets(log_url: str, topic: str) -> dict[TopicPartition, int]:
    consumer = await _consumer(log_url)
    try:
        found: dict[TopicPartition, int] = await consumer.end_offsets(
            [TopicPartition(topic, number) for number in range(PARTITIONS)]
        )
        return found
    finally:
        await consumer.stop()


async def values_since(log_url: str, begin: Mapping[TopicPartition, int]) -> list[bytes]:
    """All that was appended to a topic since its ends were where ``begin`` says."""
    consumer = await _consumer(log_url)
    values: list[bytes] = []
    try:
        ends = await consumer.end_offsets(list(begin))
        consumer.assign(list(begin))
        for partition, offset in begin.items():
            consumer.seek(partition, offset)
        missing = sum(ends.values()) - sum(begin.values())
        while len(values) < missing:
            found = await consumer.getmany(timeout_ms=1000, max_records=10_000)
            values += [record.value or b"" for records in found.values() for record in records]
    finally:
        await consumer.stop()
    return values


async def _consumer(log_url: str) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(bootstrap_servers=log_url.removeprefix("kafka://"), enable_auto_commit=False)
    await consumer.start()
    return consumer


@asynccontextmanager
async def fresh_database(store_url: str, template: str = "") -> AsyncIterator[str]:
    """The URL of an empty database, or of a copy of another that nobody uses; what others left to be written is written
    before. ``Refused`` where the server acknowledges what is not durable: no rate of it means anything."""
    name = f"cx_bench_{uuid4().hex[:12]}"
    server = await asyncpg.connect(plain(store_url))
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if (value := await server.fetchval(f"SHOW {setting}")) != "on":
                raise Refused("not-durable", f"PostgreSQL runs with {setting}={value}; the benchmarks need 'on'")
        copied = f" TEMPLATE {make_url(template).database} STRATEGY FILE_COPY" if template else ""
        await server.execute(f"CREATE DATABASE {name}{copied}")
        await server.execute("CHECKPOINT")
        try:
            yield make_url(store_url).set(database=name).render_as_string(hide_password=False)
        finally:
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


def plain(store_url: str) -> str:
    """As asyncpg reads it."""
    return store_url.replace("+asyncpg", "", 1)
