"""Answer look-ups together: while one statement is under way, those who ask meanwhile go in the next.

So each sees a state no older than its question, and the more ask at once the less each costs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from cx_context.store.port import unavailable
from cx_events.cancellation import guard_cancellation
from cx_events.errors import TryLater

PATIENCE = 1.1
"""Seconds that one statement may take. Nobody waits for more than two: the one under way, and the next."""

Key = TypeVar("Key")
Found = TypeVar("Found")


class BatchLoader(Generic[Key, Found]):
    """Collect look-ups by key, and answer them together. ``ask`` returns what it finds by key; it is called by one task
    at a time, with at most ``most`` different keys."""

    def __init__(self, ask: Callable[[list[Key]], Awaitable[Mapping[Key, Found]]], *, most: int) -> None:
        self._ask = ask
        self._most = most
        self._waiting: list[tuple[Key, asyncio.Future[Found | None]]] = []
        self._flight: asyncio.Task[None] | None = None

    async def of(self, key: Key) -> Found | None:
        """Return what is found for a key, or None. Raises ``TryLater`` within twice ``PATIENCE``."""
        answer: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fly())
        return await answer

    async def stop(self) -> None:
        if self._flight is not None:
            self._flight.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flight

    async def _fly(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(asked)
        finally:
            self._flight = None

    async def _answer(self, asked: Sequence[tuple[Key, asyncio.Future[Found | None]]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                with guard_cancellation("a question to the store"):
                    found = await self._ask(list({key for key, _ in asked}))
        except Exception as error:  # whatever it is: those who wait for the next statement would only wait in vain
            trouble = error if isinstance(error, TryLater) else unavailable(error)
            self._give_up(asked, trouble.detail if str(error) else "no answer in time")
            return
        except BaseException:  # we are stopped
            self._give_up(asked, "it is being closed")
            raise
        for key, answer in asked:
            if not answer.done():
                answer.set_result(found.get(key))

    def _give_up(self, asked: Sequence[tuple[Key, asyncio.Future[Found | None]]], why: str) -> None:
        """Answer everybody who waits with ``TryLater``."""
        everybody, self._waiting = [*asked, *self._waiting], []
        for _, answer in everybody:
            if not answer.done():
                answer.set_exception(TryLater("store", why))
