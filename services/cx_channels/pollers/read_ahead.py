"""Read a source in the background while what came before is stored: many vendors cut off who reads slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from cx_channels.pollers.source import Step
from cx_runtime.owned_tasks import outcome, reason

MOST_STEPS = 500
MOST_BYTES = 64 << 20
"""Steps and bytes that wait to be stored; then reading waits. One step may be larger, if nothing else waits."""


class ReadAhead:
    """Reads until it is closed. Steps are handed on in the source's order, and all that came before its error."""

    def __init__(self, steps: AsyncGenerator[Step, None], most: int = MOST_STEPS, most_bytes: int = MOST_BYTES) -> None:
        self._steps = steps
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: list[Step] = []
        self._bytes = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._task = asyncio.create_task(outcome(self._read()), name="reading a source")
        self._task.add_done_callback(lambda _: self._changed.set())

    async def take(self) -> list[Step]:
        """Return all steps that wait, one at least. Raise what ended the source; ``Ended`` where it just returned."""
        while not self._waiting:
            if self._task.done():
                raise reason(self._task)
            self._changed.clear()
            await self._changed.wait()
        steps, self._waiting, self._bytes = self._waiting, [], 0
        self._room.set()
        return steps

    async def close(self) -> None:
        """Disconnect."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _read(self) -> None:
        async with aclosing(self._steps) as steps:
            async for step in steps:
                while self._waiting and not self._fits(step):
                    self._room.clear()
                    await self._room.wait()
                self._waiting.append(step)
                self._bytes += step.size
                self._changed.set()

    def _fits(self, step: Step) -> bool:
        return len(self._waiting) < self._most and self._bytes + step.size <= self._most_bytes
