"""Fill a second set of tables beside a store's own in peace, then exchange the two in one transaction.

On PostgreSQL it lies in a schema of its own, on SQLite in another file. It is a whole store, so the one path of a
batch fills it. What is not made of the log stays where it is: ``KEPT``.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import asyncpg

from cx_context.store.port import Contention, Store
from cx_context.store.postgres import PostgresStore
from cx_context.store.sql import Tx
from cx_context.store.sqlite import SqliteStore
from cx_events.private_files import make_database

MADE_OF_THE_LOG = (
    "events", "copies", "parts", "assignments", "interactions", "profiles", "edges", "sightings", "segments",
    "link_events", "decisions", "attributions", "rule_changes", "members", "refused_claims", "withheld_claims",
    "dead_letters", "discarded_letters", "fold_versions", "listing_waiting", "listing_fills", "listed_conversations",
    "listed_under", "waits", "listed_customers", "customer_words", "said", "said_words",
)  # fmt: skip
"""Tables that change places: at equal offsets each is a function of the log; ``fold_versions`` says of which code,
``listing_waiting`` and ``listing_fills`` what is not in the lists yet."""

KEPT = (
    "versions", "store_epoch", "partitions", "workers", "outbox", "rebuilds", "lag_samples", "worker_reports",
    "subscription_cursors", "subscription_waiting", "subscription_letters", "subscription_stops", "short_lived",
    "listing_lease", "id_keys", "pollers", "overdue_waits", "overdue_lease",
)  # fmt: skip
"""Tables that stay: ``versions`` and ``store_epoch``, since no version may fall; ``partitions``, since the offsets are
equal; ``outbox``, whose customers are still to be announced; ``workers``, ``worker_reports``, ``listing_lease``,
``overdue_lease``, ``lag_samples`` and ``rebuilds``, which tell of processes; ``overdue_waits``, which tells what a
clock saw;
``subscription_...``, which tell what receivers have; ``pollers``, which tells what vendors have given;
``short_lived``, which is of people at work;
``id_keys``, which a rebuild under another key would not pass."""

SCHEMA = "cx_rebuild"
FIRST_NAME, SECOND_NAME = "a", "b"

_LOCK_MS = 150
"""Less than PostgreSQL's ``deadlock_timeout`` (1 s): where a reader and an exchange wait for each other it is the
exchange that gives way, and no reader sees an error."""
_LOCK_TRIES = 60
_ALONE_MS = 5_000


def shadow_of(store: Store, name: str) -> Store:
    """Return the store beside this one; its tables are there after ``make`` and ``start``. ``name``: what ``make`` or
    ``exchange`` returned."""
    if isinstance(store, PostgresStore):
        return store.in_schema(SCHEMA)
    assert isinstance(store, SqliteStore)
    return store.in_file(_suffix(name))


def _suffix(name: str) -> str:
    return f".rebuild-{name}"


async def make(store: Store) -> str:
    """Make room for a shadow, and return its name. What an earlier one left is deleted."""
    await drop(store)
    if isinstance(store, PostgresStore):
        async with store.writing() as tx:
            await tx.execute(f"CREATE SCHEMA {SCHEMA}")
    return FIRST_NAME


async def drop(store: Store, *, but: str = "") -> None:
    """Delete every shadow of a store, or all but one of this name."""
    if isinstance(store, PostgresStore):
        if not but:
            async with store.writing() as tx:
                await tx.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        return
    assert isinstance(store, SqliteStore)
    for name in {FIRST_NAME, SECOND_NAME} - {but}:
        await asyncio.to_thread(_delete, store.path.with_name(store.path.name + _suffix(name)))


def _delete(path: Path) -> None:
    for companion in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + companion).unlink(missing_ok=True)


async def bytes_of(store: Store) -> int:
    """Return how many bytes of disk a second set of tables would take, by what the first one takes."""
    if isinstance(store, SqliteStore):
        return store.path.stat().st_size if store.path.exists() else 0
    async with store.reading() as tx:
        names = ", ".join(f"('{name}')" for name in MADE_OF_THE_LOG)
        rows = await tx.fetch(f"SELECT sum(pg_total_relation_size(name::regclass)) FROM (VALUES {names}) AS t (name)")
    return int(rows[0][0] or 0)


async def refresh_statistics(shadow: Store) -> None:
    """Let the database count what is in a shadow's tables, so that its plans are those of full tables."""
    if isinstance(shadow, PostgresStore):
        for name in MADE_OF_THE_LOG:
            async with shadow.writing() as tx:
                await tx.execute(f"ANALYZE {name}")


