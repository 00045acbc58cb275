"""Write a replay into a Parquet file, with keys and values as they lie on the log, and columns for analysts.

A Parquet file can't be gone on with. So the rows come into ``FILE.part`` first, compressed, which is then read once
more, a group of rows at a time, and written as ``FILE.draft``; that gets the name ``FILE`` when it is whole.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from cx_events.archive.parquet import About, ParquetFile, batch_bytes, head, write_parquet
from cx_events.archive.sealed_files import disk_errors, sync_folder
from cx_events.errors import Refused
from cx_events.log import LogRecord
from cx_events.private_files import FILE_MODE
from cx_ops.replay.part_file import PartFile
from cx_ops.replay.state import ReplayState

BATCH_RECORDS, BATCH_BYTES = 2_000, 8 << 20
"""Records and bytes of values that wait in memory for the next batch, at most; one record more may."""
GROUP_BYTES = 64 << 20
"""Bytes of values in a group of rows, about."""
_LEAST_ROWS, _MOST_ROWS = 100, 100_000


class ParquetTarget:
    """``state``: of the run, which counts what was sent. ``software``: the version of this release."""

    def __init__(self, path: Path, state: ReplayState, software: str) -> None:
        self._file = PartFile(path, head())
        self._draft = path.with_name(path.name + ".draft")
        self._state = state
        self._software = software
        self._waiting: list[LogRecord] = []
        self._bytes = 0

    def check_free(self) -> None:
        """Raise ``Refused``: ``target-exists``, ``bad-target``."""
        self._file.check_free(self._draft)

    async def open(self, size: int) -> None:
        await asyncio.to_thread(self._open, size)

    def _open(self, size: int) -> None:
        if size and not self._file.part.exists() and self._is_ours():
            return  # it was killed after its last step
        self._file.open(size)

    def _is_ours(self) -> bool:
        try:
            return ParquetFile(self._file.path).about.id == self._state.id
        except Refused:
            return False

    async def send(self, records: Sequence[LogRecord]) -> None:
        self._waiting += records
        self._bytes += sum([len(record.value) for record in records])
        if len(self._waiting) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        if self._waiting:
            self._file.write([batch_bytes(self._waiting, self._state.id)])
            self._waiting, self._bytes = [], 0

    async def settle(self) -> int:
        return await asyncio.to_thread(self._settle)

    def _settle(self) -> int:
        if not self._file.is_open:
            return self._state.size
        self._write()
        return self._file.settle()

    async def finish(self) -> None:
        if self._file.is_open:
            await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        state = self._state
        about = About(
            id=state.id,
            software=self._software,
            topic=state.asked.topic,
            records=state.sent,
            begins=state.begins,
            ends=state.ends,
        )
        rows = GROUP_BYTES * state.sent // max(state.bytes, 1)
        path = self._file.path
        with disk_errors(self._draft):
            handle = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(handle, "w+b") as file:
                write_parquet(self._file.part, file, about, min(max(rows, _LEAST_ROWS), _MOST_ROWS))
                file.flush()
                os.fsync(file.fileno())
            self._draft.rename(path)
            sync_folder(path.parent)
            self._file.part.unlink()
            sync_folder(path.parent)

    async def close(self) -> None:
        self._file.close()
