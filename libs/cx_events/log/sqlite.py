"""Keep the log in one SQLite file, for one machine: any number of processes append and read.

Durable as SQLite is with ``synchronous=FULL`` (https://www.sqlite.org/pragma.html#pragma_synchronous): an append
returns after the WAL is synced. Appends that arrive together share one transaction, hence one sync.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from cx_events.errors import Fatal, TryLater
from cx_events.log.declarations import Declarations, declared_topics
from cx_events.log.port import (
    MAX_IN_FLIGHT_BYTES,
    InFlightAppends,
    Record,
    RecordMetadata,
    check_records,
    check_topic,
)
from cx_events.log.sqlite_file import (
    Topic,
    begin_offset,
    connect,
    end_offset,
    offset_at,
    prepare_file,
    run_in_thread,
)
from cx_events.log.sqlite_reader import SqliteReader
from cx_events.log.sqlite_writer import Append, SqliteWriter
from cx_events.log.wake import WakeList

DEADLINE = 2.2
"""Seconds after which an append gives up."""


class SqliteLog:
    """A log in the file ``path``.

    ``partitions`` counts only when the file is made; afterwards the file says how many there are. ``declared``: the
    topics, instead of the product's declarations with so many partitions; a file keeps everything, whatever retention
    they say. ``max_in_flight``: bytes of all appends under way.
    """

    def __init__(
        self,
        path: Path,
        partitions: int = 8,
        *,
        declared: Declarations | None = None,
        max_in_flight: int = MAX_IN_FLIGHT_BYTES,
    ) -> None:
        self.path = Path(path)
        self._in_flight = InFlightAppends(str(path), max_in_flight)
        self._declared = declared or declared_topics(partitions)
        self._topics: dict[str, Topic] = {}
        self._writer: SqliteWriter | None = None
        self._wakes = WakeList()
        self._thread: ThreadPoolExecutor | None = None

    async def start(self) -> None:
        if self._writer is not None:
            return
        self._topics = await asyncio.to_thread(prepare_file, self.path, self._declared)
        self._thread = ThreadPoolExecutor(1, "cx-log-look")
        self._writer = SqliteWriter(self.path, self._topics, self._wakes.wake_all)

    async def stop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.stop)
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def check_capacity(self) -> None:
        self._in_flight.check()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        if self._writer is None:
            raise Fatal(f"the log {self.path} is not started or already stopped")
        check_records(records, self._declared)
        if not records:
            return []
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[RecordMetadata]] = loop.create_future()
        ticket = self._in_flight.acquire(records)
        self._writer.put(Append(records, loop, done, lambda: self._in_flight.release(ticket)))
        try:
            async with asyncio.timeout(DEADLINE):
                return await done
        except TimeoutError:
            raise TryLater("log", f"{self.path} took no records within {DEADLINE} s") from None

    def reader(self) -> SqliteReader:
        return SqliteReader(self.path, self.topic, self._wakes, self._declared)

    async def partitions(self, topic: str) -> int:
        return self.topic(topic).partitions

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self._ask_offsets(topic, end_offset)

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        return await self._ask_offsets(topic, begin_offset)

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return await self._ask_offsets(topic, lambda connection, base: offset_at(connection, base, timestamp))

    async def _ask_offsets(self, topic: str, ask: Callable[[sqlite3.Connection, int], int]) -> dict[int, int]:
        """Return an offset of each partition of a topic. ``ask`` gets the rowid of the partition's offset 0."""
        found = self.topic(topic)
        if self._thread is None:
            raise Fatal(f"the log {self.path} is not started or already stopped")

        def read() -> dict[int, int]:
            with closing(connect(self.path)) as connection:
                return {number: ask(connection, found.base(number)) for number in range(found.partitions)}

        return await run_in_thread(self._thread, self.path, read)

    def topic(self, name: str) -> Topic:
        """Return where a topic lies in the file. ``Refused("unknown-topic")``; ``Fatal`` before ``start``."""
        check_topic(name, self._declared)
        if name not in self._topics:
            raise Fatal(f"the log {self.path} is not started")
        return self._topics[name]
