"""Bring the records of a source into a hub's log: in order within each key, each once, its blobs before it.

A step is some hundred records in one append. Where one was begun and its outcome is not known, since the process was
killed or the log did not answer, the end of the log is read, and what lies there already is left out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b

import msgspec

from cx_context.change_notifications import StoreOpened
from cx_events.blob import Blobs
from cx_events.codec import decode_leniently
from cx_events.errors import Refused
from cx_events.facts import stream_id_of
from cx_events.ids import IdSpace
from cx_events.log import STORES, Log, LogRecord, Partition, Record, ends_of
from cx_events.log.merged_reader import MergedReader
from cx_ops.moving.id_keys import check_id_keys
from cx_ops.moving.import_progress import ImportProgress, ProgressFile, by_partition, by_place
from cx_ops.moving.record_tenants import blobs_of, tenant_of_record
from cx_ops.moving.sources import Source, bounds_of
from cx_runtime.pace import Pace
from cx_runtime.patience import patiently

STEP_RECORDS = 500
STEP_BYTES = 4 << 20

Report = Callable[[int], None]
Tell = Callable[[int], Awaitable[None]]


class Import:
    """One import into ``log``. ``spaces``: the ids of all configured tenants. ``beside``: there may be other events."""

    def __init__(
        self,
        source: Source,
        log: Log,
        blobs: Blobs,
        spaces: Mapping[str, IdSpace],
        file: ProgressFile,
        *,
        rate: float | None = None,
        beside: bool = False,
        step_records: int = STEP_RECORDS,
        report: Report = lambda records: None,
        tell: Tell | None = None,
    ) -> None:
        """``report``: called after each step. ``tell``: called in the end, with how many records came since the last
        time; again in the next run where this one was killed before."""
        self._source = source
        self._log = log
        self._blobs = blobs
        self._spaces = spaces
        self._file = file
        self._pace = Pace(rate)
        self._step_records = self._pace.most_at_once(step_records)
        self._beside = beside
        self._report = report
        self._tell = tell
        self._progress = ImportProgress(source=source.id)
        self._uncertain = False
        self._known: set[str] = set()
        """Tenants whose id key was seen to be the same."""
        self._missing: set[str] = set()

    async def run(self) -> tuple[int, int]:
        """Import what is not here yet. Return how many records, and how many blobs of theirs are nowhere.

        Raises ``Refused`` before anything is appended: ``log-not-empty``, ``other-id-key``, ``import-under-way``; and
        ``blob-missing``, ``damaged-segment`` when they are met. ``TryLater`` where a part does not answer for
        a minute. Begun again, it goes on.
        """
        check_id_keys(self._source.tenants, self._spaces, self._source.name)
        with self._file.locked():
            await self._begin()
            await self._announce_stores()
            before = self._progress.records
            reader = self._source.reader(self._begins())
            try:
                while records := await reader.read(self._step_records, STEP_BYTES):
                    await self._step(records)
                    await self._pace.keep(len(records))
            finally:
                await reader.close()
            await self._say_so()
            return self._progress.records - before, len(self._missing)

    async def _say_so(self) -> None:
        progress = self._progress
        if self._tell is not None and progress.records > progress.told:
            await self._tell(progress.records - progress.told)
            progress.told = progress.records
            await asyncio.to_thread(self._file.write, progress)

    def _begins(self) -> dict[Partition, int]:
        done = by_partition(self._progress.done)
        return {each: done.get(each, begin) for each, begin in self._source.begins.items()}

    async def _begin(self) -> None:
        known = await asyncio.to_thread(self._file.read)
        ends, begins = await bounds_of(self._log)
        # A log that ends before what was appended to it is another one: it was deleted, or restored.
        if known is not None and all(at <= ends.get(each, 0) for each, at in by_partition(known.certain).items()):
            self._progress, self._uncertain = known, True
            return
        held = sum(ends.values()) - sum(begins.values())
        if held and not self._beside:
            raise Refused(
                "log-not-empty",
                f"this hub's log has {held} records already, which are not of this import: import into an empty log, "
                "or beside them with --beside",
                409,
            )
        self._progress = ImportProgress(source=self._source.id, certain=by_place(ends), beside=bool(held))
        await asyncio.to_thread(self._file.write, self._progress)

    async def _ends(self) -> dict[Partition, int]:
        ends, _ = await bounds_of(self._log)
        return ends

    async def _announce_stores(self) -> None:
        """Let versions here begin above those that clients saw at the source: a store's epoch is its place on the topic
        of stores (docs/decisions/0022-epochs.md). One more than there were, so that also a store that was copied from
        there begins anew: its counts may repeat."""

        async def announce() -> None:
            lacking = self._source.stores_end + 1 - (await self._log.end_offsets(STORES)).get(0, 0)
            value = msgspec.json.encode(StoreOpened("imported"))
            if lacking > 0:
                await self._log.append([Record(STORES, b"stores", value)] * lacking)

        await patiently(announce)

    async def _step(self, records: Sequence[LogRecord]) -> None:
        self._check_tenants(records)
        await self._copy_blobs(records)
        await self._append([Record(each.topic, each.key, each.value) for each in records])
        progress = self._progress
        progress.done |= by_place(ends_of(records))
        progress.records += len(records)
        await asyncio.to_thread(self._file.write, progress)
        self._report(progress.records)

    def _check_tenants(self, records: Sequence[LogRecord]) -> None:
        """Refuse events of tenants that are not here, or whose streams differ from those that are worked out here."""
        same: dict[str, bool] = {}
        for record in records:
            tenant = tenant_of_record(record)
            if not tenant or tenant in self._source.tenants or tenant in self._known:
                continue
            if tenant not in self._spaces:
                check_id_keys({tenant: "unknown"}, self._spaces, self._source.name)
            if (derived := _is_derived_here(record.value, self._spaces[tenant])) is not None:
                same[tenant] = same.get(tenant, False) or derived
        for tenant, is_same in same.items():
            if not is_same:
                check_id_keys({tenant: "another"}, self._spaces, self._source.name)
            self._known.add(tenant)

    async def _copy_blobs(self, records: Sequence[LogRecord]) -> None:
        source = self._source
        for reference in blobs_of(records):
            if source.blobs is None:
                raise Refused("blob-missing", f"{source.name} names blobs: say where they are with --blobs URL")
            content = await source.blobs.get(*reference)
            if content is not None:
                await self._blobs.put(reference.tenant, content)
            elif source.missing_blobs is None or reference.name in source.missing_blobs:
                self._missing.add(reference.name)
            else:
                raise Refused("blob-missing", f"{source.name} lacks {reference.name}, which it had when it was made")

    async def _append(self, records: list[Record]) -> None:
        """Append records of which none is here yet or, where that is uncertain, those that are not."""

        async def append() -> None:
            uncertain, self._uncertain = self._uncertain, True
            places = await self._log.append(await self._lacking(records) if uncertain else records)
            if uncertain:
                self._progress.certain = by_place(await self._ends())
            else:
                ends = {Partition(each.topic, each.partition): each.offset + 1 for each in places}
                self._progress.certain |= by_place(ends)
            self._uncertain = False

        await patiently(append)

    async def _lacking(self, records: Sequence[Record]) -> list[Record]:
        """Return those of the records that do not lie after what is certain. A record that is there once and wanted
        twice is lacking once."""
        wanted = Counter(map(_digest, records))
        reader = MergedReader(self._log, by_partition(self._progress.certain), await self._ends())
        found: Counter[bytes] = Counter()
        try:
            while some := await reader.read(STEP_RECORDS, STEP_BYTES):
                digests = (_digest(Record(each.topic, each.key, each.value)) for each in some)
                found.update(each for each in digests if each in wanted)
        finally:
            await reader.close()
        lacking = []
        for record in records:
            digest = _digest(record)
            if found[digest]:
                found[digest] -= 1
            else:
                lacking.append(record)
        return lacking


def _is_derived_here(value: bytes, ids: IdSpace) -> bool | None:
    """Return whether an event's stream is the one that is worked out with these ids; None where it tells nothing."""
    try:
        event, _ = decode_leniently(value)
        return None if event.subject else stream_id_of(event, ids).hex() == event.partitionkey
    except Refused:
        return None


def _digest(record: Record) -> bytes:
    head = f"{record.topic}\0{len(record.key)}\0".encode()
    return blake2b(head + record.key + record.value, digest_size=16).digest()
