"""Run tasks that live as long as their owner, and notice their end.

    async with OwnedTasks() as companions:
        companions.start("renewal", renew())
        ...

A task that nobody awaits can end without anybody hearing of it, by an error, a cancellation or a plain return. Here the
owner hears: its block is interrupted, and ends in ``Ended``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class Ended(Exception):
    """Something that must not end has ended, though nobody had stopped it."""


async def outcome(work: Coroutine[Any, Any, object]) -> BaseException | None:
    """Run work, and return what it raised; None where it returned.

    ``SystemExit`` and ``KeyboardInterrupt`` are returned like any error: asyncio would let them out of the event loop,
    past everybody who waits for the task. A cancellation goes through.
    """
    try:
        await work
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:
        return error
    return None


def reason(task: asyncio.Task[BaseException | None]) -> BaseException:
    """Return why a task that ran ``outcome`` is over: ``Ended`` where no error says so."""
    if task.cancelled():
        return Ended("it was cancelled, and not by us")
    return task.exception() or task.result() or Ended("it returned, as if its work were done")


class OwnedTasks:
    """An asynchronous context manager. ``Ended`` out of the block, with the cause, once one of its tasks is over."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[BaseException | None]] = set()
        self._owner: asyncio.Task[Any] | None = None
        self._leaving = False
        self._ended: tuple[str, BaseException] | None = None

    async def __aenter__(self) -> OwnedTasks:
        self._owner = asyncio.current_task()
        return self

    def start(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Run ``work`` until the block ends. Only inside the block."""
        task = asyncio.create_task(outcome(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[BaseException | None]) -> None:
        self._tasks.discard(task)
        if self._leaving:
            if not task.cancelled():
                task.exception()  # seen, or asyncio complains
            return
        if self._ended is None and self._owner is not None:
            self._ended = task.get_name(), reason(task)
            self._owner.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leaving = True
        interrupted = await self._end_all(error)
        owner = self._owner
        others = owner.uncancel() if self._ended is not None and owner is not None else 0
        if not (kind is None or kind is asyncio.CancelledError):
            return  # the owner has failed on its own: that goes first
        if self._ended is not None and not others:
            name, why = self._ended
            raise Ended(f"{name} is over: {type(why).__name__}: {why}") from why
        if interrupted:
            raise asyncio.CancelledError

    async def _end_all(self, error: BaseException | None) -> bool:
        """Cancel those that still run, and wait for them. Whether we were cancelled meanwhile: by one that ended, which
        may reach us only here, or by somebody else."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
            elif self._ended is not None and not isinstance(error, asyncio.CancelledError):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if tasks:
                await asyncio.wait(tasks)
            return True
        return False
