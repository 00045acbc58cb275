"""Walk over all partitions of a topic in order of the log's time, newest or oldest record first."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cx_events.log import LogReader, LogRecord
from cx_ops.log_browsing.windows import Loaded, Window, read_windows

Order = Literal["newest", "oldest"]

FIRST_BLOCK = 50
LARGEST_BLOCK = 2_000
MOST_BYTES = 64 << 20
"""Values that a walk holds at once, over all partitions; each may hold one record more."""


@dataclass(slots=True)
class _Stretch:
    """The rest of one partition: ``window`` is not loaded yet, ``loaded`` is."""

    window: Window
    block: int
    loaded: deque[LogRecord] = field(default_factory=deque)


class TopicWalk:
    """One walk. Within a partition timestamps never fall, so the next record of each partition is all that must be
    compared. Records with one timestamp come in order of partition and offset."""

    def __init__(
        self,
        reader: LogReader,
        topic: str,
        order: Order,
        windows: Mapping[int, Window],
        *,
        first_block: int = FIRST_BLOCK,
    ) -> None:
        """``windows``: the offsets to walk over, by partition; they must lie within what the log holds.
        ``first_block``: records of each partition to load at first."""
        self._reader = reader
        self._topic = topic
        self._newest = order == "newest"
        self._stretches = {number: _Stretch(window, first_block) for number, window in windows.items()}
        self._most_bytes = MOST_BYTES // max(1, len(windows))

    async def next(self) -> LogRecord | None:
        """Return the next record, None at the end. Raises what ``LogReader.read`` does."""
        await self._load()
        heads = [stretch for stretch in self._stretches.values() if stretch.loaded]
        if not heads:
            return None
        if self._newest:
            return max(heads, key=lambda stretch: _time_of(stretch.loaded[-1])).loaded.pop()
        return min(heads, key=lambda stretch: _time_of(stretch.loaded[0])).loaded.popleft()

    def places(self) -> dict[int, int]:
        """Return, by partition, where a later walk goes on: newest first before this offset, oldest first at it."""
        return {number: self._place_of(stretch) for number, stretch in self._stretches.items()}

    def _place_of(self, stretch: _Stretch) -> int:
        if self._newest:
            return stretch.loaded[-1].offset + 1 if stretch.loaded else stretch.window.high
        return stretch.loaded[0].offset if stretch.loaded else stretch.window.low

    async def _load(self) -> None:
        """Load a block of each partition that has nothing loaded and is not over."""
        while True:
            wanted = {n: each for n, each in self._stretches.items() if not each.loaded and not each.window.is_empty}
            if not wanted:
                return
            blocks = {number: self._block_of(stretch) for number, stretch in wanted.items()}
            found = await read_windows(self._reader, self._topic, blocks, self._most_bytes, keep_last=self._newest)
            for number, stretch in wanted.items():
                self._take(stretch, blocks[number], found[number])

    def _block_of(self, stretch: _Stretch) -> Window:
        low, high = stretch.window
        return (
            Window(max(low, high - stretch.block), high)
            if self._newest
            else Window(low, min(high, low + stretch.block))
        )

    def _take(self, stretch: _Stretch, block: Window, found: Loaded) -> None:
        stretch.loaded = found.records
        stretch.block = min(stretch.block * 2, LARGEST_BLOCK)
        low, high = stretch.window
        if self._newest:
            stretch.window = Window(low, block.low if found.whole else found.records[0].offset)
        else:
            stretch.window = Window(block.high if found.whole else found.records[-1].offset + 1, high)


def _time_of(record: LogRecord) -> tuple[int, int, int]:
    return (record.timestamp, record.partition, record.offset)
