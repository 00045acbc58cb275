"""Define the port of the log: its topics, records and limits, and what every implementation does."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from cx_events.errors import Busy, Refused

INTERACTIONS = "cx.interactions"
CONTEXT_CHANGES = "cx.context-changes"
DEAD_LETTERS = "cx.dead-letters"
STORES = "cx.stores"
TOPICS = (INTERACTIONS, CONTEXT_CHANGES, DEAD_LETTERS, STORES)

MAX_IN_FLIGHT_BYTES = 64 << 20
"""Keys and values of all appends under way in one process; ``append`` answers ``Busy`` to more. A single append may be
larger."""

SLOW_SECONDS = 1.1
"""While an append has taken longer than this, new ones are refused."""

MAX_RECORD_BYTES = 2 << 20
"""Key and value together; ``append`` answers ``Refused("too-large")`` to more. Larger originals become blobs."""


Headers = Sequence[tuple[str, bytes]]
"""The headers of a record: names and values, in order."""


class Record(NamedTuple):
    """A record to append. ``key`` picks the partition. ``traceparent``: of the trace that it belongs to, or empty.
    ``headers``: instead of those that its topic's records have (``log.headers``)."""

    topic: str
    key: bytes
    value: bytes
    traceparent: str = ""
    headers: Headers = ()


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int


class RecordMetadata(NamedTuple):
    """The place of a record on the log."""

    topic: str
    partition: int
    offset: int


class LogRecord(NamedTuple):
    """A record as it is read. ``timestamp``: when the log stored it, ms since 1970. ``traceparent``: the
    appender's, not to be trusted: others may write to Kafka. ``headers``: all of them; a record that was written before
    there were any has none on Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    timestamp: int
    traceparent: str = ""
    headers: Headers = ()


def ends_of(records: Sequence[LogRecord]) -> dict[Partition, int]:
    """Return where each partition goes on after some records, in order within each. Those of one partition mostly lie
    one behind another: of such a run only the last is looked at closely."""
    ends: dict[Partition, int] = {}
    for record, after in zip(records, (*records[1:], None), strict=False):
        if after is None or after.partition != record.partition or after.topic != record.topic:
            ends[Partition(record.topic, record.partition)] = record.offset + 1
    return ends


class LogReader(Protocol):
    """A reader for one task at a time. It commits nothing: whoever applies the records keeps the offsets."""

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions and no others, from these offsets on, beginning with the next ``read``.

        Raises ``Refused("unknown-topic")``.
        """

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        """Return the next records, in order within each partition and fair over partitions.

        Return as soon as there are any, or none after ``wait`` seconds. The first record may be of any size; with the
        others it has at most ``max_bytes`` of values. Raises ``TryLater`` where the log does not answer (a later call
        goes on), ``Fatal`` where an offset lies outside of what the log holds: records were lost there.
        """

    async def close(self) -> None:
        """Release what the reader holds."""


class Log(Protocol):
    """An append-only log of all topics."""

    async def start(self) -> None:
        """Connect, and create the topics where they are missing. Raises ``TryLater``."""

    async def stop(self) -> None:
        """Finish the appends under way and disconnect."""

    def check_capacity(self) -> None:
        """Raise ``Busy`` where ``append`` would now. Call it before doing much work for an append."""

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        """Store all records, durable on return, and return where each lies.

        Raises ``TryLater`` within 2.5 s where any outcome is unknown: some may be stored; appending them again is safe,
        since events are known by their ids. Raises, before anything is stored, ``Refused`` (``unknown-topic``,
        ``too-large``), or ``Busy`` where too many bytes or too slow appends are under way.
        """

    def reader(self) -> LogReader:
        """Return a new reader, assigned to nothing."""

    async def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has, which never falls. ``Refused("unknown-topic")``, ``TryLater``."""

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """Return, by partition, the offset that the next record gets. ``TryLater`` where the log does not answer."""

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        """Return, by partition, the offset of the first record that the log still holds; the end where it holds none.
        Raises as ``end_offsets``."""

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        """Return, by partition, the offset of the first record with this timestamp or a later one; the end where there
        is none. ``timestamp``: ms since 1970. Raises as ``end_offsets``."""


class InFlightAppends:
    """A bound on the appends under way: ``ticket = in_flight.acquire(records)``, in the end ``release(ticket)``.

    Where the oldest append has waited for long, a newer one would only time out. Refusing it at once lets those under
    way succeed, so that a log too slow for all still serves some.
    """

    def __init__(self, log: str, most: int = MAX_IN_FLIGHT_BYTES) -> None:
        """``log``: its name for error texts. ``most``: bytes."""
        self._log = log
        self._most = most
        self._bytes = 0
        self._under_way: dict[int, tuple[float, int]] = {}
        self._last = 0

    def acquire(self, records: Sequence[Record]) -> int:
        """Count an append and return its ticket. Raises ``Busy`` where there is no room."""
        size = sum([len(key) + len(value) for _, key, value, _, _ in records])
        now = time.monotonic()
        self._check(size, now)
        self._bytes += size
        self._last += 1
        self._under_way[self._last] = (now, size)
        return self._last

    def check(self) -> None:
        """Raise ``Busy`` where there is no room."""
        self._check(0, time.monotonic())

    def _check(self, size: int, now: float) -> None:
        if not self._under_way:
            return
        if self._bytes + size > self._most:
            raise Busy(
                "log", "too-many-appends", f"{self._bytes} bytes are being written to {self._log}; nothing was stored"
            )
        first, _ = next(iter(self._under_way.values()))
        if now - first > SLOW_SECONDS:
            raise Busy("log", "log-too-slow", f"{self._log} is too slow for what it has to write; nothing was stored")

    def release(self, ticket: int) -> None:
        """Count an append no more."""
        self._bytes -= self._under_way.pop(ticket)[1]


def check_records(records: Sequence[Record], known: Collection[str] = TOPICS) -> None:
    """Raise ``Refused`` for a topic that there isn't, or a record of more than ``MAX_RECORD_BYTES``."""
    for topic, key, value, _, _ in records:
        if topic not in known:
            check_topic(topic, known)
        if len(key) + len(value) > MAX_RECORD_BYTES:
            raise Refused(
                "too-large",
                f"a record for {topic} has {len(key) + len(value)} bytes; {MAX_RECORD_BYTES} are allowed",
                status=413,
            )


def check_topic(topic: str, known: Collection[str] = TOPICS) -> None:
    """Raise ``Refused("unknown-topic", 404)`` unless the topic is a known one."""
    if topic not in known:
        raise Refused("unknown-topic", f"there is no topic {topic!r}; the topics are {', '.join(known)}", status=404)
