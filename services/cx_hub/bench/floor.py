"""The floor: the least that any hub which keeps its events must do, as tight as we could write it.

Consume, decode, store each event once under a unique key with its raw bytes, and the offsets in the same transaction.
While the database works on a batch, the next is fetched and decoded. No resolving, no folding, no second look-up, no
leases, no recovery.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from cx_events.log import INTERACTIONS
from cx_hub.bench.child import Task
from cx_hub.bench.servers import plain
from cx_hub.bench.workload import PARTITIONS

AT_ONCE = 4_000

CREATE = (
    "CREATE TABLE floor_events (key bytea PRIMARY KEY, raw bytea NOT NULL)",
    "CREATE TABLE floor_offsets (number int PRIMARY KEY, position bigint NOT NULL)",
)
POSITIONS = "SELECT coalesce(sum(position), 0) FROM floor_offsets"

_INSERT = "INSERT INTO floor_events SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING"
_ADVANCE = "UPDATE floor_offsets SET position = $2 WHERE number = $1"


class Known(Struct, gc=False):
    """What the floor must read of an event; the rest is checked to be JSON and passed over."""

    id: str
    source: str
    tenantid: str
    recordedtime: str
    partitionkey: str


_decode = msgspec.json.Decoder(Known).decode


async def run_floor(task: Task, over: asyncio.Event, go: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    topic = task.prefix + INTERACTIONS
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.log_url.removeprefix("kafka://"),
        group_id=None,
        enable_auto_commit=False,
        fetch_max_wait_ms=250,
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    database = await asyncpg.connect(plain(task.store_url))
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    await database.executemany(
        "INSERT INTO floor_offsets VALUES ($1, 0) ON CONFLICT DO NOTHING", [(part.partition,) for part in partitions]
    )
    insert, advance = await database.prepare(_INSERT), await database.prepare(_ADVANCE)
    await go()

    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)

    async def read() -> tuple[dict[bytes, bytes], list[tuple[int, int]]]:
        found = await consumer.getmany(timeout_ms=100, max_records=AT_ONCE)
        events: dict[bytes, bytes] = {}
        for records in found.values():
            for record in records:
                raw = record.value or b""
                event = _decode(raw)
                events[blake2b(f"{event.tenantid}\0{event.source}\0{event.id}".encode(), digest_size=16).digest()] = raw
        return events, [(part.partition, records[-1].offset + 1) for part, records in found.items()]

    async def write(events: dict[bytes, bytes], offsets: list[tuple[int, int]]) -> None:
        async with database.transaction():
            await insert.fetch(list(events), list(events.values()))
            await advance.executemany(offsets)

    batches = 0
    reading = asyncio.create_task(read())
    while not over.is_set():
        events, offsets = await reading
        reading = asyncio.create_task(read())
        if events:
            batches += 1
            await write(events, offsets)
    await reading
    await consumer.stop()
    await database.close()
    return {"batches": batches}
