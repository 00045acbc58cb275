"""One contender over a whole log: started, told to go, timed until all offsets stand at the end, and verified."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import asyncpg
from sqlalchemy.engine import make_url
from tests.bench.children import Child, Task, started
from tests.bench.floors import projector as floor
from tests.bench.hubs import projector as hub
from tests.bench.measure import cpu_seconds, listener_on
from tests.bench.report import Result
from tests.bench.servers import fresh_database, plain
from tests.bench.workload import PARTITIONS, Workload

from cx_context.store import leases, offsets, open_store
from cx_context.store.part_codec import decode_part
from cx_events.errors import Fatal
from cx_events.log import INTERACTIONS, TOPICS, Partition

Kind = Literal["floor", "hub", "hub-relayed", "hub-profiled"]
"""``hub-relayed`` publishes changes as well, as ``cx run projectors`` does; ``hub-profiled`` is the same, watched."""

_POSITIONS: Mapping[Kind, str] = MappingProxyType(
    {
        "floor": floor.POSITIONS,
        "hub": hub.POSITIONS,
        "hub-relayed": hub.RELAYED_POSITIONS,
        "hub-profiled": hub.RELAYED_POSITIONS,
    }
)

_LOOK_SECONDS = 0.02
_PATIENCE = 900.0
_LEASE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contest is held: the servers, and the topics that hold a workload."""

    log_url: str
    store_url: str
    prefix: str
    workload: Workload


async def contest(kind: Kind, place: Place, processes: int = 1) -> Result:
    """Over all of the log, in an empty database.

    Raises ``Fatal`` where a contender fails, or its store does not end as the workload says.
    """
    async with fresh_database(place.store_url) as store_url:
        result = await project(kind, place, store_url, processes, len(place.workload.records), place.workload.events)
        await verify(kind, store_url, place.workload)
    return result


async def project(
    kind: Kind, place: Place, store_url: str, processes: int, until: int, events: int, folder: str = ""
) -> Result:
    """From where the database stands until ``until`` records of the log, ``events`` of them new, are in it.

    ``folder``: where a contender that is watched leaves what was seen.
    """
    names = [f"bench-{number}" for number in range(processes)]
    await (_prepare_floor(store_url) if kind == "floor" else _prepare_hub(store_url, names))
    async with AsyncExitStack() as running:
        tasks = [
            Task(
                log_url=place.log_url,
                prefix=place.prefix,
                store_url=store_url,
                worker=name,
                folder=folder,
                partitions=list(range(number, PARTITIONS, processes)),
            )
            for number, name in enumerate(names)
        ]
        children = await asyncio.gather(*(running.enter_async_context(started(kind, task)) for task in tasks))
        database = await asyncpg.connect(plain(store_url))
        running.push_async_callback(database.close)
        return await _timed(kind, place, children, database, until, events)


async def _prepare_floor(store_url: str) -> None:
    database = await asyncpg.connect(plain(store_url))
    for statement in floor.CREATE:
        await database.execute(statement)
    await database.close()


async def _prepare_hub(store_url: str, workers: Sequence[str]) -> None:
    """Tables, and every worker's share of the partitions: how fast workers find one another is another question."""
    store = open_store(store_url)
    await store.start()
    async with store.writing() as tx:
        await offsets.announce(tx, [Partition(topic, number) for topic in TOPICS[::2] for number in range(PARTITIONS)])
        for worker in (*workers, *workers):
            await leases.take(tx, worker, _LEASE_SECONDS)
    await store.stop()


