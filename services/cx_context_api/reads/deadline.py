"""An answer in time, whatever hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from cx_events.errors import TryLater

DEADLINE_SECONDS = 2.2
"""Seconds that the parts behind a request may take together; 503 must be said within 2.5 s."""

MOST_ABANDONED = 1_000
"""Work that was given up and has not ended yet. More of it is not begun."""

Answer = TypeVar("Answer")
_abandoned: set[asyncio.Task[Any]] = set()


async def within(work: Coroutine[Any, Any, Answer], part: str = "store", seconds: float = DEADLINE_SECONDS) -> Answer:
    """What ``work`` gives, or ``TryLater`` after ``seconds``.

    Work that is late is told to stop and not waited for: a driver that gives up a connection to a frozen server takes
    its time about it.
    """
    if len(_abandoned) >= MOST_ABANDONED:
        work.close()
        raise TryLater(part, "too much that was asked of it before has not ended yet")
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if task.cancelled():
        raise TryLater(part, "it was cancelled from within")
    if done:
        return task.result()
    _abandon(task)
    raise TryLater(part, f"no answer within {seconds:.1f} s")


def _abandon(task: asyncio.Task[Any]) -> None:
    """Kept until it ends: the loop itself holds tasks but weakly."""
    _abandoned.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()
