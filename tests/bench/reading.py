"""Contexts read over HTTP, by a bare endpoint that reads one row by its key and returns as many bytes.

``context_read``: nothing has changed since the last read of any. ``context_read_cold``: each was changed by a projector
since its last read, in turns: a projector applies an event of every customer, then each customer is read once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from statistics import mean
from typing import Any

import asyncpg
import msgspec
from tests.api import Projector
from tests.bench import requests as made
from tests.bench.children import Child, Task, started
from tests.bench.contest import postgres_of, same
from tests.bench.floors import reading as floor
from tests.bench.report import Result, compared, paired, server_cpu_speed
from tests.bench.running import Asked, Report, Run, done, race, say
from tests.bench.servers import fresh_database, plain
from tests.bench.services import KEY, Target, send, service
from tests.bench.workload import IDS, PARTITIONS, make_workload

from cx_context.store import open_store
from cx_events.envelope import Data, Draft, Identifier, Message, Participant
from cx_events.facts import connection_source
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.stamp import stamp
from cx_events.timestamps import parse_time
from cx_identity.rules import DEFAULT
from cx_projectors.apply import Tenancy

READING = ("context_read_cold", "context_read")
READ = 5_000
"""Customers that are read, at most."""
READS = 20_000
COLD_READS = 10_000
CONNECTIONS = 32
_AT_ONCE = 1_000

_SOURCE = connection_source(IDS.tenant, "web")
_LATER = parse_time("2026-12-01T10:00:00Z")


@dataclass
class _Stage:
    """``known``: identifiers of different customers that are read, with the answer to each that came last."""

    asked: Asked
    store_url: str
    projector: Projector
    client: Child
    hub: Target
    bare: Target
    identifiers: list[tuple[str, str]]
    known: list[bytes] = field(default_factory=list)
    turns: int = 0

    @property
    def asks(self) -> list[bytes]:
        return [made.context(identifier, KEY) for identifier in self.identifiers]

    async def read(self, requests: Sequence[bytes], *, check: Any = None) -> Result:
        return await send(
            self.client,
            self.hub,
            requests,
            self.asked.folder,
            connections=CONNECTIONS,
            status="200",
            answers=check,
        )

    async def unchanged(self) -> Result:
        """Every answer is that of the last read, byte for byte."""
        requests = _repeated(self.asks, self.asked.events)

        def check(answers: list[bytes]) -> None:
            bodies = list(map(made.body_of, answers))
            same("context_read: answers", sum(map(_differ, bodies, _repeated(self.known, len(bodies)))), 0)

        await self.read(self.asks)
        return await self.read(requests, check=check)

    async def changed(self) -> Result:
        """Turns of a change and a read of every customer, until there are enough reads; only reads are measured."""
        results: list[Result] = []
        while sum(result.events for result in results) < min(self.asked.events, COLD_READS):
            results.append(await self._turn())
        return _sum(results)

    async def _turn(self) -> Result:
        self.turns += 1
        await _apply(self.projector, self._changes())

        def check(answers: list[bytes]) -> None:
            bodies = list(map(made.body_of, answers))
            stale = sum(_version(new) <= _version(old) for new, old in zip(bodies, self.known, strict=True))
            same("context_read_cold: contexts that did not change", stale, 0)
            for number in range(0, len(bodies), max(len(bodies) // 20, 1)):
                latest = msgspec.json.decode(bodies[number])["body"]["timeline"][0]["event"]["id"]
                same("context_read_cold: the latest event", latest, self._id(number))
            self.known = bodies

        return await self.read(self.asks, check=check)

    def _id(self, number: int) -> str:
        return f"change-{self.turns}-{number}"

    def _changes(self) -> list[Record]:
        records = []
        for number, (kind, value) in enumerate(self.identifiers):
            recorded = _LATER + self.turns * 60_000_000 + number
            text = "Is there any news about it?"
            data = Data(
                channel="chat",
                interaction=f"later-{number}-{self.turns // 8}",
                direction="inbound",
                participants=[Participant(role="customer", identifiers=[Identifier(kind=kind, value=value)])],
                message=Message(id=self._id(number), text=text, content_type="text/plain"),
            )
            draft = Draft(type="cx.message.received.v1", id=self._id(number), data=data, time=recorded)
            stamped = stamp(draft, source=_SOURCE, recorded=recorded, ids=IDS)
            records.append(Record(INTERACTIONS, stamped.key, stamped.raw))
        return records

    async def bare_rows(self) -> Result:
        """As many bytes as the hub's answers have."""
        await _store_rows(self.store_url, self)
        requests = _repeated(_bare(self.identifiers), min(self.asked.events, READS))
        await self._send_bare(requests[: len(self.identifiers)])
        return await self._send_bare(requests)

    async def _send_bare(self, requests: Sequence[bytes]) -> Result:
        return await send(self.client, self.bare, requests, self.asked.folder, connections=CONNECTIONS, status="200")


