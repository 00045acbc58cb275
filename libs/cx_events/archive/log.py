"""Read an archive as a log like any other, which takes no records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cx_events.archive.manifest import Manifest, Segment, read_manifest
from cx_events.archive.reader import ArchiveReader, check_segment
from cx_events.errors import Fatal, Refused
from cx_events.log.port import STORES, LogReader, Partition, Record, RecordMetadata, check_topic


class ArchiveLog:
    """The log in the archive of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest: Manifest | None = None

    async def start(self) -> None:
        """Read the manifest. Raises ``Refused`` as ``read_manifest`` does."""
        self._manifest = await asyncio.to_thread(read_manifest, self.folder)

    async def stop(self) -> None:
        self._manifest = None

    @property
    def manifest(self) -> Manifest:
        if self._manifest is None:
            raise Fatal(f"the archive {self.folder} is not started")
        return self._manifest

    async def check_all(self) -> None:
        """Check every segment's digest. Raises ``Refused("damaged-segment")``, naming the file."""
        for segment in self.manifest.segments:
            await asyncio.to_thread(check_segment, self.folder, segment)

    def check_capacity(self) -> None:
        raise Refused("read-only", f"{self.folder} is an archive, and takes no records", 409)

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        raise Refused("read-only", f"{self.folder} is an archive, and takes no records", 409)

    def reader(self) -> LogReader:
        return ArchiveReader(self.folder, self.manifest)

    async def partitions(self, topic: str) -> int:
        return len(self._ends(topic))

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return dict(enumerate(self._ends(topic)))

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        return {number: _first(self._segments(topic, number), end) for number, end in enumerate(self._ends(topic))}

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return await asyncio.to_thread(self._offsets_at, topic, timestamp)

    def _offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return {number: self._offset_at(topic, number, end, timestamp) for number, end in enumerate(self._ends(topic))}

    def _offset_at(self, topic: str, number: int, end: int, timestamp: int) -> int:
        for segment in self._segments(topic, number):
            if segment.last_at >= timestamp:
                reader = ArchiveReader(self.folder, self.manifest)
                return next(each.offset for each in reader.in_segment(segment) if each.timestamp >= timestamp)
        return end

    def _segments(self, topic: str, number: int) -> list[Segment]:
        return self.manifest.segments_of(Partition(topic, number))

    def _ends(self, topic: str) -> list[int]:
        check_topic(topic)
        return self.manifest.ends.get(topic, [self.manifest.stores_end] if topic == STORES else [0])


def _first(segments: Sequence[Segment], end: int) -> int:
    return segments[0].first if segments else end
