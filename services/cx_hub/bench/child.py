"""What a contender's program says to the run that started it, and hears: ``ready``, ``go``, and a line to end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from cx_hub.garbage import settle


class Task(Struct):
    """``log_url``, ``prefix``: where the events are. ``store_url``: a database. ``worker``: this process's name."""

    log_url: str
    prefix: str
    store_url: str
    worker: str = "bench-0"


Contender = Callable[[Task, asyncio.Event, Callable[[], Awaitable[None]]], Awaitable[dict[str, Any]]]
"""Prepares, awaits the third argument (that is: go), works until the event is set; returns what it counted."""


def play(contender: Contender, task: Task) -> None:
    """Run a contender in a loop of uvloop's, as ``cx`` does."""

    async def run() -> None:
        over = asyncio.Event()
        listening: list[asyncio.Task[None]] = []

        async def go() -> None:
            settle()
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            listening.append(asyncio.create_task(end()))

        async def end() -> None:
            await asyncio.to_thread(sys.stdin.readline)
            over.set()

        counted = await contender(task, over, go)
        print(msgspec.json.encode(counted).decode(), flush=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
