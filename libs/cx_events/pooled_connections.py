"""A connection of an asyncpg pool, and its return, which may take a while and fail.

``async with pool.acquire()`` shields the return from a cancellation and then forgets it: nobody hears of what it
raises, and asyncio complains of it much later. A connection whose cancelled statement is not confirmed in time, since
its server is frozen, is thrown away by the pool.
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
"""The pool's own bound comes first, so that its error is seen."""


@asynccontextmanager
async def acquire_connection(pool: asyncpg.Pool[Any], seconds: float) -> AsyncIterator[PoolConnectionProxy[Any]]:
    """A connection until the block ends. ``TimeoutError`` where there is none within ``seconds``, or the driver's
    errors; none of the connection's return."""
    driver = await pool.acquire(timeout=seconds)
    try:
        yield driver
    finally:
        await close_within(pool.release(driver, timeout=RETURN_SECONDS), _BOUND)
