"""From accepted to seen by a follower, by Kafka alone from produced to consumed; at an even, moderate rate."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from statistics import median

from tests.bench.children import Task
from tests.bench.floors.freshness import A_SECOND
from tests.bench.freshness import SECONDS, Side
from tests.bench.report import Result, compared, p50, p99, paired
from tests.bench.running import Asked, Report, done, race, say
from tests.bench.servers import fresh_database, topics
from tests.bench.services import KEY, service

FOLLOWING = ("follow_p99_vs_kafka", "followers_2000")
FEW, MANY = 50, 2_000
TARGETS = {FEW: 5.0, MANY: 8.0}


async def following(asked: Asked) -> Report:
    """The ratio of the 99th percentiles, with that of the medians beside it, once with few followers and once with
    many, all of one process; of the many what each costs it in memory."""
    async with AsyncExitStack() as stack:
        log_url = asked.settings.log_url
        ours, theirs = [await stack.enter_async_context(topics(log_url)) for _ in range(2)]
        store_url = await stack.enter_async_context(fresh_database(asked.settings.store_url))
        settings = asked.settings.model_copy(update={"store_url": store_url})
        services = [service(f"run {name}", settings, asked.folder, ours) for name in ("projectors", "channels", "api")]
        running = await asyncio.gather(*(asyncio.to_thread(stack.enter_context, each) for each in services))
        count = min(asked.events, SECONDS * A_SECOND)
        say(f"{count:,} events, {A_SECOND} a second")
        urls, pids = [each.url for each in running[1:]], [each.process.pid for each in running]

        def side(followers: int) -> Side:
            task = Task(urls=urls, key=KEY, count=count, followers=min(followers, count), pid=pids[-1])
            return Side("hub-following", task, pids, asked, store_url)

        few, many = side(FEW), side(MANY)
        kafka = Side("floor-freshness", Task(log_url=log_url, prefix=theirs, count=count), [], asked, store_url)
        contenders = {"few": few.measured, "kafka": kafka.measured, "many": many.measured}
        results = await race(asked.rounds, contenders)
    report: Report = {}
    for name, which, followers in zip(FOLLOWING, ("few", "many"), (FEW, MANY), strict=True):
        report[name] = _compared(results[which], results["kafka"], TARGETS[followers])
    each = [told["memory"] / many.task.followers / 1024 for told in many.told]
    report[FOLLOWING[1]]["memory_kib_per_follower"] = round(median(each), 1)
    told: Report = {}
    for name in report:
        if name in asked.names:
            told |= done(name, report[name])
    return told


def _compared(ours: list[Result], theirs: list[Result], target: float) -> dict[str, object]:
    found = compared(target, ours, theirs, ("hub", "kafka"), worth=p99, at_most=True)
    found["p50"] = paired(ours, theirs, p50)
    return found
