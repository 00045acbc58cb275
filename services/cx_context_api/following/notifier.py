"""Wake a follower that waits for news."""

from __future__ import annotations

import asyncio


class Notifier:
    """Wakes one follower. Cheaper than an ``asyncio.Event`` with ``wait_for``: there are thousands."""

    __slots__ = ("_notified", "_waiting")

    def __init__(self) -> None:
        self._notified = False
        self._waiting: asyncio.Future[bool] | None = None

    def notify(self) -> None:
        """Wake the follower, now or when it waits next."""
        self._notified = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(True)

    async def wait(self, seconds: float) -> bool:
        """Wait for a notification, at most so many seconds. Return whether there was one since the last wait."""
        if not self._notified:
            loop = asyncio.get_running_loop()
            waiting = self._waiting = loop.create_future()
            timer = loop.call_later(seconds, _wake, waiting)
            try:
                await waiting
            finally:
                timer.cancel()
                self._waiting = None
        notified, self._notified = self._notified, False
        return notified


def _wake(waiting: asyncio.Future[bool]) -> None:
    if not waiting.done():
        waiting.set_result(False)
