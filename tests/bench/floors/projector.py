"""The floor of a projector: the least that any hub which keeps its events must do.

Consume, decode, store each event once under a unique key with its raw bytes, and the offsets in the same transaction:
one look-up of keys, then COPY, which takes a third less CPU than an INSERT that passes over what is there. While the
database works on a batch, the next is fetched and decoded. No resolving, no folding, no leases, no recovery.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct
from tests.bench.children import Go, Task
from tests.bench.servers import plain

from cx_events.log import INTERACTIONS

AT_ONCE = 4_000

CREATE = (
    "CREATE TABLE floor_events (key bytea PRIMARY KEY, raw bytea NOT NULL)",
    "CREATE TABLE floor_offsets (number int PRIMARY KEY, position bigint NOT NULL)",
)
POSITIONS = "SELECT coalesce(sum(position), 0) FROM floor_offsets"

_KNOWN = "SELECT key FROM floor_events WHERE key = ANY($1::bytea[])"
_ADVANCE = (
    "UPDATE floor_offsets SET position = moved.position "
    "FROM unnest($1::int[], $2::bigint[]) AS moved (number, position) WHERE floor_offsets.number = moved.number"
)


class Known(Struct, gc=False):
    """What the floor must read of an event; the rest is checked to be JSON and passed over."""

    id: str
    source: str
    tenantid: str
    recordedtime: str
    partitionkey: str


_decode = msgspec.json.Decoder(Known).decode


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
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
    partitions = [TopicPartition(topic, number) for number in task.partitions]
    await database.executemany(
        "INSERT INTO floor_offsets VALUES ($1, 0) ON CONFLICT DO NOTHING", [(part.partition,) for part in partitions]
    )
    known, advance = await database.prepare(_KNOWN), await database.prepare(_ADVANCE)
    await known.fetch([])  # until it is used, the driver leaves a transaction open around its preparation
    await go()

    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)

    async def read() -> tuple[dict[bytes, bytes], dict[int, int]]:
        found = await consumer.getmany(timeout_ms=100, max_records=AT_ONCE)
        events: dict[bytes, bytes] = {}
        for records in found.values():
            for record in records:
                raw = record.value or b""
                event = _decode(raw)
                events[blake2b(f"{event.tenantid}\0{event.source}\0{event.id}".encode(), digest_size=16).digest()] = raw
        return events, {part.partition: records[-1].offset + 1 for part, records in found.items()}

    batches = 0
    reading = asyncio.create_task(read())
    while not over.is_set():
        events, offsets = await reading
        reading = asyncio.create_task(read())
        if events:
            batches += 1
            for (key,) in await known.fetch(list(events)):
                del events[key]
            async with database.transaction():
                await database.copy_records_to_table("floor_events", records=sorted(events.items()))
                await advance.fetch(list(offsets), list(offsets.values()))
    await reading
    await consumer.stop()
    await database.close()
    return {"batches": batches}
