"""Bring a database forward to the newest revision, with alembic.

On PostgreSQL many processes start at once, and others write meanwhile. One migrates, the others wait by asking again:
who waited *in* a statement would have a snapshot, and an index that is built concurrently waits for all older ones. A
revision that can't have its locks within a second lets those pass that queue behind it, and tries again. On SQLite it
is one transaction, which no other can begin meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from cx_context.store.all_tables import METADATA
from cx_context.store.migrations import FOLDER, SELECT_LEAST, VERSION_TABLE, Revisions
from cx_context.store.port import TROUBLES, TablesDiffer, unavailable
from cx_events.errors import CxError, Fatal, TryLater

PATIENCE = 60.0
"""Seconds to wait for another process that migrates, and again for locks of a revision."""

_LOCK = 7_301_001
_ASK_AGAIN = 0.2
_LOCK_MS = 1_000
_SESSION = {
    "application_name": "cx migrate",
    "lock_timeout": str(_LOCK_MS),
    "idle_in_transaction_session_timeout": "15000",
    # A process that is killed amid a long statement shall not leave it, and our lock, to a server that goes on with it.
    "client_connection_check_interval": "1000",
}
_CONNECT_SECONDS = 5

_IN_THE_WAY = frozenset({"40001", "40P01", "55P03"})
"""Serialization, deadlock, lock timeout: others' transactions were in a revision's way."""
_PASSING = ("08", "25", "40", "53", "55", "57", "58")
"""Classes of SQLSTATEs that say nothing against the revision: connections, transactions, resources, operators
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
_SQLITE_REFUSALS = frozenset({1, 19, 20})
"""SQLITE_ERROR, _CONSTRAINT, _MISMATCH (https://www.sqlite.org/rescode.html)."""


async def migrate_postgres(
    url: URL, revisions: Revisions, *, to: str = "head", patience: float = PATIENCE, schema: str | None = None
) -> None:
    """Bring a database forward. ``schema``: where the tables are, if not where the account's own are.

    ``TryLater`` where the database, a lock or another process is in the way; ``Fatal`` where it refuses a revision or
    can't be used. Revisions that were done stay done.
    """
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "server_settings": _SESSION | ({"search_path": schema} if schema is not None else {}),
        },
        hide_parameters=True,
    )
    try:
        async with engine.connect() as connection:
            await _become_the_one(connection, patience)
            await _upgrade_patiently(connection, revisions, to, patience)
    except TROUBLES as error:
        raise _meaning(error) from error


async def migrate_sqlite(engine: AsyncEngine, revisions: Revisions, *, to: str = "head") -> None:
    """``engine``'s transactions must begin as IMMEDIATE. Errors as of ``migrate_postgres``; nothing is done then."""
    try:
        async with _one_at_a_time(), engine.begin() as connection:
            if await connection.run_sync(_is_behind, revisions):
                await connection.run_sync(_upgrade, revisions, to)
    except TROUBLES as error:
        raise _meaning(error) from error


async def _become_the_one(connection: AsyncConnection, patience: float) -> None:
    """A lock of the session's: revisions end transactions."""
    clock = asyncio.get_running_loop().time
    until = clock() + patience
    while not (await connection.exec_driver_sql("SELECT pg_try_advisory_lock($1)", (_LOCK,))).scalar():
        await connection.commit()
        if clock() > until:
            raise TryLater("store", f"another process has been migrating it for {patience:.0f} s")
        await asyncio.sleep(_ASK_AGAIN)
    await connection.commit()


async def _upgrade_patiently(connection: AsyncConnection, revisions: Revisions, to: str, patience: float) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + patience
    while True:
        await connection.exec_driver_sql("RESET lock_timeout")
        await connection.commit()
        try:
            async with _one_at_a_time():
                behind = await connection.run_sync(_is_behind, revisions)
                await connection.commit()  # each revision has a transaction of its own
                if behind:
                    await connection.run_sync(_upgrade, revisions, to)
            return
        except DBAPIError as error:
            if _sqlstate(error) not in _IN_THE_WAY or clock() > until:
                raise
            await connection.rollback()
        await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311


_ALEMBIC = threading.Lock()


@asynccontextmanager
async def _one_at_a_time() -> AsyncIterator[None]:
    """``alembic.op`` and ``alembic.context`` stand for one migration of the whole process, whatever thread or loop."""
    while not _ALEMBIC.acquire(blocking=False):  # noqa: ASYNC110 - an event belongs to one loop
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        _ALEMBIC.release()


def _is_behind(connection: Connection, revisions: Revisions) -> bool:
    """Whoever else could migrate is locked out. ``Fatal`` for a database that must be left alone."""
    current = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if current is None and (known := METADATA.tables.keys() & set(inspect(connection).get_table_names())):
        raise Fatal(
            f"the database of CX_STORE_URL has tables ({', '.join(sorted(known))}) that no release of this software "
            "made: name an empty one, and projectors fill it from the log"
        )
    least = None if revisions.knows(current) else connection.exec_driver_sql(SELECT_LEAST).scalar()
    return revisions.standing(current, least).behind


def _upgrade(connection: Connection, revisions: Revisions, to: str) -> None:
    command.upgrade(_config(connection, revisions), to)
    logging.getLogger("cx_context.store").info("tables are at revision %s", revisions.head if to == "head" else to)


def _config(connection: Connection, revisions: Revisions) -> Config:
    config = Config()
    folders = "\n".join(map(str, revisions.folders))
    for name, value in (
        ("script_location", str(FOLDER)),
        ("version_locations", folders),
        ("path_separator", "newline"),
    ):
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _meaning(error: BaseException) -> CxError:
    """A refusal of the revision itself will be the same at every try."""
    state, later = _sqlstate(error), unavailable(error)
    refused = not state.startswith(_PASSING) if state else _sqlite_code(error) in _SQLITE_REFUSALS
    why = later.lack if isinstance(later, TablesDiffer) else later.detail
    return Fatal(f"the store can't be migrated: {why}") if refused else later


def _sqlstate(error: BaseException) -> str:
    """PostgreSQL's; empty where it did not come from there."""
    return getattr(getattr(error, "orig", None) or error, "sqlstate", None) or ""


def _sqlite_code(error: BaseException) -> int:
    return getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", 0) & 0xFF
