"""Decide when to ask again: at growing distances, at random, and never before the hub said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Retry:
    """The bounds of asking again: how often, and for how long.

    ``attempts``: requests in all, None for no bound. ``first`` seconds after the first failure, then twice as many each
    time up to ``most``, each shortened at random by up to a half, so that many clients do not come at once.
    ``patience``: seconds of waiting in all; a pause that would exceed it is not begun. ``Retry-After`` is waited for at
    least, plus up to a second.
    """

    attempts: int | None = 8
    first: float = 0.5
    most: float = 30.0
    patience: float = 120.0

    def pause(
        self, failures: int, waited: float, retry_after: float | None, chance: Callable[[], float]
    ) -> float | None:
        """Return seconds until the next attempt, or None where there is none.

        ``failures``: so far, from 1. ``waited``: seconds so far. ``chance``: 0 to 1.
        """
        if self.attempts is not None and failures >= self.attempts:
            return None
        grown = min(self.most, self.first * 2.0 ** min(failures - 1, MOST_DOUBLINGS))
        planned = grown * (1.0 - 0.5 * chance())
        if retry_after is not None and retry_after >= planned:
            planned = retry_after + min(1.0, retry_after) * chance()
        return planned if waited + planned <= self.patience else None


FOR_EVER = Retry(attempts=None, patience=float("inf"))
"""Ask again whatever comes, half a minute apart at most."""

NEVER = Retry(attempts=1)
"""Ask once."""


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After`` (RFC 9110, section 10.2.3), None where it says none.

    A date counts from the answer's own ``Date``, so that the clocks here and there need not agree.
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
