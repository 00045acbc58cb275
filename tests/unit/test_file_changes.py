"""An unchanged file need not be queried again, and no commit of any process stays unseen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cx_events.log import INTERACTIONS, Partition, Record
from cx_events.log.file_changes import FileChanges
from cx_events.log.sqlite import SqliteLog
from cx_events.log.sqlite_reader import SqliteReader


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY)")
        yield connection


def settled(path: Path) -> tuple[FileChanges, Clock]:
    """Return a watch of a file that has not changed for a while."""
    clock = Clock()
    changes = FileChanges(path, clock)
    changes.begin_query()
    clock.now += 0.4
    changes.begin_query()
    return changes, clock


def test_an_unchanged_file_need_not_be_queried(file: sqlite3.Connection, tmp_path: Path) -> None:
    changes, clock = settled(tmp_path / "some.db")
    clock.now += 0.1
    assert not changes.may_find_more()


def test_a_commit_of_another_connection_is_seen(file: sqlite3.Connection, tmp_path: Path) -> None:
    changes, clock = settled(tmp_path / "some.db")
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as other:
        other.execute("INSERT INTO rows VALUES (1)")
    assert changes.may_find_more()
    changes.begin_query()
    clock.now += 0.05
    assert changes.may_find_more(), "the commit may have been on its way when it was asked"


def test_another_file_in_its_place_is_seen(file: sqlite3.Connection, tmp_path: Path) -> None:
    changes, _ = settled(tmp_path / "some.db")
    (tmp_path / "other.db").write_bytes((tmp_path / "some.db").read_bytes())
    (tmp_path / "other.db").replace(tmp_path / "some.db")
    assert changes.may_find_more()


def test_a_query_is_due_after_a_while(file: sqlite3.Connection, tmp_path: Path) -> None:
    changes, clock = settled(tmp_path / "some.db")
    clock.now += 0.5
    assert changes.may_find_more()


def test_another_query_may_find_more(file: sqlite3.Connection, tmp_path: Path) -> None:
    changes, _ = settled(tmp_path / "some.db")
    changes.forget()
    assert changes.may_find_more()


class CountingReader(SqliteReader):
    queries = 0

    def _query(self, *arguments: Any) -> Any:
        self.queries += 1
        return super()._query(*arguments)


async def test_a_waiting_reader_seldom_queries(sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 1)
    await log.start()
    reader = CountingReader(log.path, log.topic, log._wakes)
    try:
        reader.assign({Partition(INTERACTIONS, 0): 0})
        assert await reader.read(10, wait=1.2) == []
        assert reader.queries < 15
        await log.append([Record(INTERACTIONS, b"key", b"value")])
        assert [record.value for record in await reader.read(10, wait=1.2)] == [b"value"]
    finally:
        await reader.close()
        await log.stop()
