"""Wake readers that wait in event loops, from any thread."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Wake:
    """An event of the running loop that any thread may set."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            pass  # the reader's loop is closed: nobody waits there any more

    def clear(self) -> None:
        self._event.clear()

    def is_set(self) -> bool:
        """Return whether anybody called since it was cleared."""
        return self._event.is_set()

    async def wait(self, seconds: float) -> None:
        """Return when it is set, or after ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


class WakeList:
    """The readers to wake when records are committed."""

    def __init__(self) -> None:
        self._wakes: set[Wake] = set()

    def add(self, wake: Wake) -> None:
        self._wakes.add(wake)

    def discard(self, wake: Wake) -> None:
        self._wakes.discard(wake)

    def wake_all(self) -> None:
        """Set every event. Called by the writer's thread, while readers come and go."""
        for wake in tuple(self._wakes):
            wake()
