"""The floor of intake: read the body, append it, answer once it is durable.

Bare Starlette and aiokafka, acks=all and idempotent as the hub's. No key is checked, no event looked into, no place
chosen by whose it is: records go to the partitions in turn, and uncompressed, which costs the server less. Of a batch,
the events are told apart and each becomes a record.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tests.bench.children import Go, Task
from tests.bench.floors.http import Endpoint, answer, body_of, serve
from tests.bench.workload import PARTITIONS

from cx_events.log import INTERACTIONS

ONE = "/one"
BATCH = "/batch"

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]
_events = msgspec.json.Decoder(list[msgspec.Raw]).decode


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    topic = task.prefix + INTERACTIONS
    producer = AIOKafkaProducer(
        bootstrap_servers=task.log_url.removeprefix("kafka://"),
        acks="all",
        enable_idempotence=True,
        linger_ms=1,
        max_batch_size=256 << 10,
    )
    await producer.start()
    await producer.partitions_for(topic)
    turn = cycle(range(PARTITIONS))

    class One(Endpoint):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await (await producer.send(topic, await body_of(receive), partition=next(turn)))
            await answer(send, 202, b"{}", _HEADERS)

    class Batch(Endpoint):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            stored = [
                await producer.send(topic, bytes(event), partition=next(turn))
                for event in _events(await body_of(receive))
            ]
            for each in stored:
                await each
            await answer(send, 202, b"{}", _HEADERS)

    try:
        await serve([Route(ONE, One(), methods=["POST"]), Route(BATCH, Batch(), methods=["POST"])], over, go)
    finally:
        await producer.stop()
    return {}
