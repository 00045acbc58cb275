"""Whose cancellation a ``CancelledError`` is.

asyncio ends a task by raising ``CancelledError`` in it; a library may raise the same error by accident, when it awaits
a task of its own that it has cancelled (aiokafka's ``Fetcher.close`` does). Taken for ours, it ends a worker without a
word. So whatever belongs to a library is awaited through one of these:

    with guard_cancellation("kafka"):            # a call
        records = await consumer.getmany()
    await closed(consumer.stop(), seconds=5.0)      # an end, which may hang as well
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_closing: set[asyncio.Task[Any]] = set()
"""Ends that nobody waits for any more. The event loop itself holds its tasks only weakly."""


class Interrupted(ConnectionError):
    """A library cancelled what it was asked for, though nobody had asked it to. Ask again, on a new connection."""


@contextmanager
def guard_cancellation(what: str) -> Iterator[None]:
    """Raise ``Interrupted`` for a ``CancelledError`` that this task was not asked for; let ours through."""
    task = asyncio.current_task()
    asked = task.cancelling() if task is not None else 0
    try:
        yield
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling() > asked:
            raise
        raise Interrupted(f"{what} was cancelled from within") from error


async def close_within(ending: Coroutine[Any, Any, object], seconds: float) -> BaseException | None:
    """Carry out an end, whatever comes of it, and wait for it for at most ``seconds``.

    Return what it raised, a ``TimeoutError`` where it took longer (it is cancelled then), None where it went well. Our
    own cancellation is obeyed at once; the end goes on without us, for as long as it may take.
    """
    return await asyncio.shield(start_closing(ending, seconds))


def start_closing(ending: Coroutine[Any, Any, object], seconds: float) -> asyncio.Task[BaseException | None]:
    """Carry out an end as ``close_within`` does, beside whatever goes on."""
    task = asyncio.create_task(_bounded(ending, seconds))
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    return task


async def _bounded(ending: Coroutine[Any, Any, object], seconds: float) -> BaseException | None:
    task = asyncio.ensure_future(ending)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        task.add_done_callback(_seen)
        return TimeoutError(f"it did not end within {seconds:g} s")
    if task.cancelled():
        return Interrupted("it was cancelled from within")
    return task.exception()


def _seen(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
