"""Measure what a customer with 100,000 events costs: read, by a read of one with 100; told late of something, merged,
taken apart again and read as of the past, by what folding that history from nothing costs.

With nine events an interaction, and once more with two, where a cost is bound for each interaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import msgspec
from tests.bench import requests as made
from tests.bench.children import Child, Task, started
from tests.bench.contest import postgres_of, same
from tests.bench.contexts import differ, summed, version_of
from tests.bench.hubs.long import LONG as LONG_ONE
from tests.bench.hubs.long import SHORT as SHORT_ONE
from tests.bench.hubs.long import Did, Do
from tests.bench.report import Result, compared, percentile, rounded, slower, spread
from tests.bench.running import Asked, Report, Run, done, race, say
from tests.bench.servers import fresh_database
from tests.bench.services import KEY, Target, send, service

from cx_context.store.segments import SEGMENT_FACTS

READS = ("long_read_changed", "long_read")
CHANGES: Mapping[str, str] = {"late_event": "late", "merge_long": "merge", "unmerge_long": "unmerge"}
LONG = (*READS, *CHANGES, "as_of_long")

READ_TARGET, CHANGE_TARGET, PAST_TARGET = 1.2, 0.03, 0.05
US_AN_INTERACTION = 3.0
NINE, TWO = 9, 2
CLIENTS = 8
READ = 5_000
TURNS = 5
CHANGED_TURNS = 100
CHANGED_SECONDS = 15.0
"""So many changes, each with a read, or as many as come to pass within that time."""

_ID_KEY = "acme example key"
_MOST_READ = 2 * SEGMENT_FACTS
"""Of a segment that has just grown too long."""


async def long(asked: Asked) -> Report:
    report: Report = {}
    deeds = [name for name in asked.names if name not in READS]
    async with _history(asked, NINE) as nine:
        if reads := [name for name in asked.names if name in READS]:
            report |= await _reads(asked, nine, reads)
        results = await _deeds(asked.rounds, nine, deeds) if deeds else {}
    few: dict[str, list[Result]] = {}
    if deeds:
        async with _history(asked, TWO) as two:
            few = await _deeds(asked.rounds, two, deeds)
    for name in deeds:
        report |= done(name, _deed(name, results, few, max(asked.events // TWO, 1)))
    return report


@dataclass(slots=True)
class _History:
    """``read``: the most rows of the history that anything read."""

    events: int
    store_url: str
    child: Child
    read: int = 0

    async def do(self, what: str, turns: int, *, adds: int = 0) -> list[Did]:
        """So many times. ``Fatal`` where the history is read again, or not written once and for ever."""
        told = [await self._done(what) for _ in range(turns)]
        for did in told:
            same(f"{what}: events stored, rewritten", (did.added, did.rewritten), (adds, 0))
        return told

    async def _done(self, what: str) -> Did:
        return msgspec.convert(await self.child.ask(Do(what)), Did)

    async def timed(self, what: str, turns: int = TURNS, *, adds: int = 0) -> Result:
        return self.result(await self.do(what, turns, adds=adds))

    async def changed(self, what: str) -> Result:
        told = await self.do(what, TURNS, adds=1)
        self.look(told)
        return self.result(told)

    def look(self, told: list[Did]) -> None:
        self.read = max(self.read, *(did.read for did in told))
        same(f"no more than a segment is read again ({self.read} rows)", self.read <= _MOST_READ, True)

    def result(self, told: list[Did]) -> Result:
        cpu: dict[str, float | None] = {"application": median(did.cpu for did in told)}
        return Result(self.events, median(did.seconds for did in told), cpu)


@asynccontextmanager
async def _history(asked: Asked, each: int) -> AsyncIterator[_History]:
    began = perf_counter()
    async with fresh_database(asked.settings.store_url) as store_url:
        task = Task(store_url=store_url, count=asked.events, each=each)
        async with started("hub-long", task) as child:
            child.go()
            seconds = perf_counter() - began
            say(f"two customers with {asked.events:,} events each, {each} an interaction, applied in {seconds:.0f} s")
            yield _History(asked.events, store_url, child)


async def _deeds(rounds: int, history: _History, names: list[str]) -> dict[str, list[Result]]:
    unmerged: list[Result] = []

    async def merged() -> Result:
        """A merge is withdrawn before the next."""
        told: dict[str, list[Did]] = {"merge": [], "unmerge": []}
        for _ in range(TURNS):
            for what, found in told.items():
                found += await history.do(what, 1, adds=1)
        for found in told.values():
            history.look(found)
        unmerged.append(history.result(told["unmerge"]))
        return history.result(told["merge"])

    contenders: dict[str, Run] = {"nothing": partial(history.timed, "nothing", 1)}
    if "as_of_long" in names:
        contenders["past"] = partial(history.timed, "past")
    if "late_event" in names:
        contenders["late"] = partial(history.changed, "late")
    if {"merge_long", "unmerge_long"} & set(names):
        contenders["merge"] = merged
    results = await race(rounds, contenders)
    await history.do("verify", 1)
    say(f"no event rewritten, {history.read} rows of the history read at most")
    return results | {"unmerge": unmerged}


def _deed(
    name: str, nine: Mapping[str, list[Result]], two: Mapping[str, list[Result]], contacts: int
) -> dict[str, Any]:
    what = CHANGES.get(name, "past")
    target = CHANGE_TARGET if name in CHANGES else PAST_TARGET
    sides = ("hub", "from_nothing")
    found = compared(target, nine[what], nine["nothing"], sides, worth=_seconds, at_most=True)
    found["seconds"] = _medians(nine, what)
    few = compared(target, two[what], two["nothing"], sides, worth=_seconds, at_most=True)
    told = {each: few[each] for each in ("ratio", "ratios", "spread")} | {"seconds": _medians(two, what)}
    if name in CHANGES:
        micros = [result.seconds * 1_000_000 / contacts for result in two[what]]
        is_met = median(micros) <= US_AN_INTERACTION
        told["us_an_interaction"] = rounded(median(micros))
        told |= {"target": US_AN_INTERACTION, "met": is_met, "spread": spread(micros)}
        found["met"] = found["met"] and is_met
    found["two_an_interaction"] = told
    return found


def _medians(results: Mapping[str, list[Result]], what: str) -> dict[str, float]:
    sides = {"hub": results[what], "from_nothing": results["nothing"]}
    return {side: rounded(median(result.seconds for result in found)) for side, found in sides.items()}


def _seconds(result: Result) -> float | None:
    return result.seconds


async def _reads(asked: Asked, history: _History, names: list[str]) -> Report:
    report: Report = {}
    async with _readers(asked, history) as (long, short):
        for name in names:
            if name == "long_read":
                results = await race(asked.rounds, {"long": long.unchanged, "short": short.unchanged})
            else:
                results = await race(asked.rounds, {"long": long.changed, "short": short.changed})
            found = slower(READ_TARGET, results["long"], results["short"], ("long", "short"))
            report |= done(name, found | {"bytes": {"long": len(long.known), "short": len(short.known)}})
    return report


@asynccontextmanager
async def _readers(asked: Asked, history: _History) -> AsyncIterator[tuple[_Reader, _Reader]]:
    log_url = f"sqlite:///{asked.folder / 'log.db'}"
    settings = asked.settings.model_copy(update={"log_url": log_url, "store_url": history.store_url})
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(started("load"))
        client.go()
        api = stack.enter_context(service("run api", settings, asked.folder, id_key=_ID_KEY))
        target = Target(api.url, api.process.pid, {"postgres": postgres_of(history.store_url)})
        long, short = (_Reader(asked, history, client, target, email) for email in (LONG_ONE, SHORT_ONE))
        for reader in (long, short):
            await reader.read(1, 1)
        counted = msgspec.json.decode(long.known)["body"]["counts"]["events"]
        same("events of the long history", counted, history.events)
        yield long, short


@dataclass(slots=True)
class _Reader:
    """Of one customer. ``known``: the answer that came last."""

    asked: Asked
    history: _History
    client: Child
    target: Target
    email: str
    known: bytes = b""

    async def read(self, count: int, clients: int, *, is_new: bool = True) -> Result:
        def check(answers: list[bytes]) -> None:
            bodies = list(map(made.body_of, answers))
            if is_new:
                if self.known:
                    same("the context has changed", version_of(bodies[0]) > version_of(self.known), True)
                self.known = bodies[0]
            same("contexts that changed by themselves", sum(differ(body, self.known) for body in bodies), 0)

        requests = [made.context(("email", self.email), KEY)] * count
        folder = self.asked.folder
        return await send(self.client, self.target, requests, folder, connections=clients, status="200", answers=check)

    async def unchanged(self) -> Result:
        return await self.read(min(self.asked.events, READ), CLIENTS, is_new=False)

    async def changed(self) -> Result:
        """A change and one read, in turns; only the reads are measured."""
        until = perf_counter() + CHANGED_SECONDS
        results: list[Result] = []
        while len(results) < min(self.asked.events, CHANGED_TURNS) and (len(results) < TURNS or perf_counter() < until):
            await self.history.child.ask(Do("grow", self.email))
            results.append(await self.read(1, 1))
        latencies = sorted(result.p50 for result in results)
        return replace(summed(results), p50=percentile(latencies, 0.5), p99=percentile(latencies, 0.99))
