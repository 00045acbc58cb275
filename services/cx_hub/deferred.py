"""Stand in for a log and a blob store that may not be there yet when the process starts: until then, answer
``TryLater``.

So a hub comes up whatever is down, tells senders to come again, and takes events from the moment that it can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cx_events.blob import Blobs
from cx_events.errors import TryLater
from cx_events.log import Log, LogReader, Record, RecordMetadata


class DeferredLog:
    """``log`` once ``start`` has succeeded; call it again until then."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._why = "it is being opened"
        self.opened = asyncio.Event()

    def _opened(self) -> Log:
        if not self.opened.is_set():
            raise TryLater("log", self._why)
        return self._log

    async def start(self) -> None:
        try:
            await self._log.start()
        except TryLater as error:
            self._why = error.detail
            raise
        self.opened.set()

    async def stop(self) -> None:
        self.opened.clear()
        await self._log.stop()

    def check_capacity(self) -> None:
        self._opened().check_capacity()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        return await self._opened().append(records)

    def reader(self) -> LogReader:
        return self._log.reader()

    async def partitions(self, topic: str) -> int:
        return await self._opened().partitions(topic)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self._opened().end_offsets(topic)

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        return await self._opened().begin_offsets(topic)

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return await self._opened().offsets_at(topic, timestamp)


class DeferredBlobs:
    """``blobs`` once ``start`` has succeeded; call it again until then."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.is_open = False

    def _opened(self) -> Blobs:
        if not self.is_open:
            raise TryLater("blobs", "they are being opened")
        return self._blobs

    async def start(self) -> None:
        await self._blobs.start()
        self.is_open = True

    async def stop(self) -> None:
        self.is_open = False
        await self._blobs.stop()

    async def put(self, tenant: str, content: bytes) -> str:
        return await self._opened().put(tenant, content)

    async def get(self, tenant: str, name: str) -> bytes | None:
        return await self._opened().get(tenant, name)
