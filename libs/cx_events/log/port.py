"""What a log is. See the package's docstring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

INTERACTIONS = "cx.interactions"
CONTEXT_CHANGES = "cx.context-changes"
DEAD_LETTERS = "cx.dead-letters"
TOPICS = (INTERACTIONS, CONTEXT_CHANGES, DEAD_LETTERS)


class Record(NamedTuple):
    """What is appended. ``key`` picks the partition."""

    topic: str
    key: bytes
    value: bytes


class Partition(NamedTuple):
    topic: str
    number: int


class Position(NamedTuple):
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
    """One reader, used by one task at a time. It commits nothing: whoever applies the records keeps the positions."""

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read these partitions from these positions on, and no others. Takes effect at the next ``read``."""

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        """The next records, in order within each partition; fair over partitions. Returns as soon as there are any,
        or empty after ``wait`` seconds. ``TryLater`` where the log does not answer; a later call goes on."""

    async def close(self) -> None: ...


class Log(Protocol):
    async def start(self) -> None:
        """Connect, and create the topics where they are missing. Raises ``TryLater``."""

    async def stop(self) -> None:
        """Finish what is under way and let go."""

    async def append(self, records: Sequence[Record]) -> list[Position]:
        """Store all, each once durable on return. ``TryLater`` within 2.5 s where any outcome is unknown: some may be
        stored; appending them again is safe, since events are known by their ids."""

    def reader(self) -> LogReader: ...

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Never falls."""

    async def end_positions(self, topic: str) -> dict[int, int]:
        """Partition to the offset that the next record would get. ``TryLater`` where the log does not answer."""
