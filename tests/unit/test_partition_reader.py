"""A log that is slow to answer is not taken for one that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS, Log, LogReader, LogRecord, Partition
from cx_events.log.merged_reader import MergedReader
from cx_events.log.partition_reader import QUIET_SECONDS, PartitionReader
from cx_events.log.sqlite import SqliteLog

HERE = Partition(INTERACTIONS, 0)


def record(offset: int) -> LogRecord:
    return LogRecord(INTERACTIONS, 0, offset, b"key", b"value", 1_000 + offset)


@dataclass
class Slow:
    """A reader of records that gives nothing so often before each; each look takes ``seconds`` of ``now``."""

    records: list[LogRecord]
    silences: int
    seconds: float = 0.5
    now: float = 0.0
    looks: int = 0
    closed: bool = False
    assigned: Mapping[Partition, int] = field(default_factory=dict)

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        self.assigned = offsets

    async def read(self, max_records: int, *, max_bytes: int = 0, wait: float = 0.5) -> list[LogRecord]:
        self.now += self.seconds
        self.looks += 1
        if self.looks % (self.silences + 1):
            return []
        found, self.records = self.records[:1], self.records[1:]
        return found

    async def close(self) -> None:
        self.closed = True


async def whole(reader: PartitionReader) -> list[int]:
    found = []
    while records := await reader.read(100):
        found += [each.offset for each in records]
    return found


async def test_silences_lose_no_record() -> None:
    slow = Slow([record(0), record(1), record(2)], silences=12)
    reader = PartitionReader(slow, HERE, 0, 3, lambda: slow.now)
    assert await whole(reader) == [0, 1, 2]
    assert reader.position == 3


async def test_an_end_without_a_record_is_reached() -> None:
    slow = Slow([record(0)], silences=0)
    reader = PartitionReader(slow, HERE, 0, 5, lambda: slow.now)
    assert await whole(reader) == [0]
    assert reader.position == 5
    assert slow.now > QUIET_SECONDS


async def test_records_from_the_end_on_are_left() -> None:
    slow = Slow([record(0), record(4)], silences=0)
    reader = PartitionReader(slow, HERE, 0, 3, lambda: slow.now)
    assert await whole(reader) == [0]
    assert reader.position == 3
    await reader.close()
    assert slow.closed


class SlowLog(SqliteLog):
    def reader(self) -> LogReader:
        return Slow([record(0), record(1)], silences=6)


async def test_a_merged_sequence_waits_for_a_slow_partition() -> None:
    log: Log = SlowLog(Path("never opened"), 1)
    reader = MergedReader(log, {}, {HERE: 2})
    assert [each.offset for each in await reader.read(10, 1 << 20)] == [0, 1]


class Failing(Slow):
    """Answers at every third look only."""

    async def read(self, max_records: int, *, max_bytes: int = 0, wait: float = 0.5) -> list[LogRecord]:
        self.looks += 1
        if self.looks % 3:
            raise TryLater("log", "away")
        found, self.records = self.records[:1], self.records[1:]
        return found


class FailingLog(SqliteLog):
    def reader(self) -> LogReader:
        return Failing([record(offset) for offset in range(4)], silences=0)


async def test_a_merged_sequence_outlives_an_absent_log() -> None:
    """The log goes away after records were taken out of what was read ahead, and comes back."""
    both = {HERE: 4, Partition(INTERACTIONS, 1): 4}
    reader = MergedReader(FailingLog(Path("never opened"), 2), {}, both)
    found, failures = [], 0
    while failures < 50 and len(found) < 8:
        try:
            found += [each.offset for each in await reader.read(10, 1 << 20)]
        except TryLater:
            failures += 1
    assert sorted(found) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert failures
