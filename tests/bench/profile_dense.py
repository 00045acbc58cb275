"""``python -m tests.bench.profile_dense``: where a projector's time goes while nearly everybody is new.

A projector with its relay works through a log, sampled by CPU time, each statement timed at the driver. Printed are
what application, PostgreSQL and broker took, statements by time, and functions by CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop
from tests.bench.contest import Place, project, verify
from tests.bench.dense_workload import make_dense_workload
from tests.bench.hubs.profiled import Profile
from tests.bench.report import Result
from tests.bench.running import say
from tests.bench.sampling import Stack, by_function
from tests.bench.servers import fresh_database, preloaded, servers
from tests.bench.statements import Spent
from tests.bench.workload import Workload, make_workload

from cx_events.errors import CxError
from cx_runtime.settings import Settings

EVENTS = 50_000
TOP = 40

WORKLOADS = {
    "dense": make_dense_workload,
    "mail-only": lambda events: make_dense_workload(events, mail_only=True),
    "standard": make_workload,
}


def main(arguments: Sequence[str]) -> int:
    """Profile as ``arguments`` say, print the tables; 1 where a server is missing or the store does not end right."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile_dense", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="distinct events (default %(default)s)")
    parser.add_argument("--workload", choices=WORKLOADS, default="dense", help="default %(default)s")
    parser.add_argument("--workers", type=int, default=1, help="projectors, a process each (default %(default)s)")
    parser.add_argument("--top", type=int, default=TOP, help="lines of each table (default %(default)s)")
    parser.add_argument("--stacks", type=Path, help="a file for the samples as folded stacks, for flame graphs")
    asked = parser.parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    workload = WORKLOADS[asked.workload](asked.events)
    try:
        with servers(Settings()) as found, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result, profile = runner.run(profiled(found, workload, asked.workers))
    except CxError as error:
        say(str(error))
        return 1
    print(told(result, profile, asked.top))
    if asked.stacks:
        asked.stacks.write_text(folded(profile), encoding="utf-8")
    return 0


async def profiled(settings: Settings, workload: Workload, workers: int) -> tuple[Result, Profile]:
    """Return what workers took for a whole log, and their profiles added up; the store is verified."""
    with tempfile.TemporaryDirectory(prefix="cx-profile-") as folder:
        async with (
            preloaded(settings.log_url, workload) as prefix,
            fresh_database(settings.store_url) as store_url,
        ):
            place = Place(settings.log_url, settings.store_url, prefix, workload)
            until = len(workload.records)
            result = await project("hub-profiled", place, store_url, workers, until, workload.events, folder)
            await verify("hub-profiled", store_url, workload)
        files = sorted(Path(folder).iterdir())
        return result, total([msgspec.json.decode(file.read_bytes(), type=Profile) for file in files])


def total(profiles: Sequence[Profile]) -> Profile:
    """Return several workers' profiles as one. Pure."""
    statements: dict[str, Spent] = {}
    stacks: Counter[Stack] = Counter()
    for profile in profiles:
        for text, spent in profile.statements.items():
            sum_of = statements.setdefault(text, Spent())
            sum_of.calls += spent.calls
            sum_of.wall += spent.wall
            sum_of.cpu += spent.cpu
        stacks.update(dict(profile.stacks))
    applied, batches = sum(each.applied for each in profiles), sum(each.batches for each in profiles)
    return Profile(applied, batches, statements, list(stacks.items()))


def told(result: Result, profile: Profile, top: int) -> str:
    """Return the tables as text. Pure."""
    events, batches = result.events / 100_000, max(profile.batches, 1)
    spent = ", ".join(f"{who} {seconds / events:.2f}" for who, seconds in result.cpu.items() if seconds is not None)
    lines = [
        f"{result.events:,} events, {result.rate:,.0f} a second, {profile.batches} batches",
        f"CPU seconds per 100,000 events: {spent}",
        "",
        "Statements, by the backend's CPU seconds per 100,000 events; wall and calls a batch:",
        "  CPU s  wall ms  calls",
    ]
    ranked = sorted(profile.statements.items(), key=lambda item: (item[1].cpu, item[1].wall), reverse=True)
    for text, each in ranked[:top]:
        wall, calls = each.wall / batches * 1000, each.calls / batches
        lines.append(f"{each.cpu / events:7.3f} {wall:8.2f} {calls:6.2f}  {text[:170]}")
    cpu = sum(each.cpu for _, each in ranked) / events
    wall = sum(each.wall for _, each in ranked) / batches * 1000
    calls = sum(each.calls for _, each in ranked) / batches
    lines += [f"{cpu:7.3f} {wall:8.2f} {calls:6.2f}  all {len(ranked)} statements", ""]
    return "\n".join(lines + _functions(Counter(dict(profile.stacks)), top))


def _functions(stacks: Counter[Stack], top: int) -> list[str]:
    own, whole = by_function(stacks)
    samples = max(stacks.total(), 1)

    def table(title: str, counted: Counter[str]) -> list[str]:
        rows = [f"{100 * count / samples:6.1f}%  {name}" for name, count in counted.most_common(top)]
        return [title, *rows, ""]

    return [
        f"{samples:,} samples of the application's CPU time",
        "",
        *table("Functions, with what they call:", whole),
        *table("Functions by themselves (calls into C with them):", own),
    ]


def folded(profile: Profile) -> str:
    """Return the samples as one line a stack: functions by ``;``, a space, how often. Pure."""
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(profile.stacks))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
