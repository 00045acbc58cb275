"""Help the log's contract suites: records, readers, and an outage."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from cx_events.errors import TryLater
from cx_events.log import (
    INTERACTIONS,
    Log,
    LogReader,
    LogRecord,
    Partition,
    Record,
)

MakeLog = Callable[..., Log]

ANSWER_SECONDS = 20.0
"""The time in which a log that is down must raise. The port promises 2.5 s, which a loaded machine may exceed; a log
that relies on the timeouts of its client library exceeds even this."""


class Outage(Protocol):
    """A failure of a log: it stops answering at ``begin`` and is back at ``end``, data intact."""

    async def begin(self) -> None: ...

    async def end(self) -> None: ...


def record(key: str, value: str | bytes = b"", topic: str = INTERACTIONS) -> Record:
    return Record(topic, key.encode(), value.encode() if isinstance(value, str) else value)


async def from_start(log: Log, topic: str = INTERACTIONS) -> LogReader:
    """Return a reader of a whole topic from its beginning."""
    reader = log.reader()
    reader.assign({Partition(topic, number): 0 for number in range(await log.partitions(topic))})
    return reader


async def take(reader: LogReader, count: int, *, max_records: int = 500) -> list[LogRecord]:
    """Read until that many records have come. A test that waits in vain ends by its own timeout."""
    found: list[LogRecord] = []
    while len(found) < count:
        found += await reader.read(min(max_records, count - len(found)))
    return found


def group_by_partition(records: Collection[LogRecord]) -> Mapping[Partition, list[LogRecord]]:
    parts: dict[Partition, list[LogRecord]] = defaultdict(list)
    for found in records:
        parts[Partition(found.topic, found.partition)].append(found)
    return parts


async def append_until_stored(log: Log, *records: Record) -> None:
    """Append, again and again while the log raises ``TryLater``."""
    while True:
        try:
            await log.append(records)
        except TryLater:
            await asyncio.sleep(0.05)
        else:
            return
