"""The floor of a replay to a file: a bare consumer that writes each record's value and a line feed, and syncs it.

python -m tests.bench.floors.replay kafka://HOST:PORT TOPIC FILE
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.bench.workload import PARTITIONS

_AT_ONCE = 4_000


async def write_topic(log_url: str, topic: str, path: Path) -> int:
    """Write what a topic holds now to a file; return how many records it was."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=log_url.removeprefix("kafka://"), group_id=None, max_partition_fetch_bytes=4 << 20
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        missing = sum((await consumer.end_offsets(partitions)).values())
        written = 0
        with path.open("wb") as file:
            while written < missing:
                found = await consumer.getmany(timeout_ms=250, max_records=_AT_ONCE)
                values = [record.value or b"" for records in found.values() for record in records]
                file.writelines(b"%b\n" % value for value in values)
                written += len(values)
            file.flush()
            os.fsync(file.fileno())
        return written
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(write_topic(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
