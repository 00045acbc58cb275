"""Tell our own cancellation from a library's.

asyncio ends a task by raising ``CancelledError`` in it. A library may raise the same error by accident, when it awaits
a task of its own that it has cancelled (aiokafka's ``Fetcher.close`` does); mistaken for ours, it ends a worker
silently. So everything of a library is awaited through one of these:

    with guard_cancellation("kafka"):            # a call
        records = await consumer.getmany()
    await closed(consumer.stop(), seconds=5.0)      # a close, which may hang as well
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

_closing: set[asyncio.Task[Any]] = set()
"""Closes in the background. Kept here, since the event loop holds its tasks only weakly."""


class Interrupted(ConnectionError):
    """A library cancelled a call that nobody asked it to cancel. Call again, on a new connection."""


class guard_cancellation:  # noqa: N801 - used as contextlib's are; a generator would cost thrice as much
    """Raise ``Interrupted`` for a ``CancelledError`` that nobody sent to this task; let ours through.

    ``what``: the call, for the error text.
    """

    __slots__ = ("_asked", "_task", "_what")

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._task = task = asyncio.current_task()
        self._asked = task.cancelling() if task is not None else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or not issubclass(kind, asyncio.CancelledError):
            return
        if self._task is None or self._task.cancelling() <= self._asked:
            raise Interrupted(f"{self._what} was cancelled by its library") from error


async def close_within(close: Coroutine[Any, Any, object], seconds: float) -> BaseException | None:
    """Await a close for at most ``seconds``, and never raise what it raises.

    Return its error, a ``TimeoutError`` where it took longer (it is cancelled then), or None. Where this task is
    cancelled, raise at once; the close goes on in the background within its time.
    """
    return await asyncio.shield(start_closing(close, seconds))


def start_closing(close: Coroutine[Any, Any, object], seconds: float) -> asyncio.Task[BaseException | None]:
    """Start a close as ``close_within`` does, in the background, and return its task."""
    task = asyncio.create_task(_bounded(close, seconds))
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    return task


async def _bounded(close: Coroutine[Any, Any, object], seconds: float) -> BaseException | None:
    task = asyncio.ensure_future(close)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        task.add_done_callback(_retrieve_error)
        return TimeoutError(f"the close did not end within {seconds:g} s")
    if task.cancelled():
        return Interrupted("the close was cancelled by its library")
    return task.exception()


def _retrieve_error(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