async def _timed(
    kind: Kind,
    place: Place,
    children: Sequence[Child],
    database: asyncpg.Connection[Any],
    until: int,
    events: int,
) -> Result:
    offsets = await database.prepare(_POSITIONS[kind])
    before = _cpu(place, children)
    began = time.perf_counter()
    for child in children:
        child.go()
    while await offsets.fetchval() < until:
        if any(child.has_ended for child in children):
            raise Fatal(f"the contender {kind} ended before the log did")
        if time.perf_counter() - began > _PATIENCE:
            raise Fatal(f"the contender {kind} did not come to the end of the log within {_PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - began
    after = _cpu(place, children)
    told = await asyncio.gather(*(child.end() for child in children))
    # A backend's count of deadlocks is there for others when it has ended.
    deadlocks = await database.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    contentions = sum(answer.get("contentions", 0) for answer in told)
    return Result(events, seconds, spent(before, after), deadlocks, contentions)


def spent(before: dict[str, float | None], after: dict[str, float | None]) -> dict[str, float | None]:
    """CPU seconds between two moments, by who spent them."""
    return {
        who: None if (end := after[who]) is None or (begin := before[who]) is None else round(end - begin, 4)
        for who in before
    }


def _cpu(place: Place, children: Sequence[Child]) -> dict[str, float | None]:
    return {
        "application": sum(cpu_seconds(child.pid) or 0.0 for child in children),
        "postgres": cpu_seconds(postgres_of(place.store_url)),
        "broker": cpu_seconds(broker_of(place.log_url)),
    }


def postgres_of(store_url: str) -> int | None:
    """The server's process, where it is on this machine."""
    store = make_url(store_url)
    return listener_on(store.host or "localhost", store.port or 5432)


def broker_of(log_url: str) -> int | None:
    broker, _, port = log_url.removeprefix("kafka://").partition(",")[0].rpartition(":")
    return listener_on(broker, int(port))


async def verify(kind: Kind, store_url: str, workload: Workload) -> None:
    """``Fatal`` unless the store holds what the workload makes."""
    database = await asyncpg.connect(plain(store_url))
    try:
        await (_verify_floor if kind == "floor" else _verify_hub)(database, workload)
    finally:
        await database.close()


async def _verify_floor(database: asyncpg.Connection[Any], workload: Workload) -> None:
    await _verify_events("floor_events", database, workload)


async def _verify_events(table: str, database: asyncpg.Connection[Any], workload: Workload) -> None:
    stored = await database.fetchval(f"SELECT ARRAY[count(*), coalesce(sum(length(raw)), 0)] FROM {table}")
    same(f"{table}: rows, bytes", [int(value) for value in stored], [workload.events, workload.raw_bytes])


async def _verify_hub(database: asyncpg.Connection[Any], workload: Workload) -> None:
    """Every event stored once, in one part; every identifier known, and everybody who they are."""
    await _verify_events("events", database, workload)
    folded = sum(decode_part(row[0]).facts for row in await database.fetch("SELECT body FROM parts"))
    same("hub: facts in parts", folded, workload.events)
    profiles = await database.fetchval("SELECT count(*) FROM profiles")
    joined = await database.fetchval("SELECT count(*) FROM members WHERE profile <> customer")
    same("hub: profiles, customers", (profiles, profiles - joined), (workload.profiles, workload.customers))
    for table in ("copies", "dead_letters"):
        same(f"hub: {table}", await database.fetchval(f"SELECT count(*) FROM {table}"), 0)
    if workload.people:
        await _verify_people(database, workload.people)
    ends = await database.fetchval("SELECT sum(next_offset) FROM partitions WHERE topic = $1", INTERACTIONS)
    same("hub: positions", int(ends), len(workload.records))


async def _verify_people(database: asyncpg.Connection[Any], people: Mapping[bytes, int]) -> None:
    """``Fatal`` unless each person's address belongs to a customer of its own, who has as many events as the person."""
    customers: dict[bytes, bytes] = dict(await database.fetch("SELECT profile, customer FROM members"))
    events: Counter[bytes] = Counter()
    for row in await database.fetch("SELECT stream_id, body FROM parts"):
        events[customers.get(row[0], row[0])] += decode_part(row[1]).facts
    found = {address: events[customers.get(address, address)] for address in people}
    wrong = [address.hex() for address, count in people.items() if found[address] != count]
    same("hub: people whose customer has not their events, of whom the first", (len(wrong), wrong[:1]), (0, []))
    same("hub: events of customers who are nobody", events.total() - sum(found.values()), 0)


def same(what: str, found: object, expected: object) -> None:
    """``Fatal`` unless what a contender left is what it must be."""
    if found != expected:
        raise Fatal(f"{what}: {found}, but the workload makes {expected}; no rate of such a run counts")
