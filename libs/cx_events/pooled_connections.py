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
