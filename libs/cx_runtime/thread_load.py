"""Let small pieces of work that come one after another wait for each other while their thread is busy.

    load = ThreadLoad()
    began = time.monotonic()
    await apply(batch)
    await asyncio.sleep(load.gap(0.03) - (time.monotonic() - began))

What is done together costs less: a batch of ten events takes hardly more statements than one of a single event. Where
there is time to spare nobody need wait for others; where there is none, everything in the process waits for the price
of doing each by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SAMPLE_SECONDS = 0.25
EASY = 0.4
FULL = 0.7
"""Shares of the time that the thread had a processor: up to the first nothing waits, from the second on as long as is
allowed."""


class ThreadLoad:
    """Tells how busy the asking thread is. ``clock`` and ``cpu``: seconds that passed, and those that it worked."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._cpu = cpu
        self._since: tuple[float, float] | None = None
        self._share = 0.0

    @property
    def share(self) -> float:
        """Return the share of the last quarter of a second that the thread had a processor; 0 before there is one."""
        now = self._clock()
        if self._since is None:
            self._since = now, self._cpu()
        elif now - self._since[0] >= SAMPLE_SECONDS:
            before, spent = self._since
            self._since = now, self._cpu()
            self._share = (self._since[1] - spent) / (now - before)
        return self._share

    def gap(self, longest: float) -> float:
        """Return the seconds that should lie between the beginnings of two pieces of work: 0 while the thread has time
        to spare, at most ``longest``."""
        return longest * min(max((self.share - EASY) / (FULL - EASY), 0.0), 1.0)
