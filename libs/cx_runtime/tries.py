"""How often somebody may be wrong: bounds on trying short codes, by who tries, by the way in and by the tenant.

    tries = Tries(GUESSES)
    tries.ask("acme", "ivr", "call-1")       # TooFast once too many were wrong
    tries.count("acme", "ivr", "call-1")     # one more that was wrong

This process's own, as rates are: of two processes behind one address, each gives the whole.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from cx_events.errors import TooFast
from cx_runtime.rates import Bucket, Rate

REMEMBERED = 20_000
"""Of those who tried, the latest. Who is forgotten begins anew, and still counts for the way in and the tenant."""

HOUR = 3600.0


class Allowed(NamedTuple):
    """Tries of one caller, over one way in, and of a whole tenant."""

    caller: Rate
    way: Rate
    tenant: Rate


GUESSES = Allowed(Rate(5 / HOUR, 5.0), Rate(30 / HOUR, 30.0), Rate(60 / HOUR, 60.0))
"""Of codes that turn out to be none (docs/decisions/0014-continuity-tokens.md has the arithmetic)."""

ENTRIES = Allowed(Rate(10 / HOUR, 10.0), Rate(3600 / HOUR, 600.0), Rate(14_400 / HOUR, 2400.0))
"""Of whatever looks like a code at a channel's intake, which can't tell whether it is one."""


class Tries:
    """``clock``: seconds, monotonic."""

    def __init__(self, allowed: Allowed, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, ...], Bucket] = OrderedDict()

    def ask(self, tenant: str, way: str, caller: str) -> None:
        """``TooFast`` where one of the three has none left."""
        for bucket in self._of(tenant, way, caller):
            try:
                bucket.ask()
            except TooFast as too_fast:
                wait = too_fast.retry_after
                detail = f"too many codes that are none were tried; none is looked at for {wait} s"
                raise TooFast(detail, wait) from None

    def count(self, tenant: str, way: str, caller: str) -> None:
        for bucket in self._of(tenant, way, caller):
            try:
                bucket.take()
            except TooFast:
                pass  # another one, let in at the same time, took the last

    def _of(self, tenant: str, way: str, caller: str) -> list[Bucket]:
        return [
            self._bucket((tenant,), self._allowed.tenant),
            self._bucket((tenant, way), self._allowed.way),
            self._bucket((tenant, way, caller), self._allowed.caller),
        ]

    def _bucket(self, who: tuple[str, ...], rate: Rate) -> Bucket:
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket(rate, "codes", self._clock)
            if len(self._buckets) > REMEMBERED:
                self._forget()
        self._buckets.move_to_end(who)
        return bucket

    def _forget(self) -> None:
        """The caller that tried longest ago; ways and tenants are few, and stay."""
        oldest = next((who for who in self._buckets if len(who) == 3), None)
        if oldest is not None:
            del self._buckets[oldest]
