"""Estimate how many bytes tables and topics take, in all and for a million events."""

from __future__ import annotations

from msgspec import Struct

from cx_context.store import Store
from cx_context.store.table_sizes import table_sizes
from cx_events.log import INTERACTIONS, TOPICS, Log, Partition

SAMPLED = 2_000
"""Records of each partition, its latest, by which a topic's bytes are estimated."""

MILLION = 1_000_000


class Size(Struct, frozen=True):
    """``kind``: ``table`` or ``topic``. ``rows``: of a table, or records of a topic. ``size``: bytes; of a table on
    disk with its indexes, of a topic keys and values as they were sent, which a broker keeps compressed.
    ``per_million``: for a million events; null where there are none."""

    kind: str
    name: str
    rows: int
    size: int
    per_million: int | None


async def sizes_of(log: Log, store: Store) -> tuple[int, list[Size]]:
    """Return how many events are stored, and the sizes of tables and topics, each kind's largest first.

    Raises ``TryLater`` where log or store do not answer."""
    tables = await table_sizes(store)
    events = next(each.rows for each in tables if each.table == "events")
    topics = [(topic, *await _topic_size(log, topic)) for topic in TOPICS]
    appended = next(records for topic, records, _ in topics if topic == INTERACTIONS)
    found = [Size("table", each.table, each.rows, each.size, _per_million(each.size, events)) for each in tables]
    topics.sort(key=lambda each: -each[2])
    found += [Size("topic", topic, records, size, _per_million(size, appended)) for topic, records, size in topics]
    return events, found


def _per_million(size: int, events: int) -> int | None:
    return size * MILLION // events if events else None


async def _topic_size(log: Log, topic: str) -> tuple[int, int]:
    """Return how many records a topic holds, and their bytes, estimated by the latest ones."""
    begins, ends = await log.begin_offsets(topic), await log.end_offsets(topic)
    records = sum(ends[number] - begins.get(number, 0) for number in ends)
    starts = {
        Partition(topic, number): max(begins.get(number, 0), end - SAMPLED)
        for number, end in ends.items()
        if end > begins.get(number, 0)
    }
    waiting = sum(ends[each.number] - at for each, at in starts.items())
    sampled = size = 0
    reader = log.reader()
    reader.assign(starts)
    try:
        while sampled < waiting and (read := await reader.read(4_000, wait=2.0)):
            sampled += len(read)
            size += sum(len(each.key) + len(each.value) for each in read)
    finally:
        await reader.close()
    return records, size * records // sampled if sampled else 0
