"""Measure how long a context takes: 10,000 customers with 20 events each on Kafka and PostgreSQL, read by 8 clients, by
a bare endpoint that reads one row by its key and returns as many bytes, to the same clients.

``context_latency``: nothing has changed since the last read of any. ``context_latency_changed``: each has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import mean
from typing import Any

import asyncpg
import msgspec
from tests.bench.contest import same
from tests.bench.contexts import Stage, on_stage
from tests.bench.report import slower
from tests.bench.running import FULL_EVENTS, Asked, Report, Run, done, race, say
from tests.bench.servers import end_offsets, fill, fresh_database, plain, topics
from tests.bench.services import service
from tests.bench.workload import make_workload

from cx_events.errors import Fatal
from cx_events.log import INTERACTIONS, Record

TARGETS = {"context_latency_changed": 3.0, "context_latency": 1.4}
LATENCY = tuple(TARGETS)
CUSTOMERS = 10_000
EACH = 20
CLIENTS = 8

_POSITIONS = f"SELECT coalesce(sum(next_offset), 0) FROM partitions WHERE topic = '{INTERACTIONS}'"
_NOTICES = "SELECT count(*) FROM outbox"
_LOOK_SECONDS = 0.05
_PATIENCE = 300.0


async def latency(asked: Asked) -> Report:
    report: Report = {}
    async with _stage(asked) as stage:
        sizes = [len(body) for body in stage.known]
        say(f"{len(sizes):,} contexts of {mean(sizes):,.0f} bytes, {sum(sizes) / (1 << 20):,.0f} MB in all")
        for name in asked.names:
            ours: Run = stage.changed if name == "context_latency_changed" else stage.unchanged
            results = await race(asked.rounds, {"hub": ours, "floor": stage.bare_rows})
            found = slower(TARGETS[name], results["hub"], results["floor"], ("hub", "floor"))
            report |= done(name, found | {"customers": len(sizes), "bytes": round(mean(sizes))})
    return report


@asynccontextmanager
async def _stage(asked: Asked) -> AsyncIterator[Stage]:
    """As ``cx run projectors`` folded the events and ``cx run api`` answers at first."""
    customers = max(CUSTOMERS * min(asked.events, FULL_EVENTS) // FULL_EVENTS, CLIENTS)
    workload = make_workload(customers * EACH, customers=customers, in_turn=True)
    log_url = asked.settings.log_url
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(topics(log_url))
        store_url = await stack.enter_async_context(fresh_database(asked.settings.store_url))
        settings = asked.settings.model_copy(update={"store_url": store_url})
        began = time.perf_counter()
        await fill(log_url, prefix, workload.records)
        stack.enter_context(service("run projectors", settings, asked.folder, prefix))
        database = await asyncpg.connect(plain(store_url))
        stack.push_async_callback(database.close)

        async def apply(records: Sequence[Record]) -> None:
            await fill(log_url, prefix, [(record.key, record.value) for record in records])
            await _applied(database, log_url, prefix)

        await apply([])
        await database.execute("VACUUM ANALYZE")  # as the server does by itself, but sooner
        say(f"{workload.events:,} events of {customers:,} customers applied in {time.perf_counter() - began:.0f} s")
        identifiers = _one_of_each(workload.records)
        stage = await on_stage(stack, asked, settings, identifiers, apply, connections=CLIENTS, prefix=prefix)
        counts = sorted(msgspec.json.decode(body)["body"]["counts"]["events"] for body in stage.known)
        # A third has three identifiers, which in a few of them nothing has tied together yet.
        same("contexts of all events, of ten", round(counts.count(EACH) * 10 / customers), 10)
        yield stage


async def _applied(database: asyncpg.Connection[Any], log_url: str, prefix: str) -> None:
    """Until a projector is at the end of the log, and whoever follows has been told."""
    ends = sum((await end_offsets(log_url, prefix + INTERACTIONS)).values())
    until = time.perf_counter() + _PATIENCE
    while await database.fetchval(_POSITIONS) < ends or await database.fetchval(_NOTICES):
        if time.perf_counter() > until:
            raise Fatal(f"projectors did not apply all events within {_PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)


def _one_of_each(records: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """An identifier of each customer: of several the one that came last."""
    found: dict[str, tuple[str, str]] = {}
    for _, value in records:
        data = msgspec.json.decode(value)["data"]
        identifier = data["participants"][0]["identifiers"][0]
        found[data["interaction"].split("-")[1]] = (identifier["kind"], identifier["value"])
    return list(found.values())
