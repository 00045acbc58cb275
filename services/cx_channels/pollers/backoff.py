"""Pause between two tries: longer each time, and random, so that many processes don't come back at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Pauses(NamedTuple):
    """Seconds of the first pause and of the longest; each is twice the one before."""

    first: float
    longest: float


class Backoff:
    """``random``: 0 to 1."""

    def __init__(self, pauses: Pauses, random: Callable[[], float]) -> None:
        self._pauses = pauses
        self._random = random
        self._next = pauses.first

    def pause(self, at_least: float = 0.0) -> float:
        """Return the next pause: between half and all of it, and no less than ``at_least``."""
        pause = max(self._next * (0.5 + self._random() / 2), at_least)
        self._next = min(self._next * 2, self._pauses.longest)
        return pause

    def reset(self) -> None:
        """It worked: the next pause is the first."""
        self._next = self._pauses.first
