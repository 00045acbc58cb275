"""A server that answers contexts, and a bare endpoint that reads one row by its key and returns as many bytes.

What is read is verified: an unchanged context is byte for byte the one before; a changed one has risen in version, and
of some the latest event is the new one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from statistics import mean
from typing import Any

import asyncpg
import msgspec
from tests.bench import requests as made
from tests.bench.children import Child, Task, started
from tests.bench.contest import postgres_of, same
from tests.bench.floors import reading as floor
from tests.bench.report import Result
from tests.bench.running import Asked
from tests.bench.servers import plain
from tests.bench.services import KEY, Target, send, service
from tests.bench.workload import IDS

from cx_events.envelope import Data, Draft, Identifier, Message, Participant
from cx_events.facts import connection_source
from cx_events.log import INTERACTIONS, Record
from cx_events.stamp import stamp
from cx_events.timestamps import parse_time
from cx_runtime.settings import Settings

READS = 20_000
COLD_READS = 10_000

_SOURCE = connection_source(IDS.tenant, "web")
_LATER = parse_time("2026-12-01T10:00:00Z")

Apply = Callable[[Sequence[Record]], Awaitable[None]]
"""Puts records on the log; returns when a projector has applied them."""


@dataclass
class Stage:
    """``known``: of ``identifiers`` of different customers the answer that came last."""

    asked: Asked
    store_url: str
    apply: Apply
    client: Child
    hub: Target
    bare: Target
    identifiers: list[tuple[str, str]]
    connections: int
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
            connections=self.connections,
            status="200",
            answers=check,
        )

    async def unchanged(self) -> Result:
        """Every answer is that of the last read, byte for byte."""
        requests = _repeated(self.asks, self.asked.events)

        def check(answers: list[bytes]) -> None:
            bodies = list(map(made.body_of, answers))
            same("contexts that changed by themselves", sum(map(differ, bodies, _repeated(self.known, len(bodies)))), 0)

        await self.read(self.asks)
        return await self.read(requests, check=check)

    async def changed(self) -> Result:
        """Turns of a change and a read of every customer, until there are enough reads; only reads are measured."""
        results: list[Result] = []
        while sum(result.events for result in results) < min(self.asked.events, COLD_READS):
            results.append(await self._turn())
        return summed(results)

    async def _turn(self) -> Result:
        self.turns += 1
        await self.apply(self._changes())

        def check(answers: list[bytes]) -> None:
            bodies = list(map(made.body_of, answers))
            stale = sum(version_of(new) <= version_of(old) for new, old in zip(bodies, self.known, strict=True))
            same("contexts that did not change", stale, 0)
            for number in range(0, len(bodies), max(len(bodies) // 20, 1)):
                latest = msgspec.json.decode(bodies[number])["body"]["timeline"][0]["event"]["id"]
                same("the latest event", latest, self._id(number))
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
        return await send(
            self.client, self.bare, requests, self.asked.folder, connections=self.connections, status="200"
        )


async def on_stage(
    stack: AsyncExitStack,
    asked: Asked,
    settings: Settings,
    identifiers: list[tuple[str, str]],
    apply: Apply,
    *,
    connections: int,
    prefix: str = "",
) -> Stage:
    """The hub's API over the store of these settings, the floor over the same, and what the hub answers at first."""
    client = await stack.enter_async_context(started("load"))
    client.go()
    api = stack.enter_context(service("run api", settings, asked.folder, prefix))
    postgres = {"postgres": postgres_of(settings.store_url)}
    hub = Target(api.url, api.process.pid, postgres)
    stage = Stage(asked, settings.store_url, apply, client, hub, hub, identifiers, connections)

    def keep(answers: list[bytes]) -> None:
        stage.known = list(map(made.body_of, answers))

    await stage.read(stage.asks, check=keep)
    await _make_table(settings.store_url)
    bare = await stack.enter_async_context(started("floor-reading", Task(store_url=settings.store_url)))
    bare.go()
    stage.bare = Target(f"http://127.0.0.1:{bare.told['port']}", bare.pid, postgres)
    return stage


async def _make_table(store_url: str) -> None:
    database = await asyncpg.connect(plain(store_url))
    await database.execute(floor.CREATE)
    await database.close()


async def _store_rows(store_url: str, stage: Stage) -> None:
    database = await asyncpg.connect(plain(store_url))
    keys = [f"{kind}:{value}" for kind, value in stage.identifiers]
    await database.execute("TRUNCATE floor_documents")
    await database.copy_records_to_table("floor_documents", records=list(zip(keys, stage.known, strict=True)))
    await database.execute("VACUUM ANALYZE floor_documents")
    await database.close()


def _bare(identifiers: Sequence[tuple[str, str]]) -> list[bytes]:
    return [made.get(f"{floor.PATH}?{kind}:{value}") for kind, value in identifiers]


def _repeated(values: Sequence[bytes], count: int) -> list[bytes]:
    return [values[number % len(values)] for number in range(min(count, READS))]


def version_of(body: bytes) -> int:
    found: int = msgspec.json.decode(body)["meta"]["version"]
    return found


def differ(one: bytes, other: bytes) -> bool:
    return one.partition(b',"body":')[2] != other.partition(b',"body":')[2]


def summed(results: Sequence[Result]) -> Result:
    """One run that was interrupted."""
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
