"""Open the SQLite file of a log: its tables, where a partition lies in them, connections, and errors."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar
from zlib import crc32

from cx_events.errors import Fatal, Refused, TryLater
from cx_events.log.declarations import Declarations
from cx_events.log.port import TOPICS
from cx_events.private_files import make_database, make_folder

_BUSY_SECONDS = 1.8

# One table, whose rowid is topic | partition | offset: every partition is one contiguous range of the B-tree, read and
# extended without an index beside it. 7 + 16 + 40 bits keep it positive.
_OFFSET_BITS = 40
_PARTITION_BITS = 16
_FIRST_OTHER, _LAST_TOPIC = 16, 127
LAST_OFFSET = (1 << _OFFSET_BITS) - 1
"""The bits of a rowid that hold the offset, all set."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS topics (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "partitions INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB NOT NULL, "
    "timestamp INTEGER NOT NULL, traceparent TEXT, headers TEXT)",
)

T = TypeVar("T")


class Topic(NamedTuple):
    """A topic's number in the file, and how many partitions it has."""

    number: int
    partitions: int

    def partition_of(self, key: bytes) -> int:
        """Return the partition of a key. Not by ``hash()``, which differs from process to process."""
        return crc32(key) % self.partitions

    def base(self, partition: int) -> int:
        """Return the rowid of a partition's offset 0."""
        return (self.number << _PARTITION_BITS | partition) << _OFFSET_BITS


def end_offset(connection: sqlite3.Connection, base: int) -> int:
    """Return the offset that the next record of a partition gets. ``base``: the rowid of its offset 0."""
    (last,) = connection.execute(
        "SELECT max(id) FROM records WHERE id BETWEEN ? AND ?", (base, base | LAST_OFFSET)
    ).fetchone()
    return 0 if last is None else int(last - base) + 1


def begin_offset(connection: sqlite3.Connection, base: int) -> int:
    """Return the offset of a partition's first record; its end where it has none. ``base``: as of ``end_offset``."""
    (first,) = connection.execute(
        "SELECT min(id) FROM records WHERE id BETWEEN ? AND ?", (base, base | LAST_OFFSET)
    ).fetchone()
    return end_offset(connection, base) if first is None else int(first - base)


def offset_at(connection: sqlite3.Connection, base: int, timestamp: int) -> int:
    """Return the offset of a partition's first record of this time (ms since 1970) or later; its end where there is
    none. Timestamps of a partition never fall, so it is found by halving."""
    low, high = begin_offset(connection, base), end_offset(connection, base)
    while low < high:
        middle = (low + high) // 2
        (found,) = connection.execute(
            "SELECT timestamp FROM records WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1",
            (base + middle, base | LAST_OFFSET),
        ).fetchone()
        low, high = (middle + 1, high) if found < timestamp else (low, middle)
    return low


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to a file that exists."""
    # mode=rw: a file that somebody removed must be an error, not an empty log.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def prepare_file(path: Path, declared: Declarations) -> dict[str, Topic]:
    """Make the file and its topics where they are missing, and return the topics. Several processes may do so at once.

    Raises ``TryLater`` or ``Fatal`` (``sqlite_errors``).
    """
    try:
        make_folder(path.parent)
        make_database(path)
    except OSError as error:
        raise TryLater("log", f"{path} can't be made: {error.strerror}") from None
    with sqlite_errors(path), closing(connect(path)) as connection:
        _switch_to_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(records)")]
        for later in ("traceparent", "headers"):
            if later not in columns:
                connection.execute(f"ALTER TABLE records ADD COLUMN {later} TEXT")  # a file of before it was kept
        for name, each in declared.items():
            _add_topic(connection, name, each.partitions)
        connection.execute("COMMIT")
        return _topics_in(connection)


def _add_topic(connection: sqlite3.Connection, name: str, partitions: int) -> None:
    """Add a topic where it is missing. The product's own have fixed numbers; others, of replays, follow."""
    number = TOPICS.index(name) if name in TOPICS else _next_number(connection)
    if number > _LAST_TOPIC:
        raise Refused("too-many-topics", f"the file has {_LAST_TOPIC + 1} topics already; {name} is one too many")
    connection.execute(
        "INSERT INTO topics SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM topics WHERE name = ?)",
        (number, name, partitions, name),
    )


def _next_number(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT max(number) FROM topics").fetchone()
    return max(_FIRST_OTHER, (last or 0) + 1)


def read_topics(path: Path) -> dict[str, Topic]:
    """Return the topics of a file that exists; none while it is being made. Raises as ``prepare_file``."""
    with sqlite_errors(path), closing(connect(path)) as connection:
        made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'topics'").fetchone()
        return _topics_in(connection) if made[0] else {}


def _topics_in(connection: sqlite3.Connection) -> dict[str, Topic]:
    rows = connection.execute("SELECT name, number, partitions FROM topics").fetchall()
    return {name: Topic(number, count) for name, number, count in rows}


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to write-ahead logging.

    The switch needs the file alone. While another process does it, it may fail at once, without the busy timeout.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _primary_code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


async def run_in_thread(thread: ThreadPoolExecutor, path: Path, work: Callable[[], T]) -> T:
    """Return what ``work`` returns in the thread, with SQLite's errors as ours. ``Fatal`` where the thread is gone."""

    def run() -> T:
        with sqlite_errors(path):
            return work()

    try:
        return await asyncio.get_running_loop().run_in_executor(thread, run)
    except RuntimeError as error:
        if "shutdown" in str(error):
            raise Fatal(f"the log {path} is closed") from None
        raise


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise ``TryLater`` for errors of SQLite that may pass, ``Fatal`` for others (https://www.sqlite.org/rescode.html)."""
    try:
        yield
    except sqlite3.Error as error:
        if _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Fatal(f"the log {path} is damaged or not an SQLite file: {error}") from error
        if _primary_code(error) in _TRANSIENT:
            raise TryLater("log", f"{path}: {error}") from error
        raise Fatal(f"the log {path} can't be used: {error}") from error


_TRANSIENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)


def _primary_code(error: sqlite3.Error) -> int:
    """Return the primary result code: the low byte of the extended one."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
