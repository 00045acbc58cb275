"""Programs that a run starts, tells to go and measures.

What they say and hear, a line each: ``ready`` with what there is to know of them, then they hear ``go``; then requests
and answers, if they are ``Child.ask``ed any; at last ``end``, and they tell what they counted.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from cx_events.errors import Fatal
from cx_runtime.gc_tuning import settle

ROOT = Path(__file__).parents[2]

_ANSWER_SECONDS = 900.0

_LONGEST_LINE = 16 << 20
"""Of what a contender counted: a latency for each of its requests, for one."""


class Task(Struct):
    """``log_url``, ``prefix``: where the events are. ``store_url``: a database. ``worker``: this process's name.
    ``partitions``: those that a floor reads. ``folder``, ``urls``, ``key``, ``count``, ``each``, ``followers``,
    ``pid``: as a contender needs them."""

    log_url: str = ""
    prefix: str = ""
    store_url: str = ""
    worker: str = "bench-0"
    partitions: list[int] = []
    folder: str = ""
    urls: list[str] = []
    key: str = ""
    count: int = 0
    each: int = 0
    followers: int = 0
    pid: int = 0


Go = Callable[..., Awaitable[None]]
"""Tells that the contender is ready, and what there is to know of it (by name); returns when it is to go. Afterwards
it hears when to end, unless it ``listens=False`` since it reads its standard input itself."""

Contender = Callable[[Task, asyncio.Event, Go], Awaitable[dict[str, Any]]]
"""Prepares, awaits the third argument, works until the event is set; returns what it counted."""


def play(contender: Contender, task: Task) -> None:
    """Run a contender in a loop of uvloop's, as ``cx`` does."""

    async def run() -> None:
        over = asyncio.Event()
        listening: list[asyncio.Task[None]] = []

        async def go(*, listens: bool = True, **told: Any) -> None:
            settle()
            print(msgspec.json.encode({"ready": True, **told}).decode(), flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            if listens:
                listening.append(asyncio.create_task(end()))

        async def end() -> None:
            await asyncio.to_thread(sys.stdin.readline)
            over.set()

        counted = await contender(task, over, go)
        print(msgspec.json.encode(counted).decode(), flush=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


class Child:
    """A program that was started and is ready. ``told``: what it said of itself."""

    def __init__(self, kind: str, process: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        self.kind = kind
        self.told = told
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    def go(self) -> None:
        self._say(b"go\n")

    async def ask(self, command: Struct) -> dict[str, Any]:
        self._say(msgspec.json.encode(command) + b"\n")
        return await self._heard()

    async def end(self) -> dict[str, Any]:
        """What it counted."""
        self._say(b"end\n")
        counted = await self._heard()
        await self._process.wait()
        return counted

    async def counted(self) -> dict[str, Any]:
        """What one that ends by itself counted."""
        return await self._heard()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)

    async def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise Fatal(f"the contender {self.kind} is silent since {_ANSWER_SECONDS:.0f} s") from None
        if not line:
            raise Fatal(f"the contender {self.kind} ended before it was told to")
        found: dict[str, Any] = msgspec.json.decode(line)
        return found


@asynccontextmanager
async def started(kind: str, task: Task | None = None) -> AsyncIterator[Child]:
    """A contender, ready; killed at the end of the block if it still runs. ``Fatal`` where it does not get ready."""
    told = msgspec.json.encode(task or Task()).decode()
    async with running(kind, [sys.executable, "-m", "tests.bench.contender", kind, told]) as child:
        yield child


@asynccontextmanager
async def running(
    kind: str, command: Sequence[str], environ: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Child]:
    """Any program that speaks as a contender does, as ``started``. ``environ``: variables besides those of ours."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    child = Child(kind, process, {})
    try:
        child.told = await child._heard()
        yield child
    finally:
        await child.kill()
