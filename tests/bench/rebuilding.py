"""Measure a rebuild beside the live pipeline: the same events, two workers each; then ``cx verify`` and a replay to a
file; then reads and lag while a rebuild runs.

    CX_LOG_URL=kafka://... CX_STORE_URL=postgresql+asyncpg://... python -m tests.bench.rebuilding
        [--events 100000] [--customers 5000] [--workers 2] [--live-seconds 30]

Prints one JSON object. ``rate``: events a second of wall time; ``cpu_us``: the workers' own microseconds of CPU an
event, which a busy machine does not change. The store must be an empty database.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import msgspec
from tests.bench.measure import cpu_seconds
from tests.bench.repairs import replayed, verified
from tests.bench.servers import preloaded
from tests.bench.workload import ID_KEY, IDS, make_workload
from tests.faults.ground import Ground, Service, caught_up
from tests.patience import PATIENCE

from cx_context.store import Store
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.testing.builders import an_event
from cx_hub.stack.processes import free_port
from cx_ops.lag import lag_of
from cx_ops.rebuild import control
from cx_runtime.settings import Settings

READS_A_SECOND = 50
EVENTS_A_SECOND = 100
_LOOK = 0.05

CONFIG = f"""
tenants:
  acme:
    id_key: "{ID_KEY}"
    keys: [{{id: bench, secret: "a key of the benchmark alone", scopes: ["*"], rate: unlimited}}]
