"""Bound how much a key or a connection may send: token buckets.

    bucket = Bucket(Rate.parse("200/s"), "the key 'desk'")
    bucket.take()                            # TooFast(retry_after) where too much was sent

Counted is what is worked on: events, or requests that bring none. A bucket that has anything left lets a batch of any
size through and goes into debt for it: a batch above the burst must be possible to send, and pays for itself after. The
buckets are this process's own: of two processes behind one address, each gives the whole rate.
"""

from __future__ import annotations

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from cx_events.errors import TooFast

UNLIMITED = "unlimited"
_RATE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)/(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_BURST_SECONDS = 2.0
_LEAST_BURST = 10.0


class Rate(NamedTuple):
    """``per_second`` in the long run, ``burst`` at once after a pause; both in events."""

    per_second: float
    burst: float

    @classmethod
    def parse(cls, text: str, burst: float | None = None) -> Rate | None:
        """``200/s``, ``600/m`` or ``10000/h``; None for ``unlimited``. Without a burst: what two seconds bring, and no
        less than ten. ValueError for anything else."""
        if text == UNLIMITED:
            return None
        match = _RATE.fullmatch(text)
        per_second = float(match[1]) / _SECONDS[match[2]] if match else 0.0
        if not per_second:
            raise ValueError(f"{text!r} is not a rate like 200/s, 600/m, 10000/h or {UNLIMITED}")
        return cls(per_second, burst or max(per_second * _BURST_SECONDS, _LEAST_BURST))


_ONE = 1.0 - 1e-9
"""One event, less what adding up fractions of it may lose: whoever waited as told must be let through."""


class Bucket:
    """Takes, and says how long to wait. ``clock``: seconds, monotonic."""

    __slots__ = ("_clock", "_left", "_then", "_what", "burst", "per_second")

    def __init__(self, rate: Rate, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``what`` it is that is limited, for people."""
        self.per_second, self.burst = rate
        self._what = what
        self._clock = clock
        self._left = self.burst
        self._then = clock()

    def take(self, count: int = 1) -> None:
        """``TooFast`` where nothing is left; a ``count`` above what is left makes a debt."""
        now = self._clock()
        self._left = left = min(self.burst, self._left + (now - self._then) * self.per_second)
        self._then = now
        if left < _ONE:
            raise self._too_fast(left)
        self._left = left - count

    def take_more(self, count: int) -> None:
        """After ``take(1)``: the rest of a batch whose size is known only now. Others may have run into debt meanwhile;
        then ``TooFast``, and the one is given back."""
        left = self._left
        if left < 0.0:
            self._left = left + 1.0
            raise self._too_fast(left + 1.0)
        self._left = left - count

    def ask(self) -> None:
        """Raise ``TooFast`` where nothing is left; take nothing."""
        self.take(0)

    def _too_fast(self, left: float) -> TooFast:
        wait = max(math.ceil((1.0 - left) / self.per_second), 1)
        detail = (
            f"{self._what} may send {self.per_second:g} events or requests a second, {self.burst:g} at once; nothing "
            f"of this was taken, and it will be in {wait} s"
        )
        return TooFast(detail, wait)


class _Unlimited(Bucket):
    """For whoever has no rate."""

    __slots__ = ()

    def take(self, count: int = 1) -> None:
        return

    def take_more(self, count: int) -> None:
        return


NO_LIMIT = _Unlimited(Rate(1.0, 1.0), "nobody")


class Buckets:
    """A bucket for each name, of which the latest ``most`` are remembered: who is forgotten begins with a full one."""

    def __init__(
        self,
        rate: Rate,
        what: str,
        most: int,
        clock: Callable[[], float] = time.monotonic,
        whose: str = "this address",
    ) -> None:
        """``what`` is limited, in the plural, and ``whose`` they are, for reasons and people."""
        self._rate = rate
        self._what = what
        self._whose = whose
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one of this name's bucket. Raises ``TooFast`` (reason ``WHAT-too-fast``) where it is empty."""
        bucket = self._buckets.pop(name, None) or Bucket(self._rate, self._what, self._clock)
        self._buckets[name] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        try:
            bucket.take()
        except TooFast as refused:
            detail = f"too many {self._what} from {self._whose}; {self._rate.per_second:.2g} a second are taken"
            raise TooFast(detail, refused.retry_after, f"{self._what}-too-fast") from None

    def __len__(self) -> int:
        return len(self._buckets)
