"""Write a log into an archive, or what came since into one that is there already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from msgspec.structs import replace

from cx_events.archive.log import ArchiveLog
from cx_events.archive.manifest import (
    ARCHIVED_TOPICS,
    BLOBS,
    MANIFEST,
    Manifest,
    partitions_of,
    read_manifest,
    write_manifest,
)
from cx_events.archive.sealed_files import disk_errors
from cx_events.blob import Blobs
from cx_events.blob.folder import FolderBlobs
from cx_events.blob.references import BlobReference
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.log import STORES, Log, LogRecord, Partition
from cx_events.log.partition_reader import PartitionReader
from cx_events.private_files import make_folder
from cx_ops.moving.record_tenants import blobs_of, tenant_of_record
from cx_ops.moving.segment_files import SEGMENT_BYTES, SegmentFile
from cx_runtime.pace import Pace

READ_AT_ONCE = 2_000

Report = Callable[[int], None]
"""Called with the number of records that an export or an import has done so far."""


class Export:
    """One export. ``spaces``: the ids of all configured tenants. ``software``: the version of this release."""

    def __init__(
        self,
        log: Log,
        blobs: Blobs,
        folder: Path,
        spaces: Mapping[str, IdSpace],
        *,
        software: str = "",
        rate: float | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        read_at_once: int = READ_AT_ONCE,
        report: Report = lambda records: None,
    ) -> None:
        self._log = log
        self._blobs = blobs
        self._folder = folder
        self._spaces = spaces
        self._software = software
        self._pace = Pace(rate)
        self._segment_bytes = segment_bytes
        self._read_at_once = self._pace.most_at_once(read_at_once)
        self._report = report
        self._kept_blobs = FolderBlobs(folder / BLOBS)
        self._copied: set[BlobReference] = set()
        self._written = 0

    async def run(self) -> Manifest:
        """Write all up to the log's ends of this moment, and return the manifest. Services go on meanwhile.

        Raises ``Refused``: ``not-an-archive`` for a folder with other things in it, ``another-log`` where what it holds
        is not the beginning of this log, ``records-missing`` where the log holds no more what should follow.
        ``TryLater`` where log, blobs or disk fail: begin again, and it goes on.
        """
        ends = {topic: await self._log.end_offsets(topic) for topic in ARCHIVED_TOPICS}
        manifest = await self._opened(ends)
        await self._kept_blobs.start()
        for topic, found in ends.items():
            for number, end in sorted(found.items()):
                partition = Partition(topic, number)
                while partitions_of(manifest.ends)[partition] < end:
                    manifest = await self._write_segment(manifest, partition, end)
        stores = (await self._log.end_offsets(STORES)).get(0, 0)
        manifest = replace(manifest, complete=True, made=_now(), software=self._software, stores_end=stores)
        await asyncio.to_thread(write_manifest, self._folder, manifest)
        return manifest

    async def _opened(self, ends: Mapping[str, Mapping[int, int]]) -> Manifest:
        """Return the manifest to go on from, with an end for every partition."""
        folder = self._folder
        if (folder / MANIFEST).exists():
            manifest = await asyncio.to_thread(read_manifest, folder)
            await self._check_same_log(manifest, ends)
        elif folder.exists() and any(each.name not in (BLOBS, "segments") for each in folder.iterdir()):
            raise Refused("not-an-archive", f"{folder} has other things in it, and no {MANIFEST}: name another folder")
        else:
            with disk_errors(folder):
                make_folder(folder)
            manifest = Manifest(id=str(uuid4()), software=self._software, made=_now(), complete=False, ends={})
        known = partitions_of(manifest.ends)
        begun = {
            topic: [known.get(Partition(topic, number), 0) for number in range(len(found))]
            for topic, found in ends.items()
        }
        await self._check_begins(begun)
        return replace(manifest, complete=False, ends=begun)

    async def _check_begins(self, begun: dict[str, list[int]]) -> None:
        """Begin where the log does, where it was shortened before it was ever exported."""
        for topic, at in begun.items():
            for number, begin in (await self._log.begin_offsets(topic)).items():
                if begin > at[number] > 0:
                    raise Refused(
                        "records-missing",
                        f"{topic}/{number} of the log begins at {begin}, and the archive ends at {at[number]}: what "
                        "lay between is gone. Export into another folder to have what there is",
                    )
                at[number] = max(begin, at[number])

    async def _check_same_log(self, manifest: Manifest, ends: Mapping[str, Mapping[int, int]]) -> None:
        archive = ArchiveLog(self._folder)
        await archive.start()
        for segment in {(each.topic, each.partition): each for each in manifest.segments}.values():
            partition, last = Partition(segment.topic, segment.partition), segment.next - 1
            end = ends[partition.topic].get(partition.number, 0)
            begin = (await self._log.begin_offsets(partition.topic)).get(partition.number, 0)
            if end <= last or (
                begin <= last and await _at(self._log, partition, last) != await _at(archive, partition, last)
            ):
                raise Refused(
                    "another-log",
                    f"{self._folder} holds {partition.topic}/{partition.number} up to {last}, and this log has another "
                    "record there, or none: it is another log, or was made anew. Export into another folder",
                )

    async def _write_segment(self, manifest: Manifest, partition: Partition, end: int) -> Manifest:
        """Write one more segment of a partition, at most up to ``end``, with its blobs. Return the manifest with it."""
        reader = PartitionReader(self._log.reader(), partition, partitions_of(manifest.ends)[partition], end)
        file, tenants, missing = None, dict(manifest.tenants), list(manifest.missing_blobs)
        try:
            while file is None or file.bytes < self._segment_bytes:
                records = await reader.read(self._read_at_once, wait=1.0)
                if not records:
                    break
                if file is None:
                    file = await asyncio.to_thread(SegmentFile, self._folder, partition, records[0].offset)
                await asyncio.to_thread(file.write, records)
                missing += [each.name for each in await self._copy_blobs(records) if each.name not in missing]
                tenants |= {name: self._digest(name) for name in set(map(tenant_of_record, records)) if name}
                self._written += len(records)
                self._report(self._written)
                await self._pace.keep(len(records))
        except BaseException:
            if file is not None:
                file.abandon()
            raise
        finally:
            await reader.close()
        return await self._with_segment(manifest, partition, reader.position, file, tenants, missing)

    async def _with_segment(
        self,
        manifest: Manifest,
        partition: Partition,
        at: int,
        file: SegmentFile | None,
        tenants: dict[str, str],
        missing: list[str],
    ) -> Manifest:
        segments = list(manifest.segments)
        if file is not None:
            segments.append(await asyncio.to_thread(file.finish))
        ends = {topic: list(found) for topic, found in manifest.ends.items()}
        ends[partition.topic][partition.number] = at
        manifest = replace(
            manifest,
            ends=ends,
            segments=segments,
            tenants=tenants,
            missing_blobs=missing,
            blobs=manifest.blobs + len(self._copied),
        )
        self._copied.clear()
        await asyncio.to_thread(write_manifest, self._folder, manifest)
        return manifest

    def _digest(self, tenant: str) -> str:
        return self._spaces[tenant].key_digest() if tenant in self._spaces else ""

    async def _copy_blobs(self, records: list[LogRecord]) -> list[BlobReference]:
        """Copy the blobs that records name. Return those that the blob store does not have."""
        missing = []
        for reference in blobs_of(records):
            if reference in self._copied or await self._kept_blobs.get(*reference) is not None:
                continue
            content = await self._blobs.get(*reference)
            if content is None:
                missing.append(reference)
                continue
            await self._kept_blobs.put(reference.tenant, content)
            self._copied.add(reference)
        return missing


async def _at(log: Log, partition: Partition, offset: int) -> tuple[bytes, bytes] | None:
    """Return key and value of the record at an offset, None where there is none."""
    reader = log.reader()
    try:
        reader.assign({partition: offset})
        for record in await reader.read(1, wait=2.0):
            if record.offset == offset:
                return record.key, record.value
    finally:
        await reader.close()
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
