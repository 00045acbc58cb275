"""Read a page of a topic, and follow what comes to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from cx_events.log import Log, LogReader, Partition
from cx_ops.log_browsing.filters import RecordTest
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.log_browsing.seeking import Range, Seek, find_range
from cx_ops.log_browsing.walk import FIRST_BLOCK, LARGEST_BLOCK, TopicWalk

FOLLOWED_AT_ONCE = 1_000
FOLLOW_BYTES = 8 << 20
REPORT_EVERY = 10_000
"""Records looked at between two reports of progress."""


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Bounds of one page; a page has one record at least where there is one. ``seconds``: after which it ends where it
    is; None for as long as it takes. ``scanned``: records looked at; ``size``: bytes of the values returned."""

    records: int = 100
    scanned: int | None = None
    size: int | None = None
    seconds: float | None = None


@dataclass(slots=True)
class LogPage:
    """Records in the order that was asked for.

    ``places``: where the next page begins. ``is_last``: nothing is left of the range. ``scanned``: records looked at.
    ``ends``: where the log ended when the page was begun, by partition: what comes later is ``follow``'s.
    """

    records: list[BrowsedRecord] = field(default_factory=list)
    places: Mapping[int, int] = field(default_factory=dict)
    is_last: bool = False
    scanned: int = 0
    ends: Mapping[int, int] = field(default_factory=dict)


async def read_page(
    log: Log,
    topic: str,
    seek: Seek,
    wanted: RecordTest,
    limits: PageLimits,
    *,
    is_filtered: bool = True,
    report: Callable[[int], None] = lambda scanned: None,
) -> LogPage:
    """Return the first records of a range that are ``wanted``.

    ``is_filtered``: most records may not be wanted, so more are loaded at once. ``report``: told now and then how many
    records were looked at. Raises what ``find_range`` and ``LogReader.read`` do.
    """
    found = await find_range(log, topic, seek)
    reader = log.reader()
    try:
        return await _read(reader, topic, seek, found, wanted, limits, is_filtered, report)
    finally:
        await reader.close()


async def _read(
    reader: LogReader,
    topic: str,
    seek: Seek,
    found: Range,
    wanted: RecordTest,
    limits: PageLimits,
    is_filtered: bool,
    report: Callable[[int], None],
) -> LogPage:
    block = LARGEST_BLOCK // 4 if is_filtered else min(max(limits.records, 1), FIRST_BLOCK)
    walk = TopicWalk(reader, topic, seek.order, found.windows, first_block=block)
    page = LogPage(ends=found.ends)
    clock = asyncio.get_running_loop().time
    until = None if limits.seconds is None else clock() + limits.seconds
    size = 0
    while len(page.records) < limits.records:
        places = walk.places() if limits.size is not None else {}
        record = await walk.next()
        if record is None:
            page.is_last = True
            break
        page.scanned += 1
        seen = BrowsedRecord(record)
        if wanted(seen):
            size += len(record.value)
            if page.records and limits.size is not None and size > limits.size:
                page.places = places  # this record begins the next page
                return page
            page.records.append(seen)
        if page.scanned % REPORT_EVERY == 0:
            report(page.scanned)
            await asyncio.sleep(0)
        if page.scanned == limits.scanned or (until is not None and clock() > until):
            break
    page.places = walk.places()
    return page


async def follow(
    log: Log, topic: str, places: Mapping[int, int], *, wait: float = 1.0
) -> AsyncIterator[list[BrowsedRecord]]:
    """Yield the records from these offsets on as they come, in order within each partition; an empty list after
    ``wait`` seconds without one. Raises what ``LogReader.read`` does."""
    reader = log.reader()
    reader.assign({Partition(topic, number): offset for number, offset in places.items()})
    try:
        while True:
            records = await reader.read(FOLLOWED_AT_ONCE, max_bytes=FOLLOW_BYTES, wait=wait)
            yield [
                BrowsedRecord(record) for record in sorted(records, key=lambda each: (each.timestamp, each.partition))
            ]
    finally:
        await reader.close()
