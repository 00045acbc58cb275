"""Read the log's SQLite file from offsets that the caller keeps."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from cx_events.errors import Fatal
from cx_events.log.file_changes import FileChanges
from cx_events.log.headers import stored_headers
from cx_events.log.port import TOPICS, LogRecord, Partition, check_topic
from cx_events.log.sqlite_file import LAST_OFFSET, Topic, connect, end_offset, run_in_thread
from cx_events.log.wake import Wake, WakeList

_POLL_SECONDS = 0.05
"""How often a waiting read looks for what other processes appended; it queries where their commits left a trace."""


class SqliteReader:
    """A reader whose queries run in a thread of its own, on a connection of its own.

    ``topic_of``: where a topic lies in the file. ``wakes``: what wakes readers of this process after a commit.
    """

    def __init__(
        self, path: Path, topic_of: Callable[[str], Topic], wakes: WakeList, known: Collection[str] = TOPICS
    ) -> None:
        self._path = path
        self._topic_of = topic_of
        self._wakes = wakes
        self._known = known
        self._offsets: dict[Partition, int] = {}
        self._unchecked: set[Partition] = set()
        self._turn = 0
        self._wake: Wake | None = None
        self._changes = FileChanges(path)
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "cx-log-reader")

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        for partition in offsets:
            check_topic(partition.topic, self._known)
        self._offsets = dict(offsets)
        self._unchecked = set(offsets)
        self._changes.forget()

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        if self._wake is None:
            self._wake = Wake()
            self._wakes.add(self._wake)
        until = time.monotonic() + wait
        while True:
            # Cleared before looking: an append that commits after the look wakes us.
            self._wake.clear()
            self._changes.begin_query()
            offsets = self._offsets
            query = partial(self._query, offsets, max_records, max_bytes)
            records = await run_in_thread(self._thread, self._path, query)
            if records:
                for record in records:
                    offsets[Partition(record.topic, record.partition)] = record.offset + 1
                return records
            if not await self._comes_more(self._wake, until):
                return []

    async def _comes_more(self, wake: Wake, until: float) -> bool:
        """Return True once a query may find more, False when the time is up."""
        while (left := until - time.monotonic()) > 0:
            await wake.wait(min(left, _POLL_SECONDS))
            if wake.is_set() or self._changes.may_find_more():
                return True
        return False

    async def close(self) -> None:
        if self._wake is not None:
            self._wakes.discard(self._wake)
        self._thread.submit(self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _query(self, offsets: Mapping[Partition, int], max_records: int, max_bytes: int) -> list[LogRecord]:
        """Return a fair share of every partition, then more of those that have more.

        Each call begins with another partition.
        """
        if not offsets:
            return []
        if self._connection is None:
            self._connection = connect(self._path)
        for partition in self._unchecked & offsets.keys():
            self._check(partition, offsets[partition])
            self._unchecked.discard(partition)
        partitions = list(offsets)
        self._turn = (self._turn + 1) % len(partitions)
        turns = partitions[self._turn :] + partitions[: self._turn]
        share = max(1, max_records // len(turns))
        records: dict[Partition, list[LogRecord]] = defaultdict(list)
        left, room = max_records, max_bytes
        for at_most in (share, max_records):
            more: list[Partition] = []
            for partition in turns:
                begin = offsets[partition] + len(records[partition])
                wanted = min(at_most, left)
                for record in self._records(partition, begin, wanted):
                    if room < len(record.value) and left < max_records:
                        return [each for part in records.values() for each in part]
                    records[partition].append(record)
                    left -= 1
                    room -= len(record.value)
                if len(records[partition]) == share:
                    more.append(partition)
            turns = more
            if not left:
                break
        return [each for part in records.values() for each in part]

    def _records(self, partition: Partition, offset: int, limit: int) -> Iterator[LogRecord]:
        """Yield at most ``limit`` records of a partition from an offset on."""
        assert self._connection is not None
        if limit <= 0:
            return
        base = self._topic_of(partition.topic).base(partition.number)
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(
                "SELECT id, key, value, timestamp, traceparent, headers FROM records "
                "WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                (base + offset, base | LAST_OFFSET, limit),
            )
            topic, number = partition
            for id, key, value, timestamp, trace, own in cursor:
                headers = stored_headers(topic, value, trace or "", own)
                yield LogRecord(topic, number, id - base, key, value, timestamp, trace or "", headers)

    def _check(self, partition: Partition, offset: int) -> None:
        """Raise ``Fatal`` for a partition or an offset that the file does not have.

        Offsets have no gaps here, so an offset is good if it is at most the end.
        """
        assert self._connection is not None
        topic = self._topic_of(partition.topic)
        if not 0 <= partition.number < topic.partitions:
            raise Fatal(f"{partition.topic} in {self._path} has no partition {partition.number}")
        end = end_offset(self._connection, topic.base(partition.number))
        if not 0 <= offset <= end:
            raise Fatal(
                f"offset {offset} of {partition.topic}/{partition.number} is outside of the log {self._path}, "
                f"which holds 0 to {end}: the file was replaced or is another one"
            )
