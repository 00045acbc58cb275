"""Read one partition up to an end, and tell an end from a log that is slow to answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from cx_events.log.port import LogReader, LogRecord, Partition

QUIET_SECONDS = 10.0
"""What lies between the last record and the end may never be given: a broker's control records. So after this long
without a record the end counts as reached. Well above the silence after which a reader says that its broker is away
(``TryLater``): until then nothing may be taken for an end, or the records behind it would be lost."""


class PartitionReader:
    """Reads a partition from ``begin`` up to ``end``. ``reader``: its own, closed with it."""

    def __init__(
        self,
        reader: LogReader,
        partition: Partition,
        begin: int,
        end: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._end = end
        self._clock = clock
        self.position = begin
        """Everything before it was returned; ``end`` once that is reached."""
        reader.assign({partition: begin})

    async def read(self, max_records: int, *, wait: float = 0.5) -> list[LogRecord]:
        """Return the next records, none once the end is reached. ``wait``: seconds of one look. Raises what a
        ``LogReader`` raises."""
        began = self._clock()
        while self.position < self._end:
            found = await self._reader.read(max_records, wait=wait)
            if found:
                self.position = min(found[-1].offset + 1, self._end)
                return found if found[-1].offset < self._end else [each for each in found if each.offset < self._end]
            if self._clock() - began > QUIET_SECONDS:
                self.position = self._end
        return []

    async def close(self) -> None:
        """Release the reader."""
        await self._reader.close()
