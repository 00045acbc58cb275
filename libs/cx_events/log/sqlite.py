"""The log in one SQLite file, for one machine: any number of processes append and read.

Durable as SQLite is with ``synchronous=FULL`` (https://www.sqlite.org/pragma.html#pragma_synchronous): an append
returns after the WAL is synced. Many appends at once share one transaction, hence one sync.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar
from zlib import crc32

from cx_events.errors import Fatal, TryLater
from cx_events.log.port import (
    MAX_IN_FLIGHT_BYTES,
    TOPICS,
    InFlightAppends,
    LogRecord,
    Partition,
    Record,
    RecordMetadata,
    check_records,
    check_topic,
    partition_count,
)
from cx_events.private_files import make_database, make_folder

DEADLINE = 2.2
"""Seconds after which an append gives up."""

_BUSY_SECONDS = 1.8
_POLL_SECONDS = 0.05
_GROUP_RECORDS = 5_000
_GROUP_BYTES = 32 << 20

# One table, whose rowid is topic | partition | offset: every partition is one contiguous range of the B-tree, read and
# extended without an index beside it. 7 + 16 + 40 bits keep it positive.
_OFFSET_BITS = 40
_PARTITION_BITS = 16
_LAST_OFFSET = (1 << _OFFSET_BITS) - 1

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS topics (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "partitions INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB NOT NULL, "
    "timestamp INTEGER NOT NULL)",
)

T = TypeVar("T")


class Topic(NamedTuple):
    number: int
    partitions: int

    def partition_of(self, key: bytes) -> int:
        # Not hash(), which differs from process to process.
        return crc32(key) % self.partitions

    def base(self, partition: int) -> int:
        """The rowid of a partition's offset 0."""
        return (self.number << _PARTITION_BITS | partition) << _OFFSET_BITS


Result = list[RecordMetadata] | BaseException


class _Append(NamedTuple):
    """``let_go`` is called in ``loop`` once the writer has done with it, which may be long after its caller gave up."""

    records: Sequence[Record]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[list[RecordMetadata]]
    let_go: Callable[[], None]

    @property
    def size(self) -> int:
        return sum(len(record.value) for record in self.records)


class SqliteLog:
    """``partitions`` counts only when the file is made; afterwards the file says how many there are."""

    def __init__(self, path: Path, partitions: int = 8, *, max_in_flight: int = MAX_IN_FLIGHT_BYTES) -> None:
        """``max_in_flight``: bytes of all appends under way."""
        self.path = Path(path)
        self._in_flight = InFlightAppends(str(path), max_in_flight)
        self._partitions = partitions
        self._topics: dict[str, Topic] = {}
        self._writer: _Writer | None = None
        self._wakes: set[_Wake] = set()
        self._thread: ThreadPoolExecutor | None = None

    async def start(self) -> None:
        if self._writer is not None:
            return
        self._topics = await asyncio.to_thread(_prepare, self.path, self._partitions)
        self._thread = ThreadPoolExecutor(1, "cx-log-look")
        self._writer = _Writer(self.path, self._topics, self._wake)

    async def stop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.stop)
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def check_capacity(self) -> None:
        self._in_flight.check()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        if self._writer is None:
            raise Fatal(f"the log {self.path} is not started or already stopped")
        if not check_records(records):
            return []
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[RecordMetadata]] = loop.create_future()
        ticket = self._in_flight.acquire(records)
        self._writer.put(_Append(records, loop, done, lambda: self._in_flight.release(ticket)))
        try:
            return await asyncio.wait_for(done, DEADLINE)
        except TimeoutError:
            raise TryLater("log", f"{self.path} took no records within {DEADLINE} s") from None

    def reader(self) -> SqliteReader:
        return SqliteReader(self)

    async def partitions(self, topic: str) -> int:
        return self.topic(topic).partitions

    async def end_offsets(self, topic: str) -> dict[int, int]:
        found = self.topic(topic)
        if self._thread is None:
            raise Fatal(f"the log {self.path} is not started or already stopped")

        def look() -> dict[int, int]:
            with closing(_connect(self.path)) as connection:
                return {number: _end(connection, found.base(number)) for number in range(found.partitions)}

        return await _in_thread(self._thread, self.path, look)

    def topic(self, name: str) -> Topic:
        check_topic(name)
        if name not in self._topics:
            raise Fatal(f"the log {self.path} is not started")
        return self._topics[name]

    def wake_on_append(self, wake: _Wake) -> None:
        self._wakes.add(wake)

    def forget(self, wake: _Wake) -> None:
        self._wakes.discard(wake)

    def _wake(self) -> None:
        for wake in tuple(self._wakes):
            wake()


