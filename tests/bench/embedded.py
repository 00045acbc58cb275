"""The whole hub in one process on SQLite, by an append to a log file and an insert in a store file.

``hub`` takes the events by POST in batches, as ``cx up`` does, and folds them; ``appended`` is given them on its log.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from tests.bench import requests as made
from tests.bench.children import Child, Task, started
from tests.bench.contest import same, spent
from tests.bench.floors import embedded as floor
from tests.bench.measure import cpu_seconds
from tests.bench.report import Result, compared, paired, side
from tests.bench.running import Asked, Report, done, race, say
from tests.bench.services import KEY, Target, send, service
from tests.bench.workload import Workload, make_workload

from cx_context.store.part_codec import decode_part
from cx_events.errors import Fatal
from cx_runtime.settings import Settings

EVENTS = 50_000
"""At most."""

_LOOK_SECONDS = 0.02
_PATIENCE = 600.0
_POSITIONS = "SELECT coalesce(sum(next_offset), 0) FROM partitions WHERE topic = 'cx.interactions'"


async def embedded(asked: Asked) -> Report:
    events = min(asked.events, EVENTS)
    workload = make_workload(events)
    bodies = list(made.client_events(workload.records))
    requests = made.batches(bodies[: len(bodies) // floor.BATCH * floor.BATCH], KEY, floor.BATCH)
    rest = bodies[len(requests) * floor.BATCH :]
    requests += made.batches(rest, KEY, len(rest)) if rest else []
    say(f"{events:,} events in {len(requests):,} batches")
    async with started("load") as client:
        client.go()
        stage = _Stage(asked, client, workload, requests)
        results = await race(asked.rounds, {"hub": stage.posted, "appended": stage.appended, "floor": stage.floor})
    report = compared(0.3, results["hub"], results["floor"], ("hub", "floor"))
    report["without_http"] = paired(results["appended"], results["floor"]) | side(results["appended"])
    return done("embedded_vs_sqlite", report)


@dataclass(frozen=True, slots=True)
class _Stage:
    asked: Asked
    client: Child
    workload: Workload
    requests: list[bytes]

    async def posted(self) -> Result:
        with tempfile.TemporaryDirectory(dir=self.asked.folder) as name:
            folder = Path(name)
            with service("up", Settings(log_url="", store_url=""), folder) as up:
                target = Target(up.url, up.process.pid, {})
                before = target.cpu()
                result = await send(
                    self.client,
                    target,
                    self.requests,
                    folder,
                    connections=floor.IN_FLIGHT,
                    status="202",
                    events=self.workload.events,
                )
                acknowledged = time.perf_counter()
                store = folder / "home" / "store.db"
                await self._applied(store)
                result = replace(
                    result,
                    seconds=result.seconds + time.perf_counter() - acknowledged,
                    cpu=spent(before, target.cpu()),
                )
            self._verify(store)
        return result

    async def appended(self) -> Result:
        with tempfile.TemporaryDirectory(dir=self.asked.folder) as name:
            async with started("hub-embedded", Task(folder=name, count=self.workload.events)) as hub:
                store = Path(name) / "store.db"
                before, began = cpu_seconds(hub.pid), time.perf_counter()
                hub.go()
                await self._applied(store)
                seconds, after = time.perf_counter() - began, cpu_seconds(hub.pid)
                await hub.end()
            self._verify(store)
        return Result(self.workload.events, seconds, spent({"application": before}, {"application": after}))

    async def floor(self) -> Result:
        with tempfile.TemporaryDirectory(dir=self.asked.folder) as name:
            async with started("floor-embedded", Task(folder=name, count=self.workload.events)) as child:
                child.go()
                told = await child.counted()
            with closing(_open(Path(name) / floor.LOG)) as log:
                same("floor: records", log.execute("SELECT count(*) FROM records").fetchone()[0], self._records)
            with closing(_open(Path(name) / floor.STORE)) as store:
                found = store.execute("SELECT count(*), sum(length(raw)) FROM events").fetchone()
            same("floor: rows, bytes", found, (self.workload.events, self.workload.raw_bytes))
        return Result(self.workload.events, told["seconds"], {"application": round(told["cpu"], 4)})

    @property
    def _records(self) -> int:
        return len(self.workload.records)

    async def _applied(self, path: Path) -> None:
        until = time.perf_counter() + _PATIENCE
        with closing(_open(path)) as store:
            while store.execute(_POSITIONS).fetchone()[0] < self._records:
                if time.perf_counter() > until:
                    raise Fatal(f"the embedded hub did not apply all events within {_PATIENCE:.0f} s")
                await asyncio.sleep(_LOOK_SECONDS)

    def _verify(self, path: Path) -> None:
        """As of a projector; bytes apart, which intake writes anew."""
        with closing(_open(path)) as store:
            same("embedded: events", store.execute("SELECT count(*) FROM events").fetchone()[0], self.workload.events)
            folded = sum(decode_part(body).facts for (body,) in store.execute("SELECT body FROM parts"))
            same("embedded: facts in parts", folded, self.workload.events)
            profiles = store.execute("SELECT count(*) FROM profiles").fetchone()[0]
            joined = store.execute("SELECT count(*) FROM members WHERE profile <> customer").fetchone()[0]
            same(
                "embedded: profiles, customers",
                (profiles, profiles - joined),
                (self.workload.profiles, self.workload.customers),
            )
            same("embedded: dead letters", store.execute("SELECT count(*) FROM dead_letters").fetchone()[0], 0)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)
