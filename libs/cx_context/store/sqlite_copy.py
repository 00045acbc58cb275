"""Look into a copy of a store's SQLite file, which nobody uses. Blocking."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cx_context.store.migrations import SELECT_REVISION
from cx_events.log import Partition


def offsets_in_file(path: Path) -> dict[Partition, int]:
    """Return the next offset to apply of each partition."""
    with closing(_open_unchanged(path)) as connection:
        rows = connection.execute("SELECT topic, number, next_offset FROM partitions").fetchall()
        return {Partition(topic, number): offset for topic, number, offset in rows}


def revision_in_file(path: Path) -> str:
    """Return the revision of the tables."""
    with closing(_open_unchanged(path)) as connection:
        return str(connection.execute(SELECT_REVISION).fetchone()[0])


def _open_unchanged(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
