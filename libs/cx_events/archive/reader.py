"""Read an archive's segments from offsets that the caller keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from cx_events.archive.lines import decode_line
from cx_events.archive.manifest import Manifest, Segment
from cx_events.archive.sealed_files import digest_of_file
from cx_events.errors import Fatal, Refused
from cx_events.log.port import LogRecord, Partition, check_topic


class ArchiveReader:
    """A reader of the archive in ``folder``. A segment's digest is checked before its first record is given.

    ``read`` raises ``Refused("damaged-segment")`` where a file is missing or is not what was written.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._offsets: dict[Partition, int] = {}
        self._open: dict[Partition, Iterator[LogRecord]] = {}
        self._next: dict[Partition, LogRecord] = {}
        """Read from the file, and not returned yet."""
        self._turn = 0

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        for partition in offsets:
            check_topic(partition.topic)
        self._offsets = dict(offsets)
        self._open.clear()
        self._next.clear()

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        records = await asyncio.to_thread(self._read, max_records, max_bytes)
        if not records:
            await asyncio.sleep(wait)  # nothing is ever added to an archive that is open
        return records

    async def close(self) -> None:
        self.assign({})

    def _read(self, max_records: int, max_bytes: int) -> list[LogRecord]:
        """Return a fair share of every partition. Each call begins with another one."""
        found: list[LogRecord] = []
        if not self._offsets:
            return found
        partitions = list(self._offsets)
        self._turn = (self._turn + 1) % len(partitions)
        turns = partitions[self._turn :] + partitions[: self._turn]
        for share in (max(1, max_records // len(turns)), max_records):
            for partition in turns:
                wanted = min(share, max_records - len(found))
                while wanted > 0 and (record := self._peek(partition)) is not None:
                    max_bytes -= len(record.value)
                    if max_bytes < 0 and found:
                        return found
                    del self._next[partition]
                    self._offsets[partition] = record.offset + 1
                    found.append(record)
                    wanted -= 1
        return found

    def _peek(self, partition: Partition) -> LogRecord | None:
        if partition not in self._next:
            if partition not in self._open:
                self._check(partition)
                self._open[partition] = self._records(partition, self._offsets[partition])
            record = next(self._open[partition], None)
            if record is None:
                return None
            self._next[partition] = record
        return self._next[partition]

    def _check(self, partition: Partition) -> None:
        ends = self._manifest.ends.get(partition.topic, [0])
        if not 0 <= partition.number < len(ends):
            raise Fatal(f"{partition.topic} in {self._folder} has no partition {partition.number}")
        segments = self._manifest.segments_of(partition)
        begin = segments[0].first if segments else ends[partition.number]
        offset, end = self._offsets[partition], ends[partition.number]
        if not begin <= offset <= end:
            raise Fatal(
                f"offset {offset} of {partition.topic}/{partition.number} is outside of the archive {self._folder}, "
                f"which holds {begin} to {end}"
            )

    def _records(self, partition: Partition, offset: int) -> Iterator[LogRecord]:
        for segment in self._manifest.segments_of(partition):
            if segment.next > offset:
                yield from (each for each in self.in_segment(segment) if each.offset >= offset)

    def in_segment(self, segment: Segment) -> Iterator[LogRecord]:
        """Yield the records of a segment. Raises ``Refused("damaged-segment")``. Blocking."""
        path = self._folder / segment.file
        try:
            check_segment(self._folder, segment)
            with path.open("rb") as file:
                for line in file:
                    yield decode_line(line, segment.topic, segment.partition)
        except OSError as error:
            raise Refused("damaged-segment", f"{path} can't be read: {error.strerror}") from None


def check_segment(folder: Path, segment: Segment) -> None:
    """Raise ``Refused("damaged-segment")`` where a segment's file is missing, or is not what was written."""
    path = folder / segment.file
    try:
        if digest_of_file(path) != segment.sha256:
            raise Refused("damaged-segment", f"{path} is not what was written: its digest is another one")
    except OSError as error:
        raise Refused("damaged-segment", f"{path} can't be read: {error.strerror}") from None
