"""One contender over a whole log: started, told to go, timed until all positions stand at the end, and verified."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg
import msgspec
from sqlalchemy.engine import make_url

from cx_context.store import leases, open_store
from cx_context.store.writer import decode_part
from cx_events.errors import Fatal
from cx_events.log import INTERACTIONS, TOPICS, Partition
from cx_hub.bench import floor, hub
from cx_hub.bench.child import Task
from cx_hub.bench.measure import cpu_seconds, listener_on
from cx_hub.bench.servers import fresh_database, plain
from cx_hub.bench.workload import PARTITIONS, Workload

Kind = Literal["floor", "hub"]

_LOOK_SECONDS = 0.02
_PATIENCE = 600.0
_LEASE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contest is held: the servers, and the topics that hold a workload."""

    log_url: str
    store_url: str
    prefix: str
    workload: Workload


@dataclass(frozen=True, slots=True)
class Result:
    """``seconds``: from go until the last commit. ``cpu``: seconds by who spent them (application, postgres, broker).
    ``deadlocks``: that PostgreSQL resolved; ``contentions``: transactions that a worker began again."""

    events: int
    seconds: float
    cpu: dict[str, float | None]
    deadlocks: int = 0
    contentions: int = 0

    @property
    def rate(self) -> float:
        """Distinct events a second."""
        return self.events / self.seconds


async def contest(kind: Kind, place: Place, processes: int = 1) -> Result:
    """Raises ``Fatal`` where a contender fails, or its store does not end as the workload says."""
    async with fresh_database(place.store_url) as store_url:
        names = [f"bench-{number}" for number in range(processes)]
        await (_prepare_floor(store_url) if kind == "floor" else _prepare_hub(store_url, names))
        tasks = [Task(place.log_url, place.prefix, store_url, name) for name in names]
        children = [await _start(kind, task) for task in tasks]
        database = await asyncpg.connect(plain(store_url))
        try:
            result = await _timed(kind, place, children, database)
            await (_verify_floor if kind == "floor" else _verify_hub)(database, place.workload)
        finally:
            await database.close()
            for child in children:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
    return result


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
        await leases.announce(tx, [Partition(topic, number) for topic in TOPICS[::2] for number in range(PARTITIONS)])
        for worker in (*workers, *workers):
            await leases.take(tx, worker, _LEASE_SECONDS)
    await store.stop()


async def _start(kind: Kind, task: Task) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cx_hub.bench",
        kind,
        msgspec.json.encode(task).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    if await child.stdout.readline() != b"ready\n":
        raise Fatal(f"the contender {kind} did not get ready")
    return child


async def _timed(
    kind: Kind, place: Place, children: Sequence[asyncio.subprocess.Process], database: asyncpg.Connection[Any]
) -> Result:
    positions = await database.prepare(floor.POSITIONS if kind == "floor" else hub.POSITIONS)
    before = _cpu(place, children)
    started = time.perf_counter()
    _tell(children, b"go\n")
    while await positions.fetchval() < len(place.workload.records):
        if any(child.returncode is not None for child in children):
            raise Fatal(f"the contender {kind} ended before the log did")
        if time.perf_counter() - started > _PATIENCE:
            raise Fatal(f"the contender {kind} did not come to the end of the log within {_PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - started
    after = _cpu(place, children)
    _tell(children, b"end\n")
    told = [msgspec.json.decode((await child.communicate())[0]) for child in children]
    # A backend's count of deadlocks is there for others when it has ended.
    deadlocks = await database.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    spent = {
        who: None if (end := after[who]) is None or (begin := before[who]) is None else round(end - begin, 2)
        for who in before
    }
    return Result(
        place.workload.events, seconds, spent, deadlocks, sum(answer.get("contentions", 0) for answer in told)
    )


def _tell(children: Sequence[asyncio.subprocess.Process], word: bytes) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write(word)


def _cpu(place: Place, children: Sequence[asyncio.subprocess.Process]) -> dict[str, float | None]:
    broker, _, port = place.log_url.removeprefix("kafka://").partition(",")[0].rpartition(":")
    store = make_url(place.store_url)
    return {
        "application": sum(cpu_seconds(child.pid) or 0.0 for child in children),
        "postgres": cpu_seconds(listener_on(store.host or "localhost", store.port or 5432)),
        "broker": cpu_seconds(listener_on(broker, int(port))),
    }


async def _verify_floor(database: asyncpg.Connection[Any], workload: Workload) -> None:
    await _verify_events("floor_events", database, workload)


async def _verify_events(table: str, database: asyncpg.Connection[Any], workload: Workload) -> None:
    stored = await database.fetchval(f"SELECT ARRAY[count(*), coalesce(sum(length(raw)), 0)] FROM {table}")
    _same(f"{table}: rows, bytes", [int(value) for value in stored], [workload.events, workload.raw_bytes])


async def _verify_hub(database: asyncpg.Connection[Any], workload: Workload) -> None:
    """Every event stored once, in one part; every identifier known, and everybody who they are."""
    await _verify_events("events", database, workload)
    folded = sum(decode_part(row[0]).facts for row in await database.fetch("SELECT body FROM parts"))
    _same("hub: facts in parts", folded, workload.events)
    profiles = await database.fetchval("SELECT count(*) FROM profiles")
    joined = await database.fetchval("SELECT count(*) FROM members WHERE profile <> customer")
    _same("hub: profiles, customers", (profiles, profiles - joined), (workload.profiles, workload.customers))
    for table in ("copies", "dead_letters"):
        _same(f"hub: {table}", await database.fetchval(f"SELECT count(*) FROM {table}"), 0)
    ends = await database.fetchval("SELECT sum(position) FROM partitions WHERE topic = $1", INTERACTIONS)
    _same("hub: positions", int(ends), len(workload.records))


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Fatal(f"{what}: {found}, but the workload makes {expected}; no rate of such a run counts")
