"""Keep a store in an SQLite file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import create_async_engine

from cx_context.store import sqlite_connections
from cx_context.store.migrations import (
    BREAKING_TABLE,
    RELEASED,
    SELECT_LEAST,
    SELECT_REVISION,
    VERSION_TABLE,
    Revisions,
    Standing,
    not_ours,
)
from cx_context.store.port import TROUBLES, unavailable
from cx_context.store.sql import SqliteTx, Tx
from cx_events.cancellation import close_within, guard_cancellation
from cx_events.errors import TryLater
from cx_events.private_files import make_database, make_folder

_BUSY_SECONDS = 10
_CLOSE_SECONDS = 10.0


class SqliteStore:
    """``url``: ``sqlite+aiosqlite:///PATH``; the folder is made where it is missing. ``revisions``: what its tables are
    brought to."""

    def __init__(self, url: URL, *, revisions: Revisions = RELEASED) -> None:
        assert url.database
        self._url = url
        self._revisions = revisions
        self.path = Path(url.database)
        make_folder(self.path.parent)
        self._engine = create_async_engine(
            url,
            connect_args={"timeout": _BUSY_SECONDS, "async_creator_fn": sqlite_connections.connect},
            hide_parameters=True,  # else an error's text, and so a log, shows what people said
        )
        event.listen(self._engine.sync_engine, "connect", _prepare)
        event.listen(self._engine.sync_engine, "begin", _begin)
        event.listen(self._engine.sync_engine, "connect", self._note_file)
        event.listen(self._engine.sync_engine, "checkout", self._check_file)

    def _note_file(self, _connection: Any, record: Any) -> None:
        record.info["file"] = file_at(str(self.path))

    def _check_file(self, _connection: Any, record: Any, _proxy: Any) -> None:
        """Let the pool connect anew where another file, or none, has taken the place of the one that is open: an open
        one can be read for ever after it was deleted."""
        if record.info["file"] != file_at(str(self.path)):
            raise DisconnectionError

    async def start(self) -> None:
        try:
            await asyncio.to_thread(make_database, self.path)
        except OSError as error:
            raise TryLater("store", f"{self.path} can't be made: {error.strerror}") from None
        if (await self.standing()).behind:
            from cx_context.store.migrations.run import migrate_sqlite

            await migrate_sqlite(self._engine, self._revisions)

    async def standing(self) -> Standing:
        if not self.path.exists():
            return self._revisions.standing(None)
        async with self.reading() as tx:
            tables = {name for (name,) in await tx.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = await tx.fetch(SELECT_REVISION) if VERSION_TABLE in tables else ()
            revision = found[0][0] if found else None
            if self._revisions.knows(revision):
                return self._revisions.standing(revision)
            if BREAKING_TABLE not in tables:
                raise not_ours(revision)
            ((least,),) = await tx.fetch(SELECT_LEAST)
        return self._revisions.standing(revision, least)

    async def stop(self) -> None:
        await close_within(self._engine.dispose(), _CLOSE_SECONDS)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        try:
            with guard_cancellation("a connection to the store"):
                async with self._engine.begin() as connection:
                    yield SqliteTx(connection)
        except TROUBLES as error:
            raise unavailable(error) from error

    @asynccontextmanager
    async def exchanging(self) -> AsyncIterator[Tx]:
        """A connection to which another file was attached keeps it, so this one is closed in the end."""
        try:
            with guard_cancellation("a connection to the store"):
                async with self._engine.connect() as connection:
                    try:
                        async with connection.begin():
                            yield SqliteTx(connection)
                    finally:
                        await connection.invalidate()
        except TROUBLES as error:
            raise unavailable(error) from error

    def in_file(self, suffix: str) -> SqliteStore:
        """Return a store in another file of the same folder, its name that of this one and ``suffix``."""
        path = self.path.with_name(self.path.name + suffix)
        return SqliteStore(self._url.set(database=str(path)), revisions=self._revisions)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        try:
            with guard_cancellation("a connection to the store"):
                async with self._engine.connect() as connection:
                    yield SqliteTx(await connection.execution_options(cx_reading=True))
        except TROUBLES as error:
            raise unavailable(error) from error

    def asking(self) -> AbstractAsyncContextManager[Tx]:
        return self.reading()


def file_at(path: str) -> int | None:
    """Return the number that tells a file from all others in its folder, None where there is none. Asked at each read:
    ``Path.stat`` takes three times as long."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116
    except OSError:
        return None


def _prepare(connection: Any, _record: Any) -> None:
    """WAL and full durability; the driver's own transaction handling off, so that ours begin as IMMEDIATE.

    Keys are hashes, so each batch writes most pages of an index anew. The log of changes may grow to 32 MB, eight times
    SQLite's own limit, before it is copied into the file: then many batches' changes of a page are copied once.
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.execute("PRAGMA wal_autocheckpoint=8000")
    cursor.close()


def _begin(connection: Any) -> None:
    reading = connection.get_execution_options().get("cx_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
