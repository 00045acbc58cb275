"""Read several partitions of a log as one sequence, by the time at which the log took the records.

Records of one partition stay in order. So the events of one customer come nearly in the order in which they were
recorded, and a copy of the sequence into another log keeps the order within every key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Protocol

from cx_events.errors import TryLater
from cx_events.log.partition_reader import PartitionReader
from cx_events.log.port import Log, LogRecord, Partition

_READ_AT_ONCE = 500


class Head(Protocol):
    """One partition, read ahead up to an end."""

    @property
    def records(self) -> deque[LogRecord]:
        """Return what was read and not taken yet."""

    def at_hand(self) -> LogRecord | None:
        """Return the first record that is left before the end, of those that were read; None for none."""

    async def first(self) -> LogRecord | None:
        """Return the first record that is left before the end, None for none. Reads on where nothing is left."""


async def merge(heads: Sequence[Head], max_records: int, max_bytes: int) -> list[LogRecord]:
    """Take the next records out of the heads, the earliest taken by the log first, none once all ends are reached. The
    first may be of any size; with the others it has at most ``max_bytes`` of values. Raises what a head raises; after
    ``TryLater`` a further call goes on, and no record is passed over."""
    waiting: list[tuple[int, int]] = []
    for at, head in enumerate(heads):
        if (first := await head.first()) is not None:
            waiting.append((first.timestamp, at))
    heapify(waiting)
    merged: list[LogRecord] = []
    while waiting and len(merged) < max_records:
        at = waiting[0][1]
        head = heads[at]
        max_bytes -= len(head.records[0].value)
        if max_bytes < 0 and merged:
            break
        merged.append(head.records.popleft())
        first = head.at_hand()  # a coroutine for each record would cost more than all the rest
        try:
            first = first or await head.first()
        except TryLater:
            break  # what was taken out of the heads is returned; if the trouble lasts, the next call meets it
        if first is None:
            heappop(waiting)
        else:
            heapreplace(waiting, (first.timestamp, at))
    return merged


class _Head:
    """One partition, read ahead."""

    def __init__(self, reader: PartitionReader) -> None:
        self._reader = reader
        self.records: deque[LogRecord] = deque()

    def at_hand(self) -> LogRecord | None:
        return self.records[0] if self.records else None

    async def first(self) -> LogRecord | None:
        if not self.records:
            self.records.extend(await self._reader.read(_READ_AT_ONCE))
        return self.at_hand()

    async def close(self) -> None:
        await self._reader.close()


class MergedReader:
    """Reads from ``begins`` up to ``ends``, partitions with the same records in the same order each time."""

    def __init__(self, log: Log, begins: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        self._heads = [
            _Head(PartitionReader(log.reader(), partition, begins.get(partition, 0), end))
            for partition, end in sorted(ends.items())
        ]

    async def read(self, max_records: int, max_bytes: int) -> list[LogRecord]:
        """Return the next records, none once all ends are reached. The first may be of any size; with the others it has
        at most ``max_bytes`` of values. Raises what a ``LogReader`` raises; after ``TryLater`` a further call goes on,
        and no record is passed over."""
        return await merge(self._heads, max_records, max_bytes)

    async def close(self) -> None:
        for head in self._heads:
            await head.close()
