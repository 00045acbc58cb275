"""Hold work to a rate."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """``rate``: records a second; None for no limit. At most a second's worth goes at once after a pause."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._next = time.monotonic()

    def most_at_once(self, most: int) -> int:
        """Return how many records a step may have, so that it takes no more than half a second at this rate."""
        return most if self._rate is None else max(1, min(most, int(self._rate / 2)))

    async def keep(self, records: int) -> None:
        """Wait until as many may have been done as there were."""
        if self._rate is None:
            return
        now = time.monotonic()
        self._next = max(self._next, now - 1.0) + records / self._rate
        if self._next > now:
            await asyncio.sleep(self._next - now)
