"""Measure what an event costs of a customer who has a long history, by what it costs of one who has a short one.

On both sides as many customers, as evenly busy, get as many events; only what was stored and folded of them before
differs. That is done once, and every round begins with a copy of the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.bench.contest import Place, project, verify
from tests.bench.report import Result, compared, cpu_per_event, paired, seconds_per_event
from tests.bench.running import FULL_EVENTS, Asked, Report, done, race, say
from tests.bench.servers import fill, fresh_database, topics
from tests.bench.workload import Workload, make_workload

SHORT = 10
LONG = 10_000
CUSTOMERS = 50
STEP = 60_000_000
"""A minute from event to event: 10,000 events of 50 customers fill a year."""


@dataclass(frozen=True, slots=True)
class _History:
    """A log whose first ``before`` records are applied in the database ``template``."""

    place: Place
    before: int
    measured: int
    template: str

    async def go_on(self) -> Result:
        records = len(self.place.workload.records)
        async with fresh_database(self.place.store_url, self.template) as store_url:
            result = await project("hub", self.place, store_url, 1, records, self.measured)
            await verify("hub", store_url, self.place.workload)
        return result


async def history_cost(asked: Asked) -> Report:
    """In CPU seconds, which tell of an event's cost what the time that passes does not; ``wall`` stands beside it."""
    measured = max(asked.events // 10, CUSTOMERS)
    long = max(LONG * min(asked.events, FULL_EVENTS) // FULL_EVENTS, SHORT)
    async with _history(asked, long, measured) as one, _history(asked, SHORT, measured) as other:
        results = await race(asked.rounds, {"long": one.go_on, "short": other.go_on})
    report = compared(1.2, results["long"], results["short"], ("long", "short"), worth=cpu_per_event, at_most=True)
    report["wall"] = paired(results["long"], results["short"], seconds_per_event)
    report["events_a_customer"] = {"long": long, "short": SHORT, "measured": measured // CUSTOMERS}
    return done("history_cost", report)


@asynccontextmanager
async def _history(asked: Asked, each: int, measured: int) -> AsyncIterator[_History]:
    workload = make_workload(CUSTOMERS * each + measured, 0.0, customers=CUSTOMERS, skew=1.0, step=STEP)
    before = _records_of(workload, CUSTOMERS * each)
    say(f"{CUSTOMERS} customers with {each:,} events each, then {measured:,} more")
    log_url, store_url = asked.settings.log_url, asked.settings.store_url
    async with topics(log_url) as prefix, fresh_database(store_url) as template:
        place = Place(log_url, store_url, prefix, workload)
        await fill(log_url, prefix, workload.records[:before])
        await project("hub", place, template, 1, before, CUSTOMERS * each)
        await fill(log_url, prefix, workload.records[before:])
        yield _History(place, before, measured, template)


def _records_of(workload: Workload, events: int) -> int:
    """How many records there are until that many distinct events have come."""
    seen: set[bytes] = set()
    for number, (_, value) in enumerate(workload.records):
        seen.add(value)
        if len(seen) == events:
            return number + 1
    return len(workload.records)
