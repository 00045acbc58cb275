"""Decide when to try again: at once, then at growing distances until 75 hours are over.

The distances are those that Standard Webhooks 1.0 proposes, with one more at the start for a receiver that just
restarts.
"""

from __future__ import annotations

from collections.abc import Callable

_MINUTE, _HOUR = 60.0, 3600.0
DELAYS: tuple[float, ...] = (
    5.0,
    30.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    23.4 * _HOUR,
)
"""Seconds after the first failure, the second, and so on: 75 hours in all."""
_JITTER = 0.1
MOST_ASKED = 24 * _HOUR
"""Seconds that a receiver may ask for by ``Retry-After``; more counts as this."""


def delay_after(failures: int, retry_after: float | None, random: Callable[[], float]) -> float | None:
    """Return seconds until the next attempt, or None once all have been made.

    ``failures``: attempts that failed, from 1. ``retry_after``: what the receiver asked for, which is waited for at
    least. ``random``: 0 to 1; moves a distance by up to a tenth, so that many senders do not come at once.
    """
    if failures > len(DELAYS):
        return None
    planned = DELAYS[failures - 1] * (1 - _JITTER + 2 * _JITTER * random())
    return max(planned, min(retry_after or 0.0, MOST_ASKED))