async def reading(asked: Asked) -> Report:
    report: Report = {}
    async with _stage(asked) as stage:
        sizes = [len(body) for body in stage.known]
        say(f"{len(sizes):,} contexts of {mean(sizes):,.0f} bytes, {max(sizes):,} at most")
        for name in asked.names:
            ours: Run = stage.changed if name == "context_read_cold" else stage.unchanged
            results = await race(asked.rounds, {"hub": ours, "floor": stage.bare_rows})
            target = 0.35 if name == "context_read_cold" else 0.7
            found = compared(target, results["hub"], results["floor"], ("hub", "floor"))
            found["server_cpu"] = paired(results["hub"], results["floor"], server_cpu_speed)
            found["bytes"] = round(mean(sizes))
            report |= done(name, found)
    return report


@asynccontextmanager
async def _stage(asked: Asked) -> AsyncIterator[_Stage]:
    """A store that holds the workload, the hub's API and the floor over it, and what they answer at first."""
    workload = make_workload(asked.events)
    identifiers = _some_identifiers(workload.records, min(READ, max(asked.events // 10, 1)))
    async with AsyncExitStack() as stack:
        store_url = await stack.enter_async_context(fresh_database(asked.settings.store_url))
        log = SqliteLog(asked.folder / "log.db", PARTITIONS)
        await log.start()
        stack.push_async_callback(log.stop)
        store = open_store(store_url)
        await store.start()
        stack.push_async_callback(store.stop)
        projector = Projector(log, store, {IDS.tenant: Tenancy(IDS, DEFAULT)})
        await _apply(projector, [Record(INTERACTIONS, key, value) for key, value in workload.records])
        client = await stack.enter_async_context(started("load"))
        client.go()
        settings = asked.settings.model_copy(
            update={"log_url": f"sqlite:///{asked.folder / 'log.db'}", "store_url": store_url}
        )
        api = stack.enter_context(service("run api", settings, asked.folder))
        postgres = {"postgres": postgres_of(store_url)}
        hub = Target(api.url, api.process.pid, postgres)
        stage = _Stage(asked, store_url, projector, client, hub, hub, identifiers)

        def keep(answers: list[bytes]) -> None:
            stage.known = list(map(made.body_of, answers))

        await stage.read(stage.asks, check=keep)
        await _make_table(store_url)
        bare = await stack.enter_async_context(started("floor-reading", Task(store_url=store_url)))
        bare.go()
        stage.bare = Target(f"http://127.0.0.1:{bare.told['port']}", bare.pid, postgres)
        yield stage


async def _apply(projector: Projector, records: Sequence[Record]) -> None:
    for at in range(0, len(records), _AT_ONCE):
        await projector.log.append(records[at : at + _AT_ONCE])
    await projector.catch_up()


async def _make_table(store_url: str) -> None:
    database = await asyncpg.connect(plain(store_url))
    await database.execute(floor.CREATE)
    await database.close()


async def _store_rows(store_url: str, stage: _Stage) -> None:
    database = await asyncpg.connect(plain(store_url))
    keys = [f"{kind}:{value}" for kind, value in stage.identifiers]
    await database.execute("TRUNCATE floor_documents")
    await database.copy_records_to_table("floor_documents", records=list(zip(keys, stage.known, strict=True)))
    await database.execute("VACUUM ANALYZE floor_documents")
    await database.close()


def _some_identifiers(records: Sequence[tuple[bytes, bytes]], count: int) -> list[tuple[str, str]]:
    """One of each customer, of customers that events all over the log name: the busier, the likelier."""
    found: dict[str, tuple[str, str]] = {}
    step = max(len(records) // (count * 3), 1)
    for _, value in records[::step]:
        data = msgspec.json.decode(value)["data"]
        identifier = data["participants"][0]["identifiers"][0]
        found.setdefault(data["interaction"].split("-")[1], (identifier["kind"], identifier["value"]))
        if len(found) == count:
            break
    return list(found.values())


def _bare(identifiers: Sequence[tuple[str, str]]) -> list[bytes]:
    return [made.get(f"{floor.PATH}?{kind}:{value}") for kind, value in identifiers]


def _repeated(values: Sequence[bytes], count: int) -> list[bytes]:
    return [values[number % len(values)] for number in range(min(count, READS))]


def _version(body: bytes) -> int:
    found: int = msgspec.json.decode(body)["meta"]["version"]
    return found


def _differ(one: bytes, other: bytes) -> bool:
    return one.partition(b',"body":')[2] != other.partition(b',"body":')[2]


def _sum(results: Sequence[Result]) -> Result:
    cpu: dict[str, float | None] = {}
    for who in results[0].cpu:
        spent = [result.cpu[who] for result in results]
        cpu[who] = None if None in spent else round(sum(value for value in spent if value is not None), 4)
    return replace(
        results[0],
        events=sum(result.events for result in results),
        seconds=sum(result.seconds for result in results),
        cpu=cpu,
        requests=sum(result.requests for result in results),
        client_cpu=sum(result.client_cpu for result in results),
        p50=mean(result.p50 for result in results),
        p99=max(result.p99 for result in results),
    )
