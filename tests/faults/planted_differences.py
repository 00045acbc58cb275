"""Differences planted between a log and a store, one in each trial: ``cx verify`` must find and name each, and name
nothing where nothing was planted.

python -m tests.faults.planted_differences [--trials N] [--seed TEXT] [--parts embedded|servers]

As many trials are made with a difference as without, on SQLite and on Kafka with PostgreSQL: the kinds come one after
the other. ``CX_LOG_URL`` and ``CX_STORE_URL`` name servers to use; without them some are started.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random
from uuid import uuid4

import asyncpg
from tests.faults.ground import home, servers
from tests.planting.hubs import Hub, embedded_hub, servers_hub
from tests.planting.kinds import KINDS
from tests.planting.trials import Found, trial
from tests.stores import sqlite_store

Opener = Callable[[Path, Random], AbstractAsyncContextManager[Hub]]


def on_files(folder: Path, random: Random) -> AbstractAsyncContextManager[Hub]:
    return embedded_hub(folder, sqlite_store(folder), random)


def on_servers(kafka: str, postgres: str) -> Opener:
    """Each trial has topics and a database of its own on these servers."""

    @asynccontextmanager
    async def opened(folder: Path, random: Random) -> AsyncIterator[Hub]:
        name = f"planted_{uuid4().hex[:12]}"
        server = await asyncpg.connect(postgres.replace("+asyncpg", ""))
        try:
            await server.execute(f"CREATE DATABASE {name}")
            url = f"{postgres.rpartition('/')[0]}/{name}"
            async with servers_hub(folder, kafka.removeprefix("kafka://"), url, random) as hub:
                yield hub
        finally:
            await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await server.close()

    return opened


async def planted_differences(name: str, opener: Opener, trials: int, seed: str) -> list[Found]:
    """Run the trials, and print what came of each that is wrong, and a line at the end."""
    found = []
    started = time.monotonic()
    for number in range(trials):
        for difference in (KINDS[number % len(KINDS)], None):
            with home() as folder:
                result = await trial(lambda random, at=folder: opener(at, random), f"{seed}-{number}", difference)  # type: ignore[misc]
            found.append(result)
            if not result.is_right:
                print(
                    f"  {name}, trial {number}: {result.kind}: wanted {sorted(result.wanted)}, got {result.wrong[:3]}"
                )
    with_one = [each for each in found if each.wanted]
    without = [each for each in found if not each.wanted]
    print(
        f"{name}: {sum(each.is_right for each in with_one)} of {len(with_one)} planted differences found and named "
        f"({len({each.kind for each in with_one})} kinds), {sum(bool(each.wrong) for each in without)} named in "
        f"{len(without)} trials without; {time.monotonic() - started:.0f} s",
        flush=True,
    )
    return found


async def all_parts(trials: int, seed: str, parts: str | None) -> list[Found]:
    found: list[Found] = []
    if parts != "servers":
        found += await planted_differences("SQLite", on_files, trials, seed)
    if parts != "embedded":
        log, store = os.environ.get("CX_LOG_URL", ""), os.environ.get("CX_STORE_URL", "")
        if log.startswith("kafka://") and store.startswith("postgresql"):
            found += await planted_differences("Kafka and PostgreSQL", on_servers(log, store), trials, seed)
        else:
            with servers("kafka", "postgres") as (_, settings):
                opener = on_servers(settings["CX_LOG_URL"], settings["CX_STORE_URL"])
                found += await planted_differences("Kafka and PostgreSQL", opener, trials, seed)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", default="planted")
    parser.add_argument("--parts", choices=("embedded", "servers"), help="on these parts alone")
    given = parser.parse_args()
    found = asyncio.run(all_parts(given.trials, given.seed, given.parts))
    return 0 if all(each.is_right for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
