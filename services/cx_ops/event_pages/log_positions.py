"""Find where an event lies on the log.

The store does not keep it. A record's partition follows from its key, and the log stored it soon after intake stamped
it: so it is looked for from the event's recorded time on.
"""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.timestamps import Micros

EARLIER_MS = 5_000
"""The log's clock may be behind the one that stamped the event."""

MOST_SCANNED = 50_000
READ_AT_ONCE = 1_000


class EventPlace(NamedTuple):
    """``stored``: when the log stored the record, ms since 1970. ``traceparent``: the record's."""

    topic: str
    partition: int
    offset: int
    stored: int
    traceparent: str = ""


async def find_place(log: Log, key: bytes, raw: bytes, recorded: Micros) -> EventPlace | None:
    """Return where the first record with these bytes lies; None where it is not among the ``MOST_SCANNED`` records
    after its recorded time, as that of an event which was imported later.

    ``key``: the record's. Raises ``TryLater``.
    """
    number = crc32(key) % await log.partitions(INTERACTIONS)
    at = (await log.offsets_at(INTERACTIONS, max(0, recorded // 1000 - EARLIER_MS)))[number]
    end = (await log.end_offsets(INTERACTIONS))[number]
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, number): at})
    scanned = 0
    try:
        while at < end and scanned < MOST_SCANNED:
            records = await reader.read(READ_AT_ONCE, wait=1.0)
            if not records:
                break
            for record in records:
                if record.value == raw:
                    return EventPlace(
                        INTERACTIONS, record.partition, record.offset, record.timestamp, record.traceparent
                    )
            scanned += len(records)
            at = records[-1].offset + 1
    finally:
        await reader.close()
    return None