class _Wake:
    """Wakes a reader that waits in an event loop, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            pass  # the reader's loop is closed: nobody waits there any more

    def clear(self) -> None:
        self._event.clear()

    async def wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            pass


class _Writer:
    """The thread that writes. It takes all appends that wait and commits them as one group."""

    def __init__(self, path: Path, topics: Mapping[str, Topic], committed: Callable[[], None]) -> None:
        self._path = path
        self._topics = topics
        self._committed = committed
        self._queue: queue.SimpleQueue[_Append | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = self._begun()

    def _begun(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="cx-log-writer", daemon=True)
        thread.start()
        return thread

    def put(self, append: _Append) -> None:
        if not self._thread.is_alive():  # by a fault of ours, whose trace is told: later appends don't suffer from it
            self._connection = None
            self._thread = self._begun()
        self._queue.put(append)

    def stop(self) -> None:
        """Write what was put before, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group, given_up, stopping = self._take()
            if group:
                self._answer(group, self._write(group))
            if given_up:
                self._answer(given_up, [[]] * len(given_up))
        self._close()

    def _take(self) -> tuple[list[_Append], list[_Append], bool]:
        """Waits for one append and takes with it all that came meanwhile, within bounds. Apart those whose callers have
        given up, and whether to stop."""
        group: list[_Append] = []
        given_up: list[_Append] = []
        records = size = 0
        append = self._queue.get()
        while True:
            if append is None:
                return group, given_up, True
            # One whose caller has given up was told that its outcome is unknown; that it isn't written is a fine one.
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

    def _write(self, group: Sequence[_Append]) -> Sequence[Result]:
        try:
            with _sqlite_errors(self._path):
                if self._connection is None:
                    self._connection = _connect(self._path)
                return _insert(self._connection, self._topics, [append.records for append in group])
        except BaseException as error:  # a caller waits for each append: whatever goes wrong, it must hear it
            self._close()
            return [error] * len(group)

    def _answer(self, group: Sequence[_Append], results: Sequence[Result]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Append, Result]]] = {}
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


def _resolve(answers: Sequence[tuple[_Append, Result]]) -> None:
    for append, result in answers:
        append.let_go()
        if append.done.done():
            continue
        if isinstance(result, BaseException):
            append.done.set_exception(result)
        else:
            append.done.set_result(result)


