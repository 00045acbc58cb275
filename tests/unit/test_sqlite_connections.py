"""A connection to an SQLite file ends, however its closing is disturbed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
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


async def test_a_closed_connection_with_a_cursor_holds_no_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    connection = await sqlite_connections.connect(path, isolation_level=None)
    await connection.execute("CREATE TABLE t (a)")
    await connection.execute("INSERT INTO t VALUES (1), (2)")
    await connection.execute("BEGIN IMMEDIATE")
    unread = await connection.execute("SELECT a FROM t")
    await connection.close()
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    del unread
