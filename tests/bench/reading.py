"""Contexts read over HTTP, by a bare endpoint that reads one row by its key and returns as many bytes.

``context_read``: nothing has changed since the last read of any. ``context_read_cold``: each was changed by a projector
since its last read, in turns: a projector applies an event of every customer, then each customer is read once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import mean

import msgspec
from tests.api import Projector
from tests.bench.contexts import Stage, on_stage
from tests.bench.report import compared, paired, server_cpu_speed
from tests.bench.running import Asked, Report, Run, done, race, say
from tests.bench.servers import fresh_database
from tests.bench.workload import IDS, PARTITIONS, make_workload

from cx_context.store import open_store
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_identity.rules import DEFAULT
from cx_projectors.tenancy import Tenancy

READING = ("context_read_cold", "context_read")
READ = 5_000
"""Customers that are read, at most."""
CONNECTIONS = 32
_AT_ONCE = 1_000


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
async def _stage(asked: Asked) -> AsyncIterator[Stage]:
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
        settings = asked.settings.model_copy(
            update={"log_url": f"sqlite:///{asked.folder / 'log.db'}", "store_url": store_url}
        )

        async def apply(records: Sequence[Record]) -> None:
            await _apply(projector, records)

        yield await on_stage(stack, asked, settings, identifiers, apply, connections=CONNECTIONS)


async def _apply(projector: Projector, records: Sequence[Record]) -> None:
    for at in range(0, len(records), _AT_ONCE):
        await projector.log.append(records[at : at + _AT_ONCE])
    await projector.catch_up()


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
