"""Stores that stand at the newest revision from the start: to bring each to it by all revisions takes far longer than
most tests."""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from cx_context.store import open_store
from cx_context.store.all_tables import METADATA
from cx_context.store.sql import Tx


def sqlite_store(folder: Path) -> str:
    """The ``CX_STORE_URL`` of a store in this folder. One that is there already stays as it is."""
    path = folder / "store.db"
    if not path.exists():
        path.write_bytes(_at_newest_revision())
    return _url(path)


@cache
def _at_newest_revision() -> bytes:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        path = Path(folder) / "store.db"
        thread.submit(asyncio.run, migrate(_url(path))).result()
        return path.read_bytes()


async def empty(tx: Tx) -> None:
    """Delete all rows. Tables that have none are left alone: they are most, and a statement each takes its time."""
    names = [table.name for table in METADATA.sorted_tables]
    filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
    for (name,) in await tx.fetch(filled):
        await tx.execute(f"DELETE FROM {name}")


async def migrate(url: str) -> None:
    store = open_store(url)
    await store.start()
    await store.stop()


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
