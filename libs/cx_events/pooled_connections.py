"""Acquire connections of an asyncpg pool, and release them, which may take a while and fail.

``async with pool.acquire()`` shields the release from a cancellation and then forgets it: its errors are lost, and
asyncio complains much later. The pool discards a connection whose cancelled statement is not confirmed in time, since
its server is frozen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from cx_events.cancellation import close_within

RETURN_SECONDS = 5.0
_BOUND = 2 * RETURN_SECONDS
"""Longer than the pool's own timeout, so that its error is seen."""


@asynccontextmanager
async def acquire_connection(pool: asyncpg.Pool[Any], seconds: float) -> AsyncIterator[PoolConnectionProxy[Any]]:
    """Yield a connection until the block ends.

    Raises ``TimeoutError`` where there is none within ``seconds``, or the driver's errors, but none of the release.
    """
    driver = await pool.acquire(timeout=seconds)
    try:
        yield driver
    finally:
        await close_within(pool.release(driver, timeout=RETURN_SECONDS), _BOUND)


class KeptConnections:
    """Lend connections of a pool, and keep a few that came back as they went.

    To acquire one of the pool and to release it costs three tasks, more than a point look-up. Kept is one whose block
    raised nothing and left no transaction; any other goes back to the pool, which waits for what was cancelled and
    rolls back what is open. Where somebody waits for the pool, nothing is kept.
    """

    def __init__(self, pool: asyncpg.Pool[Any], *, most: int) -> None:
        self._pool = pool
        self._most = most
        self._kept: list[PoolConnectionProxy[Any]] = []
        self._waiting = 0

    @asynccontextmanager
    async def lend(self, seconds: float) -> AsyncIterator[PoolConnectionProxy[Any]]:
        """Yield a connection until the block ends. Raises as ``acquire_connection`` does."""
        driver = await self._taken(seconds)
        try:
            yield driver
        except BaseException:
            await self._release(driver)
            raise
        if not self._waiting and len(self._kept) < self._most and _is_at_rest(driver):
            self._kept.append(driver)
        else:
            await self._release(driver)

    async def give_back(self) -> None:
        """Release all that is kept, and keep nothing from now on."""
        self._most = 0
        while self._kept:
            await self._release(self._kept.pop())

    async def _taken(self, seconds: float) -> PoolConnectionProxy[Any]:
        while self._kept:
            driver = self._kept.pop()
            if _is_at_rest(driver):
                return driver
            await self._release(driver)
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=seconds)
        finally:
            self._waiting -= 1

    async def _release(self, driver: PoolConnectionProxy[Any]) -> None:
        await close_within(self._pool.release(driver, timeout=RETURN_SECONDS), _BOUND)


def _is_at_rest(driver: PoolConnectionProxy[Any]) -> bool:
    """Return whether a connection stands and has no transaction. One that ended while it was kept is the pool's."""
    try:
        return not driver.is_closed() and not driver.is_in_transaction()
    except asyncpg.InterfaceError:
        return False
