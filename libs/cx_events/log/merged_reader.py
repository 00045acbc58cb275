"""Read several partitions of a log as one sequence, by the time at which the log took the records.

Records of one partition stay in order. So the events of one customer come nearly in the order in which they were
recorded, and a copy of the sequence into another log keeps the order within every key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush

from cx_events.log.port import Log, LogReader, LogRecord, Partition

_READ_AT_ONCE = 500
_TRIES = 5
"""Empty reads before an end: a broker's control records at the end of a partition are never given."""


class _Head:
    """One partition, read ahead up to ``end``."""

    def __init__(self, reader: LogReader, partition: Partition, position: int, end: int) -> None:
        self._reader = reader
        self._position = position
        self._end = end
        self.records: deque[LogRecord] = deque()
        reader.assign({partition: position})

    async def first(self) -> LogRecord | None:
        """Return the first record that is left before the end, None for none."""
        empty = 0
        while not self.records and self._position < self._end and empty < _TRIES:
            found = await self._reader.read(_READ_AT_ONCE)
            empty = 0 if found else empty + 1
            if found:
                self.records.extend(each for each in found if each.offset < self._end)
                self._position = found[-1].offset + 1
        return self.records[0] if self.records else None

    async def close(self) -> None:
        await self._reader.close()


class MergedReader:
    """Reads from ``begins`` up to ``ends``, partitions with the same records in the same order each time."""

    def __init__(self, log: Log, begins: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        self._heads = [
            _Head(log.reader(), partition, begins.get(partition, 0), end) for partition, end in sorted(ends.items())
        ]

    async def read(self, max_records: int, max_bytes: int) -> list[LogRecord]:
        """Return the next records, none once all ends are reached. The first may be of any size; with the others it has
        at most ``max_bytes`` of values. Raises what a ``LogReader`` raises."""
        waiting: list[tuple[int, int]] = []
        for at, head in enumerate(self._heads):
            if (first := await head.first()) is not None:
                heappush(waiting, (first.timestamp, at))
        merged: list[LogRecord] = []
        while waiting and len(merged) < max_records:
            _, at = heappop(waiting)
            head = self._heads[at]
            max_bytes -= len(head.records[0].value)
            if max_bytes < 0 and merged:
                break
            merged.append(head.records.popleft())
            if (first := await head.first()) is not None:
                heappush(waiting, (first.timestamp, at))
        return merged

    async def close(self) -> None:
        for head in self._heads:
            await head.close()
