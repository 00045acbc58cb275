"""The servers under the benchmarks: those of the environment, else the stack's; a run has topics and databases of its
own in them, and leaves none behind."""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4
from zlib import crc32

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy.engine import make_url

from cx_events.errors import Refused
from cx_events.log import INTERACTIONS, TOPICS
from cx_events.log.kafka import KafkaLog
from cx_hub import stack
from cx_hub.bench.workload import PARTITIONS, Workload
from cx_runtime.settings import Settings


@contextmanager
def servers(settings: Settings) -> Iterator[Settings]:
    """Settings whose log is a Kafka and whose store is a PostgreSQL. What had to be started is stopped again."""
    given = {"log_url": settings.log_url, "store_url": settings.store_url}
    if given["log_url"] and not given["log_url"].startswith("kafka://"):
        raise Refused("bad-log", f"the benchmarks need Kafka; CX_LOG_URL is {given['log_url']!r}")
    if given["store_url"] and not given["store_url"].startswith("postgresql"):
        raise Refused("bad-store", "the benchmarks need PostgreSQL, but CX_STORE_URL is none")
    missing: set[stack.Part] = set()
    if not given["log_url"]:
        missing.add("kafka")
    if not given["store_url"]:
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
async def preloaded(log_url: str, workload: Workload) -> AsyncIterator[str]:
    """The prefix of topics that hold a workload, laid out as the log's own ``append`` does, durable before the rest.

    Not by ``append`` itself, which gives up after seconds: a busy broker needs some for the leaders of new topics.
    """
    servers, prefix = log_url.removeprefix("kafka://"), f"bench-{uuid4().hex[:8]}."
    log = KafkaLog(servers, PARTITIONS, prefix=prefix)
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", enable_idempotence=True, compression_type="lz4", linger_ms=20
    )
    try:
        await log.start()
        await producer.start()
        stored = []
        for key, value in workload.records:
            partition = crc32(key) % PARTITIONS
            stored.append(await producer.send(prefix + INTERACTIONS, value, key, partition=partition))
        await asyncio.gather(*stored)
        yield prefix
    finally:
        await producer.stop()
        await log.stop()
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        try:
            await admin.delete_topics([prefix + topic for topic in TOPICS])
        finally:
            await admin.close()


@asynccontextmanager
async def fresh_database(store_url: str) -> AsyncIterator[str]:
    """The URL of an empty database; what others left to be written is written before. ``Refused`` where the server
    acknowledges what is not durable: no rate of it means anything."""
    name = f"cx_bench_{uuid4().hex[:12]}"
    server = await asyncpg.connect(plain(store_url))
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if (value := await server.fetchval(f"SHOW {setting}")) != "on":
                raise Refused("not-durable", f"PostgreSQL runs with {setting}={value}; the benchmarks need 'on'")
        await server.execute(f"CREATE DATABASE {name}")
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
