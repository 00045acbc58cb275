"""Append a replay to another topic."""

from __future__ import annotations

from collections.abc import Sequence

from cx_events.log import Log, LogRecord, Record
from cx_events.log.headers import copied_headers
from cx_ops.replay.marking import is_object, mark


class TopicTarget:
    """``log``: started, and made for the topic. Keys and headers are kept, hence the order within each key. A value
    that is no JSON object goes as it is."""

    def __init__(self, log: Log, topic: str, id: str) -> None:
        self._log = log
        self._topic = topic
        self._id = id

    async def open(self, size: int) -> None:
        await self._log.start()

    async def send(self, records: Sequence[LogRecord]) -> None:
        await self._log.append(
            [
                Record(
                    self._topic,
                    each.key,
                    mark(each.value, self._id) if is_object(each.value) else each.value,
                    headers=copied_headers(each),
                )
                for each in records
            ]
        )

    async def settle(self) -> int:
        return 0

    async def finish(self) -> None:
        """Nothing is left to do."""

    async def close(self) -> None:
        await self._log.stop()
