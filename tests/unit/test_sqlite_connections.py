"""A connection to an SQLite file ends, however its closing is disturbed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.patience import PATIENCE

from cx_context.store import sqlite_connections


async def test_a_connection_given_up_while_it_is_closed_ends(tmp_path: Path) -> None:
    connection = await sqlite_connections.connect(str(tmp_path / "store.db"))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    async with asyncio.timeout(PATIENCE):
        await closing


async def test_a_closing_that_is_cancelled_ends(tmp_path: Path) -> None:
    connection = await sqlite_connections.connect(str(tmp_path / "store.db"))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    closing.cancel()
    assert await asyncio.wait([closing], timeout=PATIENCE) == ({closing}, set())
