"""Write a replay into a file of JSON lines: ``FILE.part`` until all is there, then ``FILE``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cx_events.log import LogRecord
from cx_ops.replay.marking import mark_line
from cx_ops.replay.part_file import PartFile


class FileTarget:
    """``id``: of the run."""

    def __init__(self, path: Path, id: str) -> None:
        self._file = PartFile(path)
        self._id = id

    def check_free(self) -> None:
        """Raise ``Refused``: ``target-exists``, ``bad-target``."""
        self._file.check_free()

    async def open(self, size: int) -> None:
        await asyncio.to_thread(self._open, size)

    def _open(self, size: int) -> None:
        path = self._file.path
        if size and not self._file.part.exists() and path.exists() and path.stat().st_size == size:
            return  # it was killed after its last step
        self._file.open(size)

    async def send(self, records: Sequence[LogRecord]) -> None:
        await asyncio.to_thread(self._write, records)

    def _write(self, records: Sequence[LogRecord]) -> None:
        self._file.write([mark_line(record, self._id) for record in records])

    async def settle(self) -> int:
        if not self._file.is_open:
            return self._file.path.stat().st_size
        return await asyncio.to_thread(self._file.settle)

    async def finish(self) -> None:
        if self._file.is_open:
            await asyncio.to_thread(self._file.rename)

    async def close(self) -> None:
        self._file.close()
