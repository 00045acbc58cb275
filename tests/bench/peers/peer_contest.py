"""A peer over a whole log: the first tenth of it before it is timed, then timed until all is committed, and verified.

The tenth is the peer's advantage: its group, its topics and Java's compiler have settled when its time begins. What it
takes from its start is told beside.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
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


@dataclass(frozen=True, slots=True)
class PeerContender:
    """``folder``: for the peer's state. ``from_start``: what the whole log took from the start of the process, a result
    for each time that it was measured."""

    peer: Peer
    place: Place
    folder: Path
    threads: int
    from_start: list[Result] = field(default_factory=list)

    async def measured(self) -> Result:
        """Return what it took for the log but its first tenth. ``Fatal`` where it fails, or what it tells is wrong."""
        settled, whole = await _contest(self.peer, self.place, self.folder, self.threads)
        self.from_start.append(whole)
        return settled


async def _contest(peer: Peer, place: Place, folder: Path, threads: int) -> tuple[Result, Result]:
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
    async with _topic(task) as admin:
        first = _Moment(time.perf_counter(), _cpu(place, None))
        async with running(peer.name, command, peer.environ) as child:
            ready, end = await _watched(peer, place, task, admin, child)
        verify(await _changes(task), place.workload)
    settled = round(place.workload.events * (1 - warm / len(records)))
    return ready.until(end, settled), first.until(end, place.workload.events)


class _Moment(NamedTuple):
    at: float
    cpu: dict[str, float | None]

    def until(self, end: _Moment, events: int) -> Result:
        return Result(events, end.at - self.at, spent(self.cpu, end.cpu))


def _cpu(place: Place, pid: int | None) -> dict[str, float | None]:
    """``pid``: None before there is a process."""
    application = 0.0 if pid is None else cpu_seconds(pid)
    return {"application": application, "postgres": 0.0, "broker": cpu_seconds(broker_of(place.log_url))}


async def _watched(
    peer: Peer, place: Place, task: PeerTask, admin: AIOKafkaAdminClient, child: Child
) -> tuple[_Moment, _Moment]:
    """Tell a peer that is ready to go; return that moment, and when the whole log was committed."""
    ready = _Moment(time.perf_counter(), _cpu(place, child.pid))
    child.go()
    while sum(at.offset for at in (await admin.list_consumer_group_offsets(task.group)).values()) < task.total:
        if child.has_ended:
            raise Fatal(f"{peer.name} ended before the log did")
        if time.perf_counter() - ready.at > _PATIENCE:
            raise Fatal(f"{peer.name} did not come to the end of the log within {_PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)
    end = _Moment(time.perf_counter(), _cpu(place, child.pid))
    await child.end()
    return ready, end


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
