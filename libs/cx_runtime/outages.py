"""Log an outage of a part once when it begins, then once a minute, and once when it is over: per process, not per
waiting task."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

AGAIN_SECONDS = 60.0
AT_MOST_EVERY = 10.0
"""Of a part that comes and goes."""


@dataclass
class _Away:
    since: float
    waiting: set[str] = field(default_factory=set)
    told: bool = False


class Outages:
    """The parts that are away and who waits for them. ``clock``: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._away: dict[str, _Away] = {}
        self._told_at: dict[str, float] = {}
        self._said = structlog.get_logger("cx_runtime.outages")

    def away(self, part: str, who: str, why: str) -> None:
        """``who`` waits for a part, which says ``why`` it can't be had."""
        now = self._clock()
        away = self._away.setdefault(part, _Away(now))
        away.waiting.add(who)
        pause = AGAIN_SECONDS if away.told else AT_MOST_EVERY
        if now - self._told_at.get(part, -AGAIN_SECONDS) >= pause:
            self._told_at[part], away.told = now, True
            seconds = round(now - away.since)
            self._said.warning("a part does not answer", part=part, why=why, seconds=seconds, waiting=len(away.waiting))

    def back(self, who: str) -> None:
        """``who`` goes on. A part for which nobody waits any more is back."""
        if not self._away:
            return
        for part in [part for part, away in self._away.items() if who in away.waiting]:
            away = self._away[part]
            away.waiting.discard(who)
            if not away.waiting:
                del self._away[part]
                if away.told:
                    self._said.warning("a part answers again", part=part, seconds=round(self._clock() - away.since))
