"""Append to the log's SQLite file, in a thread that commits as one group what waits for it."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cx_events.log.headers import encode_own
from cx_events.log.port import Record, RecordMetadata
from cx_events.log.sqlite_file import Topic, connect, end_offset, sqlite_errors

_GROUP_RECORDS = 5_000
_GROUP_BYTES = 32 << 20

Result = list[RecordMetadata] | BaseException


class Append(NamedTuple):
    """An append that waits for the writer.

    ``release`` is called in ``loop`` once the writer has finished with it, which may be long after its caller gave up.
    """

    records: Sequence[Record]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[list[RecordMetadata]]
    release: Callable[[], None]

    @property
    def size(self) -> int:
        return sum(len(record.value) for record in self.records)


class SqliteWriter:
    """The thread that writes. ``committed`` is called after each group, by that thread."""

    def __init__(self, path: Path, topics: Mapping[str, Topic], committed: Callable[[], None]) -> None:
        self._path = path
        self._topics = topics
        self._committed = committed
        self._queue: queue.SimpleQueue[Append | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = self._start_thread()

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="cx-log-writer", daemon=True)
        thread.start()
        return thread

    def put(self, append: Append) -> None:
        """Hand an append to the thread; start another thread where this one died."""
        if not self._thread.is_alive():  # by a fault of ours, whose trace is printed: later appends must not suffer
            self._connection = None
            self._thread = self._start_thread()
        self._queue.put(append)

    def stop(self) -> None:
        """Write what was put before, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group, given_up, stopping = self._next_group()
            if group:
                self._answer(group, self._write(group))
            if given_up:
                self._answer(given_up, [[]] * len(given_up))
        self._close()

    def _next_group(self) -> tuple[list[Append], list[Append], bool]:
        """Wait for one append and add all that came meanwhile, within bounds.

        Return the appends to write, those whose callers have given up, and whether to stop.
        """
        group: list[Append] = []
        given_up: list[Append] = []
        records = size = 0
        append = self._queue.get()
        while True:
            if append is None:
                return group, given_up, True
            # A caller that gave up was told that the outcome is unknown, so the append need not be written.
            if not append.done.done():
                group.append(append)
                records += len(append.records)
                size += append.size
            else:
                given_up.append(append)
            if records >= _GROUP_RECORDS or size >= _GROUP_BYTES:
                return group, given_up, False
            try:
                append = self._queue.get_nowait()
            except queue.Empty:
                return group, given_up, False

    def _write(self, group: Sequence[Append]) -> Sequence[Result]:
        """Write the appends of a group, and return the result of each: all succeed or all fail."""
        try:
            with sqlite_errors(self._path):
                if self._connection is None:
                    self._connection = connect(self._path)
                return _insert(self._connection, self._topics, [append.records for append in group])
        except BaseException as error:  # a caller waits for each append and must hear of any failure
            self._close()
            return [error] * len(group)

    def _answer(self, group: Sequence[Append], results: Sequence[Result]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Append, Result]]] = {}
        for append, result in zip(group, results, strict=True):
            by_loop.setdefault(append.loop, []).append((append, result))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(_resolve, answers)
            except RuntimeError:
                pass  # the caller's loop is closed
        self._committed()

    def _close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


def _resolve(answers: Sequence[tuple[Append, Result]]) -> None:
    """Release each append and give its caller the result. Runs in the callers' loop."""
    for append, result in answers:
        append.release()
        if append.done.done():
            continue
        if isinstance(result, BaseException):
            append.done.set_exception(result)
        else:
            append.done.set_result(result)


def _insert(
    connection: sqlite3.Connection, topics: Mapping[str, Topic], appends: Sequence[Sequence[Record]]
) -> list[list[RecordMetadata]]:
    """Insert all records in one transaction, and return where each lies.

    Offsets are given while the only writer's lock of the file is held and become visible with the commit, so no reader
    ever sees an offset before a lower one: reading on from the last offset skips nothing.
    """
    now = time.time_ns() // 1_000_000
    connection.execute("BEGIN IMMEDIATE")
    try:
        ends: dict[int, int] = {}
        rows: list[tuple[int, bytes, bytes, int, str | None, str | None]] = []
        offsets: list[list[RecordMetadata]] = []
        for records in appends:
            places: list[RecordMetadata] = []
            for name, key, value, traceparent, headers in records:
                topic = topics[name]
                partition = topic.partition_of(key)
                base = topic.base(partition)
                offset = ends[base] if base in ends else end_offset(connection, base)
                ends[base] = offset + 1
                rows.append((base | offset, key, value, now, traceparent or None, encode_own(headers)))
                places.append(RecordMetadata(name, partition, offset))
            offsets.append(places)
        connection.executemany(
            "INSERT INTO records (id, key, value, timestamp, traceparent, headers) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return offsets
