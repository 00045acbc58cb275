"""Open what an import reads: an archive, another hub's log with its blob store, or the Parquet file of a replay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from cx_events.archive import ArchiveLog
from cx_events.archive.manifest import ARCHIVED_TOPICS, BLOBS
from cx_events.blob import Blobs
from cx_events.blob.folder import FolderBlobs
from cx_events.errors import Refused
from cx_events.log import STORES, Log, LogRecord, Partition
from cx_events.log.merged_reader import MergedReader


class RecordReader(Protocol):
    """Reads the records of a source, in order within each key."""

    async def read(self, max_records: int, max_bytes: int) -> list[LogRecord]:
        """Return the next records, none in the end. The first may be of any size; with the others it has at most
        ``max_bytes`` of values. Raises what a ``LogReader`` raises, ``Refused``."""

    async def close(self) -> None:
        """Release what the reader holds."""


@dataclass(frozen=True, slots=True)
class Source:
    """``id``: the same each time, and another one for other records. ``reader``: reads from these offsets up to
    ``ends``. ``records``: how many there are between ``begins`` and ``ends``, at most. ``tenants``:
    digests of their id keys, as far as they are known; empty for one that was not configured there. ``blobs``: None
    where none were named. ``missing_blobs``: that are known to be gone; None where any may be. ``stores_end``: how many
    stores had announced themselves there."""

    id: str
    name: str
    reader: Callable[[Mapping[Partition, int]], RecordReader]
    records: int
    ends: Mapping[Partition, int]
    begins: Mapping[Partition, int]
    blobs: Blobs | None = None
    tenants: Mapping[str, str] = field(default_factory=dict)
    missing_blobs: Collection[str] | None = None
    stores_end: int = 0


async def archive_source(archive: ArchiveLog) -> Source:
    """Return a started archive as a source, all its digests checked.

    Raises ``Refused``: ``unfinished-export``, ``damaged-segment``.
    """
    manifest = archive.manifest
    if not manifest.complete:
        raise Refused(
            "unfinished-export",
            f"the export into {archive.folder} was not finished: run it again, with the same folder, and it goes on",
        )
    await archive.check_all()
    ends, begins = await bounds_of(archive)
    return Source(
        id=manifest.id,
        name=str(archive.folder),
        reader=_merged(archive, ends),
        records=manifest.records,
        ends=ends,
        begins=begins,
        blobs=FolderBlobs(archive.folder / BLOBS),
        tenants=manifest.tenants,
        missing_blobs=frozenset(manifest.missing_blobs),
        stores_end=manifest.stores_end,
    )


async def log_source(log: Log, name: str, blobs: Blobs | None) -> Source:
    """Return another hub's log, up to its ends of this moment. ``name``: its address without a password."""
    ends, begins = await bounds_of(log)
    stores = (await log.end_offsets(STORES)).get(0, 0)
    id = blake2b(name.encode(), digest_size=12).hexdigest()
    return Source(
        id=id,
        name=name,
        reader=_merged(log, ends),
        records=sum(ends.values()) - sum(begins.values()),
        ends=ends,
        begins=begins,
        blobs=blobs,
        stores_end=stores,
    )


def _merged(log: Log, ends: Mapping[Partition, int]) -> Callable[[Mapping[Partition, int]], RecordReader]:
    return lambda begins: MergedReader(log, begins, ends)


async def bounds_of(log: Log) -> tuple[dict[Partition, int], dict[Partition, int]]:
    """Return the ends and the begins of all partitions that are moved. Raises ``TryLater``."""
    ends: dict[Partition, int] = {}
    begins: dict[Partition, int] = {}
    for topic in ARCHIVED_TOPICS:
        ends |= {Partition(topic, number): end for number, end in (await log.end_offsets(topic)).items()}
        begins |= {Partition(topic, number): begin for number, begin in (await log.begin_offsets(topic)).items()}
    return ends, begins
