"""Find the offsets that a replay reads, and the test of its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cx_events.errors import Refused
from cx_events.filters import compile_filter
from cx_events.log import Log, LogRecord, Partition
from cx_ops.log_browsing.filters import RecordTest
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.log_browsing.seeking import Seek, find_range
from cx_ops.replay.asked import Asked, Bound, read_bound

Test = Callable[[LogRecord], bool]


class Selection(NamedTuple):
    """``begins``, ``ends``: the offsets to read, by partition."""

    topic: str
    begins: dict[int, int]
    ends: dict[int, int]

    @property
    def records(self) -> int:
        """Return how many offsets there are: records at most."""
        return sum(self.ends[number] - begin for number, begin in self.begins.items())

    def partitions(self, places: Mapping[int, int]) -> dict[Partition, int]:
        return {Partition(self.topic, number): offset for number, offset in places.items()}


async def select(log: Log, asked: Asked) -> Selection:
    """Return the offsets of what is asked for.

    Raises ``Refused``: ``unknown-topic``, ``unknown-partition``, ``bad-range``, ``no-such-offset``, ``empty-range``
    where no record lies in the range. ``TryLater`` where the log does not answer.
    """
    begin, end = read_bound(asked.begin, "--from"), read_bound(asked.end, "--to")
    partition = _partition_of(begin, end)
    found = await find_range(log, asked.topic, Seek("oldest", partition, begin.offset, begin.at, end.at))
    windows = {
        number: (window.low, window.high if end.offset is None else min(window.high, end.offset))
        for number, window in found.windows.items()
        if not window.is_empty
    }
    windows = {number: (low, high) for number, (low, high) in windows.items() if low < high}
    if not windows:
        raise Refused("empty-range", f"{asked.topic} has no records in this range; nothing was sent", 400)
    return Selection(
        asked.topic, {n: low for n, (low, _) in windows.items()}, {n: high for n, (_, high) in windows.items()}
    )


def _partition_of(begin: Bound, end: Bound) -> int | None:
    numbers = {each.partition for each in (begin, end) if each.partition is not None}
    if len(numbers) > 1:
        raise Refused("bad-range", "--from and --to name different partitions", 400)
    return numbers.pop() if numbers else None


def every_record(record: LogRecord) -> bool:
    """Return True: where nothing was asked for, every record is wanted."""
    return True


def test_of(asked: Asked, theirs: RecordTest | None) -> Test:
    """Return the test of a record. ``theirs``: that of the customer. Raises ``BadFilter``."""
    wanted = compile_filter(asked.where, asked.topic).matches if asked.where else None
    if theirs is None:
        return wanted or every_record
    return lambda record: (wanted is None or wanted(record)) and theirs(BrowsedRecord(record))
