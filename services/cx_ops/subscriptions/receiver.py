"""Decide when a receiver is to be asked: it rests while it is down, so that not every key finds out by itself.

It counts as down once records of ``MOST_FAILING`` keys have failed and none was delivered in between, or while it asks
for time (``Retry-After`` with 429 or 503). Then it is asked again after 5 s, 10 s and so on up to 5 minutes, or after
what it asked for, up to an hour. What it takes ends that.
"""

from __future__ import annotations

from collections.abc import Callable

from cx_runtime.outbound.outcomes import Later

MOST_FAILING = 5
FIRST_REST, LONGEST_REST = 5.0, 300.0
LONGEST_ASKED = 3600.0
LONG_OUTAGE = 60.0
_ASK_FOR_TIME = (429, 503)


class Receiver:
    """``random``: 0 to 1. Times are seconds since 1970."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failing: set[object] = set()
        self._rests = 0
        self._since = 0.0
        self.rests_until = 0.0
        self.taken_at = 0.0
        """When it last took something; 0 before."""

    def is_asked(self, now: float) -> bool:
        """Return whether it may be asked."""
        return now >= self.rests_until

    @property
    def is_down(self) -> bool:
        """Return whether it rests, or rested and has taken nothing since."""
        return self._rests > 0

    def failed(self, key: object, later: Later, now: float) -> None:
        """Note that a record of this key was not delivered."""
        self._since = self._since or now
        self._failing.add(key)
        if now < self.rests_until:
            return
        asked = min(later.retry_after or 0.0, LONGEST_ASKED) if later.status in _ASK_FOR_TIME else 0.0
        if asked or len(self._failing) >= MOST_FAILING:
            rest = min(FIRST_REST * 2 ** min(self._rests, 10), LONGEST_REST) * (0.9 + 0.2 * self._random())
            self._rests += 1
            self.rests_until = now + max(rest, asked)

    def delivered(self, now: float) -> bool:
        """Note that it took something; return whether that ends a long outage."""
        was_long = self.is_down and now - self._since >= LONG_OUTAGE
        self._failing.clear()
        self.taken_at = now
        self._rests, self._since, self.rests_until = 0, 0.0, 0.0
        return was_long

    def ask_now(self) -> None:
        """Ask it at once, since an operator says so."""
        self.rests_until = 0.0
