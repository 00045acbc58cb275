"""Read a log of which an archive holds the beginning: both as one, with no gap and no record twice.

A record that the log still holds is read there, any earlier one from the archive's segments. The archive is opened when
it is first needed, so a log that is whole needs none, and appends never wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cx_events.archive.log import ArchiveLog
from cx_events.archive.manifest import ARCHIVED_TOPICS, partitions_of
from cx_events.errors import Refused, TryLater
from cx_events.log.partition_reader import PartitionReader
from cx_events.log.port import Log, LogReader, LogRecord, Partition, Record, RecordMetadata


class ArchivedLog:
    """``log`` with what it no longer holds from the archive in ``folder``, which an export of it made.

    What needs the archive raises ``TryLater("archive")`` where it is not there, lacks records before the log's first
    ones, or is that of another log; ``Refused("damaged-segment")`` where a segment is not what was written.
    """

    def __init__(self, log: Log, folder: Path) -> None:
        self._log = log
        self._folder = folder
        self._archive: ArchiveLog | None = None
        self._same: set[Partition] = set()
        """Partitions whose records were seen to be those of the archive."""

    async def start(self) -> None:
        await self._log.start()

    async def stop(self) -> None:
        await self._log.stop()

    def check_capacity(self) -> None:
        self._log.check_capacity()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        return await self._log.append(records)

    def reader(self) -> LogReader:
        return ArchivedLogReader(self, self._log.reader())

    async def partitions(self, topic: str) -> int:
        return await self._log.partitions(topic)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self._log.end_offsets(topic)

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        found = await self._log.begin_offsets(topic)
        for number, begin in found.items():
            if (archive := await self.archive_before(Partition(topic, number), begin)) is not None:
                found[number] = min(begin, (await archive.begin_offsets(topic))[number])
        return found

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        begins, found = await self._log.begin_offsets(topic), await self._log.offsets_at(topic, timestamp)
        for number, begin in begins.items():
            if (archive := await self.archive_before(Partition(topic, number), begin)) is not None:
                earlier = (await archive.offsets_at(topic, timestamp))[number]
                found[number] = earlier if earlier < begin else found[number]
        return found

    async def log_begins(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the offset of the first record that the log itself still holds."""
        found = {topic: await self._log.begin_offsets(topic) for topic in {each.topic for each in partitions}}
        return {each: found[each.topic].get(each.number, 0) for each in partitions}

    async def archive_before(self, partition: Partition, begin: int) -> ArchiveLog | None:
        """Return the archive, where it is needed for what lies before the log's first record; None where it is not."""
        if begin == 0 or partition.topic not in ARCHIVED_TOPICS:
            return None
        archive = self._archive
        if archive is None or _end(archive, partition) < begin:  # it may have been gone on with
            archive = self._archive = await self._opened()
        if (end := _end(archive, partition)) < begin:
            raise TryLater(
                "archive",
                f"{partition.topic}/{partition.number} of the log begins at {begin}, and the archive {self._folder} "
                f"ends at {end}: the records {end} to {begin - 1} are missing. Name one that has them in CX_ARCHIVE",
            )
        await self._check_same(archive, partition, begin, end)
        return archive

    async def _opened(self) -> ArchiveLog:
        archive = ArchiveLog(self._folder)
        try:
            await archive.start()
        except Refused as refused:
            raise TryLater("archive", f"CX_ARCHIVE: {refused.detail}") from None
        return archive

    async def _check_same(self, archive: ArchiveLog, partition: Partition, begin: int, end: int) -> None:
        """Compare the last record that both hold. Where both hold none, there is nothing to compare."""
        segments = archive.manifest.segments_of(partition)
        if partition in self._same or not segments or (last := segments[-1].next - 1) < begin:
            return
        log_end = (await self._log.end_offsets(partition.topic)).get(partition.number, 0)
        theirs = await _read_at(archive.reader(), partition, last)
        if log_end < end or theirs != await _read_at(self._log.reader(), partition, last):
            raise TryLater(
                "archive",
                f"{self._folder} has another record at {last} of {partition.topic}/{partition.number} than the log, or "
                "the log has none there: it is the archive of another log",
            )
        self._same.add(partition)


class ArchivedLogReader:
    """Reads what lies before the log's first records from the archive, and goes on in the log."""

    def __init__(self, log: ArchivedLog, reader: LogReader) -> None:
        self._log = log
        self._reader = reader
        self._offsets: dict[Partition, int] = {}
        self._archived: dict[Partition, int] = {}
        """The partitions that are still read from the archive, and where they end there."""
        self._old: LogReader | None = None
        self._is_assigned = False
        self._turn = False

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        self._reader.assign(offsets)  # refuses unknown topics
        self._offsets = dict(offsets)
        self._archived, self._old, self._is_assigned = {}, None, False

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        if not self._is_assigned:
            await self._assign()
        self._turn = not self._turn
        rest = len(self._archived) < len(self._offsets)
        # Partitions that are in the log already do not wait for years of the others.
        is_turn = self._old is not None and rest and self._turn
        if is_turn and (records := await self._read_log(max_records, max_bytes, 0.0)):
            return records
        if self._old is not None:
            records = await self._old.read(max_records, max_bytes=max_bytes, wait=0.0)
            await self._advance(records)
            if records:
                return records
        return await self._read_log(max_records, max_bytes, wait)

    async def _read_log(self, max_records: int, max_bytes: int, wait: float) -> list[LogRecord]:
        records = await self._reader.read(max_records, max_bytes=max_bytes, wait=wait)
        self._note(records)
        return records

    async def _assign(self) -> None:
        begins = await self._log.log_begins(list(self._offsets))
        earlier = [each for each, offset in self._offsets.items() if offset < begins[each]]
        # The last one that is asked for may be a longer archive than the first.
        archives = [(each, await self._log.archive_before(each, begins[each])) for each in earlier]
        old = next((archive for _, archive in reversed(archives) if archive is not None), None)
        if old is not None:
            self._archived = {each: _end(old, each) for each, archive in archives if archive is not None}
            self._old = old.reader()
            self._old.assign({each: self._offsets[each] for each in self._archived})
        self._assign_rest()
        self._is_assigned = True

    def _assign_rest(self) -> None:
        self._reader.assign({each: at for each, at in self._offsets.items() if each not in self._archived})

    async def _advance(self, records: Sequence[LogRecord]) -> None:
        self._note(records)
        ended = [each for each, end in self._archived.items() if self._offsets[each] >= end or not records]
        for partition in ended:
            self._offsets[partition] = max(self._offsets[partition], self._archived.pop(partition))
        if ended:
            self._assign_rest()
        if not self._archived and self._old is not None:
            await self._old.close()
            self._old = None

    def _note(self, records: Sequence[LogRecord]) -> None:
        for record in records:
            self._offsets[Partition(record.topic, record.partition)] = record.offset + 1

    async def close(self) -> None:
        if self._old is not None:
            await self._old.close()
        await self._reader.close()


def _end(archive: ArchiveLog, partition: Partition) -> int:
    return partitions_of(archive.manifest.ends).get(partition, 0)


async def _read_at(reader: LogReader, partition: Partition, offset: int) -> tuple[bytes, bytes] | None:
    """Return key and value of the record at an offset, None where there is none. Closes the reader."""
    found = PartitionReader(reader, partition, offset, offset + 1)
    try:
        return next(((each.key, each.value) for each in await found.read(1)), None)
    finally:
        await found.close()
