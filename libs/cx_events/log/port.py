"""What a log is. See the package's docstring."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from cx_events.errors import Busy, Refused

INTERACTIONS = "cx.interactions"
CONTEXT_CHANGES = "cx.context-changes"
DEAD_LETTERS = "cx.dead-letters"
STORES = "cx.stores"
TOPICS = (INTERACTIONS, CONTEXT_CHANGES, DEAD_LETTERS, STORES)

SINGLE_PARTITION_TOPICS = frozenset({STORES})
"""Topics whose offsets count all their records; the others have as many partitions as the log was made with."""

MAX_IN_FLIGHT_BYTES = 64 << 20
"""Of all appends under way in one process, and no more: ``append`` answers ``Busy`` to what comes on top. One append
alone may be larger."""

SLOW_SECONDS = 1.1
"""An append that takes longer turns new ones away until it has ended."""

MAX_RECORD_BYTES = 2 << 20
"""Key and value together; ``append`` answers ``Refused("too-large")`` to more. Larger originals go to the blobs."""


class Record(NamedTuple):
    """What is appended. ``key`` picks the partition."""

    topic: str
    key: bytes
    value: bytes


class Partition(NamedTuple):
    topic: str
    number: int


class RecordMetadata(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


class LogRecord(NamedTuple):
    """What is read. ``timestamp``: ms since 1970, when the log took it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    timestamp: int


class LogReader(Protocol):
    """One reader, used by one task at a time. It commits nothing: whoever applies the records keeps the offsets."""

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions from these offsets on, and no others. Takes effect at the next ``read``.
        ``Refused("unknown-topic")``."""

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        """The next records, in order within each partition; fair over partitions. Returns as soon as there are any,
        or empty after ``wait`` seconds. At least one record, however large, then no more than ``max_bytes`` of values.
        ``TryLater`` where the log does not answer; a later call goes on. ``Fatal`` where a position lies outside of
        what the log holds: records were lost there, and going on would hide it."""

    async def close(self) -> None: ...


class Log(Protocol):
    async def start(self) -> None:
        """Connect, and create the topics where they are missing. Raises ``TryLater``."""

    async def stop(self) -> None:
        """Finish what is under way and let go."""

    def check_capacity(self) -> None:
        """``Busy`` where ``append`` would say so now: asked before much is done for an append."""

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        """Store all, each once durable on return. ``TryLater`` within 2.5 s where any outcome is unknown: some may be
        stored; appending them again is safe, since events are known by their ids. Before anything is stored:
        ``Refused``: ``unknown-topic``, ``too-large``; ``Busy`` where too much waits already, or for too long."""

    def reader(self) -> LogReader: ...

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Never falls. ``Refused("unknown-topic")``, ``TryLater``."""

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """Partition to the offset that the next record would get. ``TryLater`` where the log does not answer."""


class InFlightAppends:
    """All appends under way: ``ticket = waiting.take(records)``, and ``waiting.give(ticket)`` at the end.

    Where the first of them has waited long already, those that came later would only wait in vain: by turning new ones
    away at once, those inside are still stored in time, and a log that is too slow for all goes on for some.
    """

    def __init__(self, log: str, most: int = MAX_IN_FLIGHT_BYTES) -> None:
        """``most``: bytes."""
        self._log = log
        self._most = most
        self._bytes = 0
        self._under_way: dict[int, tuple[float, int]] = {}
        self._last = 0

    def acquire(self, records: Sequence[Record]) -> int:
        """``Busy`` where there is no room."""
        size = sum([len(record.key) + len(record.value) for record in records])
        now = time.monotonic()
        self._check(size, now)
        self._bytes += size
        self._last += 1
        self._under_way[self._last] = (now, size)
        return self._last

    def check(self) -> None:
        """As ``take`` of nothing."""
        self._check(0, time.monotonic())

    def _check(self, size: int, now: float) -> None:
        if not self._under_way:
            return
        if self._bytes + size > self._most:
            raise Busy("log", "too-many-appends", f"{self._bytes} bytes wait for {self._log}; nothing was taken")
        first, _ = next(iter(self._under_way.values()))
        if now - first > SLOW_SECONDS:
            raise Busy("log", "log-too-slow", f"{self._log} is behind with what it has; nothing was taken")

    def release(self, ticket: int) -> None:
        self._bytes -= self._under_way.pop(ticket)[1]


def partition_count(topic: str, partitions: int) -> int:
    """Return how many partitions a topic is made with on a log of so many."""
    return 1 if topic in SINGLE_PARTITION_TOPICS else partitions


def check_records(records: Sequence[Record]) -> Sequence[Record]:
    """The same records, if a log may take them: ``Refused`` for an unknown topic or more than ``MAX_RECORD_BYTES``."""
    for topic, key, value in records:
        check_topic(topic)
        if len(key) + len(value) > MAX_RECORD_BYTES:
            raise Refused(
                "too-large",
                f"a record for {topic} has {len(key) + len(value)} bytes; the log takes {MAX_RECORD_BYTES}",
                status=413,
            )
    return records


def check_topic(topic: str) -> str:
    """The same topic; ``Refused("unknown-topic")`` if it is none of ours."""
    if topic not in TOPICS:
        raise Refused("unknown-topic", f"there is no topic {topic!r}; there are {', '.join(TOPICS)}", status=404)
    return topic
