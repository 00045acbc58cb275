"""Decide how often a document is asked for: strangers may name addresses, and must not make us ask for ever."""

from __future__ import annotations

from collections import deque

DELAYS = (2.0, 10.0, 60.0, 300.0, 600.0)
"""Seconds after the first failure, the second, and so on; the last one from then on."""

MOST_ASKED = 30
"""Documents that requests may have fetched by one tenant in ``WINDOW`` seconds. Each genuine one serves for months."""

WINDOW = 600.0
_MOST_REMEMBERED = 1_000


class Pacing:
    """The pace of one tenant. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[int, float]] = {}
        self._elsewhere: dict[str, float] = {}
        self._asked: deque[float] = deque()

    def may_ask(self, url: str, now: float, *, known: bool) -> bool:
        """Return whether a document may be asked for now. ``known``: the connection needs it in any case, so that what
        strangers name can't keep it away."""
        if now < self._failed.get(url, (0, 0.0))[1]:
            return False
        while self._asked and self._asked[0] <= now - WINDOW:
            self._asked.popleft()
        return known or len(self._asked) < MOST_ASKED

    def asked(self, now: float, *, known: bool) -> None:
        """Note that one was asked for."""
        if not known:
            self._asked.append(now)

    def failed(self, url: str, now: float) -> None:
        """Note that it did not come: it is asked for again after a while that grows."""
        failures = self._failed.get(url, (0, 0.0))[0] + 1
        self._note(url, failures, now + DELAYS[min(failures, len(DELAYS)) - 1])

    def elsewhere(self, url: str, until: float, *, known: bool) -> None:
        """Note that another process asks for it: that is waited for, and counts there."""
        self._elsewhere[url] = until
        if not known and self._asked:
            self._asked.pop()

    def is_elsewhere(self, url: str, now: float) -> bool:
        """Return whether another process was asking for it a moment ago."""
        if self._elsewhere.get(url, now) > now:
            return True
        self._elsewhere.pop(url, None)
        return False

    def _note(self, url: str, failures: int, until: float) -> None:
        self._failed.pop(url, None)
        if len(self._failed) >= _MOST_REMEMBERED:
            del self._failed[next(iter(self._failed))]
        self._failed[url] = failures, until

    def came(self, url: str) -> None:
        """Note that it came."""
        self._failed.pop(url, None)