"""
KEY = "a key of the benchmark alone"


async def _done(service: Service, holds: Callable[[], Awaitable[bool]], events: int) -> dict[str, float]:
    """Return rate and CPU of a process from its first work until what is waited for holds."""
    before, began = cpu_seconds(service.pid) or 0.0, time.perf_counter()
    while not await holds():
        assert service.ended() is None, service.said.read_text()[-2000:]
        await asyncio.sleep(_LOOK)
    seconds, cpu = time.perf_counter() - began, (cpu_seconds(service.pid) or 0.0) - before
    return {"seconds": round(seconds, 1), "rate": round(events / seconds), "cpu_us": round(cpu * 1e6 / events, 1)}


async def _live(ground: Ground, store: Store, log: Log, events: int, workers: int) -> dict[str, float]:
    """Measure the live pipeline from an empty store on, and stop it."""
    service = ground.service(f"run projectors --workers {workers} --port {free_port()}", "live")
    service.start()
    try:
        await service.ready()
        waiting = asyncio.create_task(caught_up(store, log))

        async def is_level() -> bool:
            return waiting.done()

        found = await _done(service, is_level, events)
        service.stop()
        return found
    finally:
        service.kill()


async def _rebuilt(ground: Ground, store: Store, events: int, workers: int) -> dict[str, float]:
    """Measure a filling, then the writing of its lists, for which the live pipeline has no time while it is behind, and
    then the comparison."""
    service = ground.service(f"rebuild context --review --workers {workers}", f"rebuild-{time.monotonic_ns()}")
    service.start()
    try:
        while await _applied(store) == (0, 0):
            assert service.ended() is None, service.said.read_text()[-2000:]
            await asyncio.sleep(_LOOK)

        found = await _done(service, partial(_has_said, service, b"writing lists"), events)
        lists = await _done(service, partial(_has_said, service, b"comparing"), events)
        began = time.perf_counter()
        while service.ended() is None:
            await asyncio.sleep(_LOOK)
        assert service.ended() == 0, service.said.read_text()[-2000:]
        status = await control.status(store)
        assert status is not None and status.record.report is not None and status.record.report.differing == 0, status
        compare_seconds = round(time.perf_counter() - began, 1)
        return {**found, "list_seconds": lists["seconds"], "compare_seconds": compare_seconds}
    finally:
        service.kill()


async def _has_said(service: Service, words: bytes) -> bool:
    return words in service.said.read_bytes()


async def _applied(store: Store) -> tuple[int, int]:
    found = await control.status(store)
    return (0, 0) if found is None or found.phase != "filling" else (found.record.events, found.record.applied)


@asynccontextmanager
async def _serving(ground: Ground) -> Any:
    """Run projectors and an API; its address."""
    port = free_port()
    services = [
        ground.service(f"run projectors --port {free_port()}", "projectors-beside"),
        ground.service(f"run api --port {port}", "api"),
    ]
    try:
        for service in services:
            service.start()
        for service in services:
            await service.ready()
        yield f"http://127.0.0.1:{port}"
    finally:
        for service in services:
            service.kill()


async def _watched(url: str, store: Store, log: Log, customers: int, enough: Callable[[], bool]) -> dict[str, float]:
    """Read and write at fixed rates until it is enough; milliseconds of reads, seconds of lag."""
    seconds: list[float] = []
    lags: list[float] = []
    tasks: set[asyncio.Task[None]] = set()
    headers = {"Authorization": f"Bearer {KEY}"}
    dice = random.Random(7)
    async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as client:

        async def read() -> None:
            customer = 3 * dice.randrange(customers // 3) + 1
            began = time.perf_counter()
            answer = await client.get(f"{url}/v1/context?identifier=email:c{customer}@example.com")
            assert answer.status_code in (200, 404), answer.text
            seconds.append(time.perf_counter() - began)

        begun, number = time.perf_counter(), 0
        while not enough():
            number += 1
            tasks.add(asyncio.create_task(read()))
            if number % 5 == 0:
                await _write(log, dice, customers, EVENTS_A_SECOND * 5 // READS_A_SECOND, number)
            if number % READS_A_SECOND == 0:
                lags.append(max((row.seconds for row in await lag_of(log, store)), default=0.0))
            tasks -= {task for task in tasks if task.done() and task.result() is None}
            await asyncio.sleep(max(begun + number / READS_A_SECOND - time.perf_counter(), 0))
        await asyncio.gather(*tasks)
    in_order = sorted(seconds)
    return {
        "reads": len(in_order),
        "p50_ms": round(in_order[len(in_order) // 2] * 1000, 1),
        "p99_ms": round(in_order[len(in_order) * 99 // 100] * 1000, 1),
        "lag_seconds_max": round(max(lags, default=0.0), 2),
    }


async def _write(log: Log, dice: random.Random, customers: int, count: int, number: int) -> None:
    events = [
        an_event(
            id=f"live-{number}-{n}",
            email=f"c{3 * dice.randrange(customers // 3) + 1}@example.com",
            interaction=f"live-{number}",
            text="now",
            ids=IDS,
        )
        for n in range(count)
    ]
    await log.append([Record(INTERACTIONS, each.key, each.raw) for each in events])


async def _beside(ground: Ground, store: Store, log: Log, asked: argparse.Namespace) -> dict[str, Any]:
    async with _serving(ground) as url:
        until = time.monotonic() + asked.live_seconds
        quiet = await _watched(url, store, log, asked.customers, lambda: time.monotonic() > until)
        service = ground.service(f"rebuild context --review --workers {asked.workers}", "rebuild-beside")
        service.start()
        try:
            during = await _watched(url, store, log, asked.customers, lambda: service.ended() is not None)
        finally:
            service.kill()
        return {"quiet": quiet, "during": during, "p99_ratio": round(during["p99_ms"] / quiet["p99_ms"], 2)}


async def rebuilding(asked: argparse.Namespace) -> Mapping[str, Any]:
    settings = Settings()
    workload = make_workload(asked.events, customers=asked.customers)
    with TemporaryDirectory(prefix="throughline-bench-") as folder:
        home = Path(folder)
        (home / "config.yaml").write_text(CONFIG)
        async with preloaded(settings.resolved_log_url(), workload) as prefix:
            ground = Ground(
                home,
                {
                    "CX_LOG_URL": settings.resolved_log_url(),
                    "CX_STORE_URL": settings.resolved_store_url(),
                    "CX_TOPIC_PREFIX": prefix,
                    "CX_CONFIG": str(home / "config.yaml"),
                },
            )
            async with ground.log() as log, ground.store() as store, asyncio.timeout(PATIENCE * 20):
                records = len(workload.records)
                live = await _live(ground, store, log, records, asked.workers)
                _say(f"live: {live}")
                rebuilt = await _rebuilt(ground, store, records, asked.workers)
                _say(f"rebuilt: {rebuilt}")
                await control.ask(store, control.Asker("bench", "the next measurement", "bench"), "cancel")
                verifying = await verified(ground, records)
                _say(f"verified: {verifying}")
                replaying = await replayed(ground, records)
                _say(f"replayed: {replaying}")
                beside = await _beside(ground, store, log, asked) if asked.live_seconds else None
    return {
        "events": records,
        "customers": asked.customers,
        "workers": asked.workers,
        "live": live,
        "rebuild": rebuilt,
        "rate_ratio": round(rebuilt["rate"] / live["rate"], 2),
        "cpu_ratio": round(rebuilt["cpu_us"] / live["cpu_us"], 2),
        "verify": verifying,
        "replay": replaying,
        "beside": beside,
    }


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, usual in (("--events", 100_000), ("--customers", 5_000), ("--workers", 2), ("--live-seconds", 30)):
        parser.add_argument(option, type=int, default=usual)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the commands print is not the answer
    with answer:
        answer.write(msgspec.json.format(msgspec.json.encode(asyncio.run(rebuilding(parser.parse_args())))) + b"\n")
