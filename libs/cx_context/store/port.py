"""Define what a store does, and turn its drivers' errors into what to do about them."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from typing import Protocol

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cx_context.store.migrations import Standing
from cx_context.store.sql import Tx
from cx_events.errors import TryLater


class Store(Protocol):
    """One database."""

    async def start(self) -> None:
        """Bring its tables up to date. ``TryLater`` where it does not answer or another process takes long to do so;
        ``Fatal`` where it can't be done, or newer code left tables that this one can't use."""

    async def standing(self) -> Standing:
        """Return the revision of its tables; changes nothing. Raises what ``start`` does."""

    async def stop(self) -> None: ...

    def writing(self) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction: committed at the end, rolled back on any error. Raises ``TryLater`` where the store is
        down."""

    def exchanging(self) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction as ``writing`` does, in which ``shadow.exchange`` may be called."""

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """Open a connection whose statements all see one state."""

    def asking(self) -> AbstractAsyncContextManager[Tx]:
        """Open a connection for one statement, which sees one state by itself."""


class Contention(TryLater):
    """Two writers met (deadlock, serialization, busy database): the transaction was rolled back; start it over."""


class Unstorable(TryLater):
    """The database refused a row for what stands in it: too long, of the wrong kind, no text. The transaction was
    rolled back; the same rows will be refused again."""


class TablesDiffer(TryLater):
    """A table or a column that this software needs is not there. Another release may be changing the tables just now,
    so nobody ends; but it may also stay so, and ``detail`` says what to do. ``lack``: what is not there."""

    def __init__(self, part: str, lack: str) -> None:
        super().__init__(
            part,
            f"{lack}: the tables are not those of this software. While releases are exchanged this passes; else "
            "start the release that changed the tables last or, where they are older than this one, run `cx migrate`.",
        )
        self.lack = lack


TROUBLES = (
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a store's drivers raise. asyncpg calls it an internal error where a server's farewell came between two
statements ("cannot switch to state 12"): the connection is gone, and nothing of ours is at fault."""

_MET = frozenset({"40001", "40P01", "55P03", "23505"})
"""SQLSTATEs of writers that met. ``unique_violation``: the other's row was not there yet when we looked for it; the
next try finds it (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

_LACKING = frozenset({"42P01", "42703"})
"""SQLSTATEs of a table and of a column that is not there."""

_SQLITE_LACKING = ("no such table", "no such column", "has no column named")
"""SQLite has no states, and one code for this and for other errors in a statement."""

_CONTENT_CLASSES = ("22", "23", "54")
"""Classes of SQLSTATEs that a row's content brings about: data exceptions, broken constraints, program limits (an index
entry that is too large). ``_MET`` comes first. What the machine lacks is of class 53 and no row's fault."""


def unavailable(error: BaseException) -> TryLater:
    """Return the error that a driver's error is to whoever asked."""
    cause = getattr(error, "orig", None) or error
    text = (str(cause).splitlines() or [type(cause).__name__])[0][:300]
    state = getattr(cause, "sqlstate", None)
    if state in _MET or "database is locked" in text:
        return Contention("store", text)
    if state in _LACKING or (state is None and any(lack in text for lack in _SQLITE_LACKING)):
        return TablesDiffer("store", text)
    if _is_content(cause, state):
        return Unstorable("store", text)
    return TryLater("store", text)


def _is_content(cause: object, state: str | None) -> bool:
    if state is not None:
        return state.startswith(_CONTENT_CLASSES)
    # SQLite has no states. A row that is there already is no fault of what stands in it.
    return isinstance(cause, sqlite3.DataError) or (
        isinstance(cause, sqlite3.IntegrityError) and "UNIQUE" not in str(cause)
    )


def tenant_lock(purpose: str, tenant: str) -> int:
    """Return the number of an advisory lock (64 bits, signed)."""
    digest = blake2b(f"{purpose}\0{tenant}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
