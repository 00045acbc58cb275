"""Connect to an SQLite file so that a connection can be closed and given up at once, and then holds nothing.

SQLAlchemy gives a connection up (``stop``) where its closing was cancelled, and the closing, which is shielded, stops
it as well. aiosqlite 0.22 sends the second stop to a thread that is over by then and waits for its answer for ever, so
a process that is asked to end would not (https://github.com/wapiti-scanner/wapiti/issues/802).

Python closes by ``sqlite3_close_v2``: where a cursor is in use still, as that of a statement whose wait was cancelled,
the connection lives on with its transaction and its locks until the cursor is collected
(https://www.sqlite.org/c3ref/close.html), and nobody else may write meanwhile. So its transaction ends first.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from functools import partial
from typing import Any

import aiosqlite

_ROWS_A_STEP = 64
"""aiosqlite's own default."""


class SqliteConnection(aiosqlite.Connection):
    """A connection whose thread is asked to end once."""

    _stopped = False
    _over: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """Ask the thread to end, and return what is done when it does; each caller may give up its wait alone."""
        if not self._stopped:
            self._stopped = True
            self._over = super().stop()
        return None if self._over is None else asyncio.shield(self._over)


class _Database(sqlite3.Connection):
    """A connection whose closing ends its transaction, whatever cursors are in use."""

    def close(self) -> None:
        with suppress(sqlite3.Error):  # nothing is to be rolled back, or it is closed by now
            self.execute("ROLLBACK")
        super().close()


def connect(database: str, **options: Any) -> SqliteConnection:
    """Return a connection that opens when it is awaited. ``options``: those of ``sqlite3.connect``. A process may end
    though it is open."""
    connection = SqliteConnection(partial(sqlite3.connect, database, factory=_Database, **options), _ROWS_A_STEP)
    connection._thread.daemon = True
    return connection