def _insert(
    connection: sqlite3.Connection, topics: Mapping[str, Topic], appends: Sequence[Sequence[Record]]
) -> list[list[RecordMetadata]]:
    """One transaction. Offsets are given while the only writer's lock of the file is held and become visible with the
    commit, so no reader ever sees an offset before a lower one: nothing is skipped by reading on from the last."""
    now = time.time_ns() // 1_000_000
    connection.execute("BEGIN IMMEDIATE")
    try:
        ends: dict[int, int] = {}
        rows: list[tuple[int, bytes, bytes, int]] = []
        offsets: list[list[RecordMetadata]] = []
        for records in appends:
            given: list[RecordMetadata] = []
            for name, key, value in records:
                topic = topics[name]
                partition = topic.partition_of(key)
                base = topic.base(partition)
                offset = ends[base] if base in ends else _end(connection, base)
                ends[base] = offset + 1
                rows.append((base | offset, key, value, now))
                given.append(RecordMetadata(name, partition, offset))
            offsets.append(given)
        connection.executemany("INSERT INTO records (id, key, value, timestamp) VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return offsets


def _end(connection: sqlite3.Connection, base: int) -> int:
    (last,) = connection.execute(
        "SELECT max(id) FROM records WHERE id BETWEEN ? AND ?", (base, base | _LAST_OFFSET)
    ).fetchone()
    return 0 if last is None else int(last - base) + 1


class SqliteReader:
    """Its queries run in a thread of its own, on a connection of its own."""

    def __init__(self, log: SqliteLog) -> None:
        self._log = log
        self._offsets: dict[Partition, int] = {}
        self._unchecked: set[Partition] = set()
        self._turn = 0
        self._wake: _Wake | None = None
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "cx-log-reader")

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        for partition in offsets:
            check_topic(partition.topic)
        self._offsets = dict(offsets)
        self._unchecked = set(offsets)

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        if self._wake is None:
            self._wake = _Wake()
            self._log.wake_on_append(self._wake)
        until = time.monotonic() + wait
        while True:
            # Cleared before looking: an append that commits after the look wakes us.
            self._wake.clear()
            offsets = self._offsets
            look = partial(self._look, offsets, max_records, max_bytes)
            found = await _in_thread(self._thread, self._log.path, look)
            if found:
                for record in found:
                    offsets[Partition(record.topic, record.partition)] = record.offset + 1
                return found
            left = until - time.monotonic()
            if left <= 0:
                return []
            await self._wake.wait(min(left, _POLL_SECONDS))

    async def close(self) -> None:
        if self._wake is not None:
            self._log.forget(self._wake)
        self._thread.submit(self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _look(self, offsets: Mapping[Partition, int], max_records: int, max_bytes: int) -> list[LogRecord]:
        """A fair share of every partition, beginning with another one each time; then more of those that have more."""
        if not offsets:
            return []
        if self._connection is None:
            self._connection = _connect(self._log.path)
        for partition in self._unchecked & offsets.keys():
            self._check(partition, offsets[partition])
            self._unchecked.discard(partition)
        partitions = list(offsets)
        self._turn = (self._turn + 1) % len(partitions)
        turns = partitions[self._turn :] + partitions[: self._turn]
        share = max(1, max_records // len(turns))
        found: dict[Partition, list[LogRecord]] = defaultdict(list)
        left, room = max_records, max_bytes
        for at_most in (share, max_records):
            more: list[Partition] = []
            for partition in turns:
                begin = offsets[partition] + len(found[partition])
                wanted = min(at_most, left)
                for record in self._records(partition, begin, wanted):
                    if room < len(record.value) and left < max_records:
                        return [record for part in found.values() for record in part]
                    found[partition].append(record)
                    left -= 1
                    room -= len(record.value)
                if len(found[partition]) == share:
                    more.append(partition)
            turns = more
            if not left:
                break
        return [record for part in found.values() for record in part]

    def _records(self, partition: Partition, offset: int, limit: int) -> Iterator[LogRecord]:
        assert self._connection is not None
        if limit <= 0:
            return
        base = self._log.topic(partition.topic).base(partition.number)
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(
                "SELECT id, key, value, timestamp FROM records WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                (base + offset, base | _LAST_OFFSET, limit),
            )
            for id, key, value, timestamp in cursor:
                yield LogRecord(partition.topic, partition.number, id - base, key, value, timestamp)

    def _check(self, partition: Partition, position: int) -> None:
        """Offsets have no gaps here, so a position is good if it is at most the end."""
        assert self._connection is not None
        topic = self._log.topic(partition.topic)
        if not 0 <= partition.number < topic.partitions:
            raise Fatal(f"{partition.topic} in {self._log.path} has no partition {partition.number}")
        end = _end(self._connection, topic.base(partition.number))
        if not 0 <= position <= end:
            raise Fatal(
                f"position {position} of {partition.topic}/{partition.number} is outside of the log {self._log.path}, "
                f"which holds 0 to {end}: the file was replaced or is another one"
            )


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: a file that somebody removed must be an error, not an empty log.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _prepare(path: Path, partitions: int) -> dict[str, Topic]:
    """Makes the file and its topics where they are missing; safe for several processes at once."""
    try:
        make_folder(path.parent)
        make_database(path)
    except OSError as error:
        raise TryLater("log", f"{path} can't be made: {error.strerror}") from None
    with _sqlite_errors(path), closing(_connect(path)) as connection:
        _switch_to_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        for number, name in enumerate(TOPICS):
            connection.execute(
                "INSERT OR IGNORE INTO topics VALUES (?, ?, ?)", (number, name, partition_count(name, partitions))
            )
        connection.execute("COMMIT")
        rows = connection.execute("SELECT name, number, partitions FROM topics").fetchall()
        return {name: Topic(number, count) for name, number, count in rows}


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """The switch needs the file alone and may fail at once, without the busy timeout, while another process does it."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _primary(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


async def _in_thread(thread: ThreadPoolExecutor, path: Path, work: Callable[[], T]) -> T:
    def run() -> T:
        with _sqlite_errors(path):
            return work()

    try:
        return await asyncio.get_running_loop().run_in_executor(thread, run)
    except RuntimeError as error:
        if "shutdown" in str(error):
            raise Fatal(f"the log {path} is closed") from None
        raise


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours (https://www.sqlite.org/rescode.html)."""
    try:
        yield
    except sqlite3.Error as error:
        if _primary(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Fatal(f"the log {path} is damaged or no SQLite file: {error}") from error
        if _primary(error) in _PASSING:
            raise TryLater("log", f"{path}: {error}") from error
        raise Fatal(f"the log {path} can't be used: {error}") from error


_PASSING = frozenset(
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


def _primary(error: sqlite3.Error) -> int:
    """The primary result code: the low byte of the extended one."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
