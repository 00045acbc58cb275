"""The floor of freshness: from handing a message to Kafka until a consumer has it, in one process.

acks=all and idempotent as the hub's; nothing lingers.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from tests.bench.children import Go, Task
from tests.bench.workload import PARTITIONS, make_workload

from cx_events.log import INTERACTIONS

A_SECOND = 200
WARM = 200
"""Messages before those that count."""


async def paced(count: int, send: Callable[[int], Coroutine[Any, Any, None]]) -> float:
    """``send(number)`` begun that many times, evenly, whatever becomes of each; the seconds until all were done."""
    began = time.perf_counter()
    under_way = []
    for number in range(count):
        wait = began + number / A_SECOND - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        under_way.append(asyncio.create_task(send(number)))
    await asyncio.gather(*under_way)
    return time.perf_counter() - began


async def run(task: Task, _over: asyncio.Event, go: Go) -> dict[str, Any]:
    topic, servers = task.prefix + INTERACTIONS, task.log_url.removeprefix("kafka://")
    values = [value for _, value in make_workload(task.count).records][: task.count]
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, fetch_max_wait_ms=250)
    await producer.start()
    await consumer.start()
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_end()
    sent = [0.0] * len(values)
    latencies = [0.0] * len(values)
    await go(listens=False)

    async def produce(number: int) -> None:
        sent[number] = time.perf_counter()
        key = number.to_bytes(4, "big")
        await (await producer.send(topic, values[number], key, partition=number % PARTITIONS))

    async def consume() -> None:
        left = len(values)
        while left:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                now = time.perf_counter()
                left -= len(records)
                for record in records:
                    number = int.from_bytes(record.key or b"", "big")
                    latencies[number] = now - sent[number]

    seconds, _ = await asyncio.gather(paced(len(values), produce), consume())
    await producer.stop()
    await consumer.stop()
    return {"seconds": seconds, "latencies": latencies[WARM:] or latencies}
