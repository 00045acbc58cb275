"""Wait with a deadline, whose timer is made only where there is something to wait for.

    message = await Within(10.0, receive())

Most bodies have arrived when they are asked for: a timer that is made and cancelled for each costs as much as reading
their JSON does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Within(Generic[T]):
    """Awaited: what ``coroutine`` returns, or ``TimeoutError`` once it has waited for ``seconds``."""

    __slots__ = ("_coroutine", "_seconds")

    def __init__(self, seconds: float, coroutine: Coroutine[Any, Any, T]) -> None:
        self._seconds = seconds
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        try:
            waits_for = self._coroutine.send(None)
        except StopIteration as done:
            found: T = done.value
            return found
        return (yield from self._timed(waits_for).__await__())

    async def _timed(self, waits_for: Any) -> T:
        async with asyncio.timeout(self._seconds):
            return await _Begun(self._coroutine, waits_for)


class _Begun(Generic[T]):
    """A coroutine that was begun by hand and waits for something: its task is told what, then all goes on."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    told = yield waits_for
                except BaseException as error:  # the task is cancelled, which is the coroutine's affair
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(told)
        except StopIteration as done:
            found: T = done.value
            return found
