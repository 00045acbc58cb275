"""Bound how long a request waits for what it asks of the store or the log."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from cx_events.errors import TryLater

DEADLINE_SECONDS = 2.2
"""Seconds that store and log may take together for one request; a client must get 503 within 2.5 s."""

MAX_ABANDONED = 1_000
"""Tasks that overran their time and have not ended yet. Above this, no new work is started."""

Answer = TypeVar("Answer")
_abandoned: set[asyncio.Task[Any]] = set()


async def within(work: Coroutine[Any, Any, Answer], part: str = "store", seconds: float = DEADLINE_SECONDS) -> Answer:
    """Return the result of ``work``, or raise ``TryLater`` after ``seconds``.

    Late work is cancelled and not waited for: a driver can take long to give up a connection to a frozen server.
    """
    if len(_abandoned) >= MAX_ABANDONED:
        work.close()
        raise TryLater(part, "too many earlier requests to it have not ended yet")
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if task.cancelled():
        raise TryLater(part, "the work was cancelled")
    if done:
        return task.result()
    _abandon(task)
    raise TryLater(part, f"no answer within {seconds:.1f} s")


def _abandon(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and hold a reference until it ends: the event loop's own references are weak."""
    _abandoned.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()
