"""From accepted to readable in the context, by Kafka alone from produced to consumed; at an even, moderate rate."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.bench.children import Child, Task, started
from tests.bench.contest import broker_of, postgres_of, spent
from tests.bench.floors.freshness import A_SECOND
from tests.bench.measure import cpu_seconds
from tests.bench.report import Result, compared, p50, p99, paired, percentile
from tests.bench.running import Asked, Report, done, race, say
from tests.bench.servers import fresh_database, topics
from tests.bench.services import KEY, service

SECONDS = 20
"""At most, of each side in a round."""


async def freshness(asked: Asked) -> Report:
    """The ratio of the 99th percentiles, with that of the medians beside it; the rest of a report is the servers'."""
    async with AsyncExitStack() as stack:
        log_url = asked.settings.log_url
        ours, theirs = [await stack.enter_async_context(topics(log_url)) for _ in range(2)]
        store_url = await stack.enter_async_context(fresh_database(asked.settings.store_url))
        settings = asked.settings.model_copy(update={"store_url": store_url})
        services = [service(f"run {name}", settings, asked.folder, ours) for name in ("projectors", "channels", "api")]
        running = await asyncio.gather(*(asyncio.to_thread(stack.enter_context, each) for each in services))
        count = min(asked.events, SECONDS * A_SECOND)
        say(f"{count:,} events, {A_SECOND} a second")
        urls = [service.url for service in running[1:]]
        hub = _Side(
            "hub-freshness",
            Task(urls=urls, key=KEY, count=count),
            [each.process.pid for each in running],
            asked,
            store_url,
        )
        kafka = _Side("floor-freshness", Task(log_url=log_url, prefix=theirs, count=count), [], asked, store_url)
        results = await race(asked.rounds, {"hub": hub.measured, "kafka": kafka.measured})
    report = compared(5.0, results["hub"], results["kafka"], ("hub", "kafka"), worth=p99, at_most=True)
    report["p50"] = paired(results["hub"], results["kafka"], p50)
    return done("freshness_p99_vs_kafka", report)


@dataclass(frozen=True, slots=True)
class _Side:
    kind: str
    task: Task
    servers: list[int]
    asked: Asked
    store_url: str

    async def measured(self) -> Result:
        async with started(self.kind, self.task) as child:
            before = self._cpu(child)
            child.go()
            told = await child.counted()
            after = self._cpu(child)
        latencies = sorted(seconds * 1000 for seconds in told["latencies"])
        if again := told.get("asked_again"):
            say(f"{again} reads were answered that it is not there yet, and asked again")
        return Result(
            self.task.count,
            told["seconds"],
            spent(before, after),
            requests=self.task.count,
            p50=percentile(latencies, 0.5),
            p99=percentile(latencies, 0.99),
        )

    def _cpu(self, child: Child) -> dict[str, float | None]:
        """The application's own: of the hub its services; of Kafka alone the process that produces and consumes."""
        return {
            "application": sum(cpu_seconds(pid) or 0.0 for pid in self.servers or [child.pid]),
            "postgres": cpu_seconds(postgres_of(self.store_url)),
            "broker": cpu_seconds(broker_of(self.asked.settings.log_url)),
        }
