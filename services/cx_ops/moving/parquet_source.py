"""Read the Parquet file of a replay as an import does: the same keys and values, without the mark of the replay."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from cx_events.archive.manifest import ARCHIVED_TOPICS
from cx_events.archive.parquet import ParquetFile
from cx_events.blob import Blobs
from cx_events.errors import Refused
from cx_events.log import LogRecord, Partition
from cx_ops.moving.sources import Source


async def parquet_source(path: Path, blobs: Blobs | None) -> Source:
    """Return a file as a source, all its rows checked.

    Raises ``Refused``: ``no-such-file``, ``other-format``, ``damaged-file``, ``not-importable``.
    """
    file = await asyncio.to_thread(ParquetFile, path)
    about = file.about
    if about.topic not in ARCHIVED_TOPICS:
        raise Refused("not-importable", f"{path} is of {about.topic}, which projectors make anew of what is imported")
    await asyncio.to_thread(_check, file)
    return Source(
        id=about.id,
        name=str(path),
        reader=lambda begins: FileReader(file, begins),
        records=about.records,
        ends={Partition(about.topic, number): end for number, end in about.ends.items()},
        begins={Partition(about.topic, number): begin for number, begin in about.begins.items()},
        blobs=blobs,
    )


def _check(file: ParquetFile) -> None:
    for _ in file.records():
        pass


class FileReader:
    """Reads a file's records from these offsets on, in the file's order."""

    def __init__(self, file: ParquetFile, begins: Mapping[Partition, int]) -> None:
        self._begins = begins
        self._rows: Iterator[list[LogRecord]] = file.records()
        self._waiting: deque[LogRecord] = deque()

    async def read(self, max_records: int, max_bytes: int) -> list[LogRecord]:
        return await asyncio.to_thread(self._read, max_records, max_bytes)

    def _read(self, max_records: int, max_bytes: int) -> list[LogRecord]:
        found: list[LogRecord] = []
        while len(found) < max_records and self._fill():
            max_bytes -= len(self._waiting[0].value)
            if max_bytes < 0 and found:
                break
            found.append(self._waiting.popleft())
        return found

    def _fill(self) -> bool:
        """Return whether a record waits."""
        while not self._waiting:
            rows = next(self._rows, None)
            if rows is None:
                return False
            self._waiting += [
                each for each in rows if each.offset >= self._begins.get(Partition(each.topic, each.partition), 0)
            ]
        return True

    async def close(self) -> None:
        self._waiting.clear()
