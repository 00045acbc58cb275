"""Limit wrong attempts at short codes.

    tries = AttemptLimits(GUESSES)
    tries.wait("acme", "way", "ivr")         # seconds until one more may be tried over this way; 0: now
    tries.count("acme", "way", "ivr")        # one more that was wrong

Counted are the *caller* (a contact), the *customer* that a contact says to be, and the *way* in (a key, a connection).
What strangers get wrong over one way says nothing about another way, nor about a caller who is known: who asks decides
which of the three count (docs/decisions/0021-shares.md).

This process's own, as rates are: of two processes behind one address, each gives the whole.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

from cx_events.errors import TooFast
from cx_runtime.rates import Bucket, Rate

REMEMBERED = 20_000
"""Callers and customers that tried, the latest. Who is forgotten begins anew, and still counts for the way in."""

HOUR = 3600.0

Who = Literal["caller", "customer", "way"]


class AttemptRates(NamedTuple):
    """Wrong tries of one caller, as one customer, and over one way in."""

    caller: Rate
    customer: Rate
    way: Rate


GUESSES = AttemptRates(Rate(5 / HOUR, 5.0), Rate(10 / HOUR, 10.0), Rate(30 / HOUR, 30.0))
"""Of codes that turn out to be none (docs/decisions/0021-shares.md has the arithmetic)."""

ENTRIES = AttemptRates(Rate(10 / HOUR, 10.0), Rate(10 / HOUR, 10.0), Rate(3600 / HOUR, 600.0))
"""Of whatever looks like a code at a channel's intake, which can't tell whether it is one."""


class AttemptLimits:
    """``clock``: seconds, monotonic."""

    def __init__(self, allowed: AttemptRates, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, Who, str], Bucket] = OrderedDict()

    def wait(self, tenant: str, who: Who, name: str) -> int:
        """Seconds until one more may be wrong; 0 where it may now."""
        bucket = self._buckets.get((tenant, who, name))
        if bucket is None:
            return 0
        try:
            bucket.ask()
        except TooFast as too_fast:
            return too_fast.retry_after
        return 0

    def count(self, tenant: str, who: Who, name: str) -> None:
        try:
            self._bucket((tenant, who, name)).take()
        except TooFast:
            pass  # another one, let in at the same time, took the last

    def _bucket(self, key: tuple[str, Who, str]) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            rate: Rate = getattr(self._allowed, key[1])
            bucket = self._buckets[key] = Bucket(rate, "codes", self._clock)
            if len(self._buckets) > REMEMBERED:
                self._forget()
        self._buckets.move_to_end(key)
        return bucket

    def _forget(self) -> None:
        """Whoever tried longest ago; ways are few, and stay."""
        oldest = next((key for key in self._buckets if key[1] != "way"), None)
        if oldest is not None:
            del self._buckets[oldest]

    def __len__(self) -> int:
        return len(self._buckets)


def too_many(wait: int) -> TooFast:
    """Return the error for a caller that has no attempts left for ``wait`` seconds."""
    return TooFast(f"too many codes that are none were tried; none is looked at for {wait} s", wait)
