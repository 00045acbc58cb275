"""Vendors that drop, stall, repeat and reorder for minutes, and keepers that die meanwhile: nothing is lost or doubled.

    python -m tests.faults.polled_vendors [--minutes N] [--seed TEXT] [--vendor NAME...]

One vendor after the other is polled on an embedded log and store. Every second or so its faults change, everybody is
cut off, or another keeper takes over. At the end the faults are over, and each message must be one event.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.asterisk_server import telephoning
from tests.aws_server import queue_serving, stream_serving
from tests.fediverse_server import fediverse_serving
from tests.feed_server import feeding
from tests.freeswitch_server import switching
from tests.mailbox_server import Authority, mail_serving
from tests.polled import Faults, Polled, polled
from tests.reddit_server import reddit_serving
from tests.stores import sqlite_store
from tests.youtube_server import youtube_serving

from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.log.sqlite import SqliteLog

Serving = Callable[[Authority], AbstractAsyncContextManager[Any]]
VENDORS: dict[str, Serving] = {
    "queue": lambda _: queue_serving(),
    "stream": lambda _: stream_serving(since="beginning"),
    "feed": lambda _: feeding(),
    "mailbox": lambda authority: mail_serving(authority, since="beginning"),
    "youtube": lambda _: youtube_serving(since="beginning"),
    "reddit": lambda _: reddit_serving(since="beginning"),
    "switch": lambda _: switching(),
    "fediverse": lambda authority: fediverse_serving(authority, since="beginning"),
    "ami": lambda _: telephoning("ami"),
    "ari": lambda _: telephoning("ari"),
}
EVERY = 0.25
"""Seconds between two messages."""


async def trouble(at: Polled, seconds: float, random: Random) -> int:
    """Let a vendor be difficult for a while; return how many messages it had."""
    number, ends = 0, time.monotonic() + seconds
    if hasattr(at.vendor, "check"):
        at.vendor.check = 0.4  # what an event of a telephone system did not tell is found by comparing
    while time.monotonic() < ends:
        async with at.polling():
            for _ in range(random.randint(4, 24)):
                at.vendor.faults = Faults(
                    drop=random.choice((0, 0, 1, 2, 3)),
                    stall=random.choice((0, 0, 0, 2)),
                    repeat=random.random() < 0.3,
                    reorder=random.random() < 0.3,
                )
                for _ in range(4):
                    number += 1
                    at.vendor.say(number)
                    await asyncio.sleep(EVERY)
                if random.random() < 0.2:
                    at.vendor.cut()
                if time.monotonic() >= ends:
                    break
    at.vendor.faults = Faults()
    for _ in range(2):  # shows what was held back
        number += 1
        at.vendor.say(number)
    return number


async def run(name: str, seconds: float, seed: str, folder: Path) -> int:
    """Try one vendor; return how many messages came. Raise where one did not, or became two events."""
    log, store, blobs = SqliteLog(folder / "log.db", 3), open_store(sqlite_store(folder)), FolderBlobs(folder / "blobs")
    authority = Authority(folder)
    for part in (log, store, blobs):
        await part.start()
    try:
        async with VENDORS[name](authority) as vendor, polled(vendor, log, store, blobs) as at:
            count = await trouble(at, seconds, Random(f"{seed} {name}"))
            async with at.polling():
                await at.arrived(range(1, count + 1))
            assert not await at.letters(), f"{name}: something became a dead letter"
            return count
    finally:
        for part in (blobs, store, log):
            await part.stop()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", default="")
    parser.add_argument("--vendor", nargs="*", choices=list(VENDORS), default=list(VENDORS))
    asked = parser.parse_args(arguments)
    for name in asked.vendor:
        with TemporaryDirectory() as folder:
            count = asyncio.run(run(name, asked.minutes * 60, asked.seed, Path(folder)))
        print(f"{name}: {count} messages in {asked.minutes} min of faults, each one event")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
