"""Write the segments of an archive. Blocking: for threads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from cx_events.archive.lines import encode_line
from cx_events.archive.manifest import Segment
from cx_events.archive.sealed_files import disk_errors, sync_folder
from cx_events.log import LogRecord, Partition
from cx_events.private_files import FILE_MODE, make_folder

SEGMENT_BYTES = 64 << 20
"""Bytes after which a new segment begins."""


class SegmentFile:
    """A segment that is being written. What lies at its place, left by an export that broke off, is replaced.

    Raises ``TryLater("disk")``.
    """

    def __init__(self, folder: Path, partition: Partition, first: int) -> None:
        self._folder = folder
        self._partition = partition
        self._name = f"segments/{partition.topic}/{partition.number:05d}/{first:020d}.jsonl"
        self._digest = hashlib.sha256()
        self._records: list[tuple[int, int]] = []
        """(offset, time) of the first and of the last record."""
        self.records = 0
        self.bytes = 0
        path = folder / self._name
        with disk_errors(path):
            make_folder(path.parent)
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb")

    def write(self, records: Sequence[LogRecord]) -> None:
        """Add records, later than those before."""
        if not records:
            return
        text = b"".join([encode_line(record) + b"\n" for record in records])
        with disk_errors(self._folder / self._name):
            self._file.write(text)
        self._digest.update(text)
        self.bytes += len(text)
        self.records += len(records)
        ends = [(each.offset, each.timestamp) for each in (records[0], records[-1])]
        self._records = [(self._records or ends)[0], ends[1]]

    def finish(self) -> Segment:
        """Make the file durable, and return what the manifest says of it. It has a record at least."""
        path = self._folder / self._name
        with disk_errors(path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            sync_folder(path.parent)
        (first, first_at), (last, last_at) = self._records
        return Segment(
            file=self._name,
            topic=self._partition.topic,
            partition=self._partition.number,
            first=first,
            next=last + 1,
            first_at=first_at,
            last_at=last_at,
            records=self.records,
            bytes=self.bytes,
            sha256=self._digest.hexdigest(),
        )

    def abandon(self) -> None:
        """Close the file as it is; no manifest names it."""
        try:
            self._file.close()
        except OSError:
            pass