async def exchange(tx: Tx, store: Store, name: str) -> str:
    """Let a store and its shadow exchange the tables of ``MADE_OF_THE_LOG``. Return the shadow's name from then on.

    ``tx``: a transaction of ``store.exchanging()``, with all writers paused and nothing written yet. The shadow is at
    the store's offsets, committed, and nobody uses it. Raises ``Contention`` where readers are in the way for long.
    """
    if isinstance(store, PostgresStore):
        await _exchange_schemas(tx)
        return name
    assert isinstance(store, SqliteStore)
    other = SECOND_NAME if name == FIRST_NAME else FIRST_NAME
    paths = [str(store.path.with_name(store.path.name + _suffix(each))) for each in (name, other)]
    # The tables that are replaced are copied first: if all of this fails now, only a file is left over.
    await asyncio.to_thread(_copy_file, store.path, Path(paths[1]))
    await tx.execute("ATTACH :path AS shadow", path=paths[0])
    for table in MADE_OF_THE_LOG:
        await tx.execute(f"DELETE FROM main.{table}")
        # In this form SQLite copies records as they are: the same revisions made both tables.
        await tx.execute(f"INSERT INTO main.{table} SELECT * FROM shadow.{table}")
    return other


def _copy_file(source: Path, target: Path) -> None:
    """Copy what is committed, though another connection has a transaction open."""
    _delete(target)
    make_database(target)
    with_reading = sqlite3.connect(source, isolation_level=None)
    try:
        with_reading.execute("VACUUM INTO ?", (str(target),))
    finally:
        with_reading.close()


async def _exchange_schemas(tx: Tx) -> None:
    """Every table changes its schema; indexes go with it. Plans that others have prepared are made anew by the server,
    which looks the names up again."""
    ((here,),) = await tx.fetch("SELECT quote_ident(current_schema())")
    await _lock_tables(tx)
    await _copy_grants(tx, here)
    moving = f"{SCHEMA}_moving"
    await tx.execute(f"CREATE SCHEMA {moving}")
    for table in MADE_OF_THE_LOG:
        await tx.execute(f"ALTER TABLE {here}.{table} SET SCHEMA {moving}")
        await tx.execute(f"ALTER TABLE {SCHEMA}.{table} SET SCHEMA {here}")
        await tx.execute(f"ALTER TABLE {moving}.{table} SET SCHEMA {SCHEMA}")
    await tx.execute(f"DROP SCHEMA {moving}")


async def _lock_tables(tx: Tx) -> None:
    """Wait until no reader has a transaction open that has looked at a table, and let none look before ours ends.

    The tables that stay are locked, too: who has looked at one of them would go on in the other tables with a snapshot
    that is older than what was written to them last.
    """
    names = ", ".join((*MADE_OF_THE_LOG, "versions", "partitions", "store_epoch"))
    # Keeps autovacuum away, which gives way only to those who wait for longer than readers should have to.
    await tx.execute(f"SET LOCAL lock_timeout = {_ALONE_MS}")
    await tx.execute(f"LOCK TABLE {names} IN SHARE UPDATE EXCLUSIVE MODE")
    for attempt in range(_LOCK_TRIES):
        await tx.execute("SAVEPOINT before_locks")
        try:
            await tx.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
            await tx.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            return
        except asyncpg.LockNotAvailableError:
            await tx.execute("ROLLBACK TO SAVEPOINT before_locks")
            await asyncio.sleep(random.uniform(0.02, 0.1) * min(attempt + 1, 3))  # noqa: S311
    raise Contention("store", "readers kept the tables in use for too long to exchange them")


async def _copy_grants(tx: Tx, here: str) -> None:
    """Let other accounts do with the shadow's tables what they may do with the store's own."""
    rows = await tx.fetch(
        "SELECT g.table_name, quote_ident(g.grantee), g.privilege_type FROM information_schema.role_table_grants g "
        "WHERE g.table_schema = current_schema() AND g.grantee <> g.grantor AND g.table_name = ANY(:names::text[])",
        names=list(MADE_OF_THE_LOG),
    )
    for table, grantee, privilege in rows:
        whom = "PUBLIC" if grantee == '"PUBLIC"' else grantee
        await tx.execute(f"GRANT {privilege} ON {SCHEMA}.{table} TO {whom}")
