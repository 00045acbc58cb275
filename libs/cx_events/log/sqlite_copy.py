"""Copy an SQLite file as it is at one moment, while others write to it, and look into such a copy. Blocking.

By SQLite's online backup (https://www.sqlite.org/backup.html). A copy is begun anew whenever another connection writes,
so the source's state is held by a transaction that reads: in a write-ahead log that keeps nobody from writing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cx_events.errors import Fatal, TryLater
from cx_events.log.port import Partition
from cx_events.log.sqlite_file import Topic, connect, end_offset
from cx_events.private_files import make_database

_PAGES_AT_ONCE = 4_000


def copy_database(source: Path, target: Path, report: Callable[[int], None] = lambda pages: None) -> None:
    """Copy a file into one that is not there yet; the copy needs no companions. ``report`` is told the pages left.

    Raises ``TryLater("disk")`` where the disk is full or the source is busy, ``Fatal`` where it is damaged.
    """
    try:
        make_database(target)
        with closing(connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(writing, pages=_PAGES_AT_ONCE, progress=lambda status, left, total: report(left))
            writing.execute("PRAGMA journal_mode = DELETE")
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise TryLater("disk", f"{source} can't be copied to {target}: {error}") from error
        raise Fatal(f"{source} is damaged: {error}") from error
    except OSError as error:
        raise TryLater("disk", f"{target}: {error.strerror}") from None


def check_database(path: Path) -> None:
    """Raise ``Fatal`` where the structure of a file is damaged."""
    with closing(_open_unchanged(path)) as connection:
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise Fatal(f"{path} is damaged: {found}")


def ends_in_file(path: Path) -> dict[Partition, int]:
    """Return where each partition ends in a log's file. Raises ``Fatal`` where it can't be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT name, number, partitions FROM topics").fetchall()
            return {
                Partition(name, each): end_offset(connection, Topic(number, count).base(each))
                for name, number, count in rows
                for each in range(count)
            }
    except sqlite3.Error as error:
        raise Fatal(f"{path} can't be read: {error}") from error


def _open_unchanged(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
