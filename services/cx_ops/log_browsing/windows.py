"""Read stretches of several partitions of a topic at once, each bounded by offsets and bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_events.log import LogReader, LogRecord, Partition

READ_AT_ONCE = 500
READ_BYTES = 4 << 20
WAIT_SECONDS = 1.0
MOST_SILENT_READS = 3
"""Reads without a record after which a window counts as read: what is left of it are offsets without a record."""


class Window(NamedTuple):
    """Offsets of one partition: from ``low`` to before ``high``."""

    low: int
    high: int

    @property
    def is_empty(self) -> bool:
        return self.low >= self.high


@dataclass(slots=True)
class Loaded:
    """The records of a window, in order of offset. ``whole``: none was left out for its bytes."""

    records: deque[LogRecord] = field(default_factory=deque)
    size: int = 0
    whole: bool = True

    def add(self, record: LogRecord, most_bytes: int, *, keep_last: bool) -> None:
        """Add a record. Beyond ``most_bytes`` leave out the first records, or this one, but never the only one."""
        self.records.append(record)
        self.size += len(record.value)
        while self.size > most_bytes and len(self.records) > 1:
            left_out = self.records.popleft() if keep_last else self.records.pop()
            self.size -= len(left_out.value)
            self.whole = False


async def read_windows(
    reader: LogReader, topic: str, windows: Mapping[int, Window], most_bytes: int, *, keep_last: bool
) -> dict[int, Loaded]:
    """Return the records of each window, by partition. ``most_bytes``: of one window's values. ``keep_last``: of a
    window with more bytes keep the last records, else the first.

    Raises what ``LogReader.read`` does.
    """
    loaded = {number: Loaded() for number in windows}
    at = {number: window.low for number, window in windows.items() if not window.is_empty}
    silent, wasted = 0, READ_AT_ONCE
    while at and silent < MOST_SILENT_READS:
        if wasted >= READ_AT_ONCE:  # partitions whose windows are read are still being read: leave them out
            reader.assign({Partition(topic, number): offset for number, offset in at.items()})
            wasted = 0
        records = await reader.read(READ_AT_ONCE, max_bytes=READ_BYTES, wait=WAIT_SECONDS)
        silent = 0 if records else silent + 1
        for record in records:
            number = record.partition
            if number not in at:
                wasted += 1
                continue
            at[number] = record.offset + 1
            found, window = loaded[number], windows[number]
            if record.offset < window.high:
                found.add(record, most_bytes, keep_last=keep_last)
            if at[number] >= window.high or not (keep_last or found.whole):
                del at[number]
    return loaded
