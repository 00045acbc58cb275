"""Hold a replay to its speed: by the times at which the log took the records."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pacer:
    """``speed``: how many times faster than recorded; None for no bound. The first record is due at once."""

    def __init__(self, speed: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._first: tuple[float, int] | None = None

    def seconds_left(self, timestamp: int) -> float:
        """Return after how many seconds a record is due. ``timestamp``: in ms."""
        if self._speed is None:
            return 0.0
        now = self._clock()
        if self._first is None:
            self._first = (now, timestamp)
        began, first = self._first
        return max(0.0, began + (timestamp - first) / 1000 / self._speed - now)
