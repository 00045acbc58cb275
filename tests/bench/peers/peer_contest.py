"""A peer over a whole log: the first tenth of it before it is timed, then timed until all is committed, and verified.

The tenth is the peer's advantage: its group, its topics and Java's compiler have settled when its time begins.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec import Struct
from tests.bench.children import Child, running
from tests.bench.contest import Place, broker_of, same, spent
from tests.bench.measure import cpu_seconds
from tests.bench.peers.fetching import Peer
from tests.bench.report import Result
from tests.bench.workload import PARTITIONS, Workload

from cx_events.errors import Fatal
from cx_events.log import INTERACTIONS

WARM_SHARE = 0.1

_LOOK_SECONDS = 0.05
_PATIENCE = 900.0


class PeerTask(Struct):
    """``servers``: Kafka's. ``group``: a name that nobody else has. ``events``, ``changes``: topics. ``warm``: records
    after which it says that it is ready; ``total``: all records."""

    servers: str
    group: str
    events: str
    changes: str
    folder: str
    threads: int
    warm: int
    total: int


class Change(Struct, frozen=True):
    """What a peer tells of a customer: how many records, and the id of the last event."""

    customer: str
    events: int
    latest: str


class _Known(Struct):
    id: str


async def contest_of(peer: Peer, place: Place, folder: Path, threads: int = 1) -> Result:
    """Return what a peer took for the log but its first tenth. ``Fatal`` where it fails, or what it tells is wrong."""
    records = place.workload.records
    group = f"bench-peer-{uuid4().hex[:8]}"
    warm = max(int(len(records) * WARM_SHARE), 1)
    task = PeerTask(
        servers=place.log_url.removeprefix("kafka://"),
        group=group,
        events=place.prefix + INTERACTIONS,
        changes=f"{group}.changes",
        folder=str(folder / group),
        threads=threads,
        warm=warm,
        total=len(records),
    )
    command = [*peer.command, msgspec.json.encode(task).decode()]
    async with _topic(task) as admin, running(peer.name, command, peer.environ) as child:
        seconds, cpu = await _timed(peer, place, task, admin, child)
        verify(await _changes(task), place.workload)
    timed = 1 - warm / len(records)
    return Result(round(place.workload.events * timed), seconds, cpu)


async def _timed(
    peer: Peer, place: Place, task: PeerTask, admin: AIOKafkaAdminClient, child: Child
) -> tuple[float, dict[str, float | None]]:
    def cpu() -> dict[str, float | None]:
        of_broker = cpu_seconds(broker_of(place.log_url))
        return {"application": cpu_seconds(child.pid), "postgres": 0.0, "broker": of_broker}

    before, began = cpu(), time.perf_counter()
    child.go()
    while sum(at.offset for at in (await admin.list_consumer_group_offsets(task.group)).values()) < task.total:
        if child.has_ended:
            raise Fatal(f"{peer.name} ended before the log did")
        if time.perf_counter() - began > _PATIENCE:
            raise Fatal(f"{peer.name} did not come to the end of the log within {_PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)
    seconds, after = time.perf_counter() - began, cpu()
    await child.end()
    return seconds, spent(before, after)


@asynccontextmanager
async def _topic(task: PeerTask) -> AsyncIterator[AIOKafkaAdminClient]:
    """Make the topic of changes; remove it afterwards, and those that the peer made for its state."""
    admin = AIOKafkaAdminClient(bootstrap_servers=task.servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(task.changes, PARTITIONS, 1)])
        yield admin
    finally:
        await admin.delete_topics([topic for topic in await admin.list_topics() if task.group in topic])
        await admin.close()


async def _changes(task: PeerTask) -> dict[bytes, Change]:
    """Return the last change that was committed for each key."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.servers, enable_auto_commit=False, isolation_level="read_committed"
    )
    await consumer.start()
    found: dict[bytes, Change] = {}
    decode = msgspec.json.Decoder(Change).decode
    try:
        partitions = [TopicPartition(task.changes, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        until = time.perf_counter() + _PATIENCE
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            if time.perf_counter() > until:
                raise Fatal(f"the changes of {task.group} can't be read to the end")
            for records in (await consumer.getmany(timeout_ms=200, max_records=10_000)).values():
                found.update((record.key or b"", decode(record.value or b"")) for record in records)
    finally:
        await consumer.stop()
    return found


def expected(workload: Workload) -> dict[bytes, tuple[int, str]]:
    """Return records and last event by key. Pure."""
    decode = msgspec.json.Decoder(_Known).decode
    found: dict[bytes, tuple[int, str]] = {}
    for key, value in workload.records:
        found[key] = (found[key][0] + 1 if key in found else 1, decode(value).id)
    return found


def verify(changes: Mapping[bytes, Change], workload: Workload) -> None:
    """``Fatal`` unless the last change of each customer tells of all records, each once, and of the last of them."""
    found = {key: (change.events, change.latest) for key, change in changes.items()}
    wanted = expected(workload)
    wrong = [key.decode() for key, of in wanted.items() if found.get(key) != of]
    same(
        "peer: customers, those told wrong, the first of these",
        (len(found), len(wrong), wrong[:1]),
        (len(wanted), 0, []),
    )
