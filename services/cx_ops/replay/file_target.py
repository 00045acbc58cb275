"""Write a replay into a file of JSON lines: ``FILE.part`` until all is there, then ``FILE``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from cx_events.archive.sealed_files import disk_errors, sync_folder
from cx_events.errors import Refused
from cx_events.log import LogRecord
from cx_events.private_files import FILE_MODE
from cx_ops.replay.marking import mark_line

_BUFFER = 1 << 20


class FileTarget:
    """``id``: of the run. Only bytes that a written state counts are kept when a run goes on, so no line is torn or
    there twice."""

    def __init__(self, path: Path, id: str) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._id = id
        self._file: BinaryIO | None = None

    def check_free(self) -> None:
        """Raise ``Refused("target-exists")`` where a file is in the way, or there is no folder for it."""
        for path in (self._path, self._part):
            if path.exists():
                raise Refused("target-exists", f"{path} is there already: name another file, or remove it", 409)
        if not self._path.parent.is_dir():
            raise Refused("bad-target", f"there is no folder {self._path.parent}", 400)

    async def open(self, size: int) -> None:
        await asyncio.to_thread(self._open, size)

    def _open(self, size: int) -> None:
        if size and not self._part.exists() and self._path.exists() and self._path.stat().st_size == size:
            return  # it was killed after its last step
        with disk_errors(self._part):
            handle = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            self._file = os.fdopen(handle, "r+b", buffering=_BUFFER)
            if self._file.seek(0, os.SEEK_END) < size:
                raise Refused("target-changed", f"{self._part} is shorter than what was written to it", 409)
            self._file.truncate(size)
            self._file.seek(size)

    async def send(self, records: Sequence[LogRecord]) -> None:
        await asyncio.to_thread(self._write, records)

    def _write(self, records: Sequence[LogRecord]) -> None:
        assert self._file is not None
        with disk_errors(self._part):
            self._file.writelines([mark_line(record, self._id) for record in records])

    async def settle(self) -> int:
        return await asyncio.to_thread(self._settle)

    def _settle(self) -> int:
        if self._file is None:
            return self._path.stat().st_size
        with disk_errors(self._part):
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    async def finish(self) -> None:
        if self._file is not None:
            await asyncio.to_thread(self._rename)

    def _rename(self) -> None:
        with disk_errors(self._part):
            self._part.rename(self._path)
            sync_folder(self._path.parent)

    async def close(self) -> None:
        if self._file is not None:
            with disk_errors(self._part):
                self._file.close()
