"""Do something again while a log or a store is away for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cx_events.errors import TryLater

PATIENCE = 60.0
"""Seconds within which a part that is away has to be back."""
_FIRST_PAUSE, _MOST_PAUSE = 0.2, 5.0

T = TypeVar("T")


async def _nothing() -> None: ...


async def patiently(
    work: Callable[[], Awaitable[T]],
    *,
    seconds: float = PATIENCE,
    is_outage: Callable[[TryLater], bool] = lambda error: True,
    meanwhile: Callable[[], Awaitable[None]] = _nothing,
) -> T:
    """Return what ``work`` does, begun again after each ``TryLater`` for ``seconds``, with growing pauses.

    ``work`` has to bear that it was done already: the outcome of what failed is unknown. ``is_outage``: whether waiting
    helps (a disk that is full does not empty by it). ``meanwhile``: is called before each pause; what it raises ends
    the wait. Raises ``TryLater`` where the part stays away.
    """
    pause, until = _FIRST_PAUSE, time.monotonic() + seconds
    while True:
        try:
            return await work()
        except TryLater as error:
            if not is_outage(error) or time.monotonic() > until:
                raise
            await meanwhile()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _MOST_PAUSE)
