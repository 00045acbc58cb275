"""Apply the log to a store that no consumer works on, up to given offsets: how a store beside the live one is filled.

A batch takes the way of every other batch (``retrying_applier``). Partitions are shared out among workers, each with a
cache of its own. A worker merges the heads of its partitions by the time at which the log took them, so that the events
of one customer come nearly in the order in which they were recorded: what comes late costs more.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from cx_context.store import Store, leases, offsets
from cx_context.store.fold_versions import note_fold_version
from cx_context.store.leases import Fenced, Lease, advanced
from cx_events.errors import TryLater
from cx_events.log import Log, LogReader, LogRecord, Partition
from cx_events.log.merged_reader import merge
from cx_projectors.records import MAX_BATCH_BYTES, TOPICS, Batch, read_batch
from cx_projectors.retrying_applier import RetryingApplier
from cx_projectors.tenancy import Tenancy, ids_of
from cx_runtime.pace import Pace
from cx_runtime.patience import patiently

READ_AT_ONCE = 500
"""Records of one partition."""
PATIENCE = 60.0
"""Seconds for which a log or a store that does not answer is asked again; a disk that is full stays full."""
_PAUSE = 0.2
_MOST_PAUSE = 5.0

Watch = Callable[[], Awaitable[None]]
"""Called between batches. Whatever it raises ends the work, with all that was applied in the store."""


class _Head:
    """One partition, read ahead. ``position``: the offset to read on at. ``end``: the one to stop before, which may
    rise; what was read beyond it is kept."""

    def __init__(self, reader: LogReader, partition: Partition, position: int) -> None:
        self._reader = reader
        self.partition = partition
        self.records: deque[LogRecord] = deque()
        self.position = position
        self.end = position
        reader.assign({partition: position})

    def at_hand(self) -> LogRecord | None:
        return self.records[0] if self.records and self.records[0].offset < self.end else None

    async def first(self) -> LogRecord | None:
        while not self.records and self.position < self.end:
            found = await self._reader.read(READ_AT_ONCE)
            if found:
                self.records.extend(found)
                self.position = found[-1].offset + 1
        return self.at_hand()

    async def close(self) -> None:
        await self._reader.close()


class _Worker:
    """Applies some of the partitions."""

    def __init__(
        self, store: Store, log: Log, tenants: Mapping[str, Tenancy], name: str, partitions: list[Partition], batch: int
    ) -> None:
        self._store = store
        self._log = log
        self._tenants = tenants
        self._ids_of = ids_of(tenants)
        self._name = name
        self._partitions = partitions
        self._batch = batch
        self._applier = RetryingApplier(store, name, tenants)
        self._owned: dict[Partition, Lease] = {}
        self._heads: dict[Partition, _Head] = {}

    async def take(self) -> None:
        """Take the partitions, and read on where the store is."""
        await self.close()
        async with self._store.writing() as tx:
            await offsets.announce(tx, self._partitions)
            await note_fold_version(tx)
            owned = await leases.seize(tx, self._name, self._partitions)
        self._owned = {each: owned[each] for each in self._partitions}
        self._applier.cache.clear()
        self._heads = {
            partition: _Head(self._log.reader(), partition, lease.next_offset)
            for partition, lease in self._owned.items()
        }

    async def close(self) -> None:
        heads, self._heads = self._heads, {}
        for head in heads.values():
            await head.close()

    async def apply_until(self, ends: Mapping[Partition, int], pace: Pace, watch: Watch) -> None:
        """Apply all records before ``ends``. The next batch is read while one is applied."""
        pause, patient_until = _PAUSE, time.monotonic() + PATIENCE
        while True:
            try:
                if not self._heads:
                    await self.take()
                await self._apply_batches(ends, pace, watch)
                return
            except Fenced:
                # A copy replaced another, in this worker or another one, or somebody took the work over: ``watch``
                # tells which. Partitions are taken anew.
                await watch()
                patient_until = time.monotonic() + PATIENCE
            except TryLater:
                await self.close()
                if time.monotonic() > patient_until:
                    raise
                await watch()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _MOST_PAUSE)

    async def _apply_batches(self, ends: Mapping[Partition, int], pace: Pace, watch: Watch) -> None:
        reading = asyncio.create_task(self._read(ends))
        try:
            while (batch := await reading) is not None:
                reading = asyncio.create_task(self._read(ends))
                await watch()
                held = {partition: self._owned[partition] for partition in batch.offsets}
                await self._applier.apply(batch, held)
                self._owned |= advanced(held, batch.offsets)
                await pace.keep(len(batch.records))
        except BaseException:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await self.close()  # what was read ahead is not applied
            raise

    async def _read(self, ends: Mapping[Partition, int]) -> Batch | None:
        for partition, head in self._heads.items():
            head.end = ends.get(partition, 0)
        records = await merge(list(self._heads.values()), self._batch, MAX_BATCH_BYTES)
        return read_batch(records, self._ids_of) if records else None


class CatchUp:
    """Fills one store. ``watch`` is called between batches; ``rate``: events a second, in all. ``settle``: writes the
    lists of what was applied."""

    def __init__(
        self,
        store: Store,
        log: Log,
        tenants: Mapping[str, Tenancy],
        name: str,
        watch: Watch,
        *,
        workers: int = 1,
        rate: float | None = None,
        batch: int = 4_000,
        settle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._settle = settle
        self._store = store
        self._log = log
        self._tenants = tenants
        self._name = name
        self._watch = watch
        self._count = workers
        self._batch = batch
        self._pace = Pace(rate)
        self._workers: list[_Worker] = []

    async def apply_until(self, ends: Mapping[Partition, int]) -> None:
        """Apply all records before these offsets that are not applied yet.

        Raises what ``watch`` does; ``TryLater`` where log or store do not answer for ``PATIENCE`` seconds. All that was
        applied stays in the store, and a later call goes on there.
        """
        if not self._workers:
            await patiently(self._start, seconds=PATIENCE, meanwhile=self._watch)
        tasks = [asyncio.create_task(each.apply_until(ends, self._pace, self._watch)) for each in self._workers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self) -> None:
        partitions = [Partition(topic, n) for topic in TOPICS for n in range(await self._log.partitions(topic))]
        shares = [partitions[at :: self._count] for at in range(self._count)]
        self._workers = [
            _Worker(self._store, self._log, self._tenants, f"{self._name}-{at}", share, self._batch)
            for at, share in enumerate(shares)
            if share
        ]

    async def settle(self) -> None:
        """Write the lists of what was applied, if anybody keeps them."""
        if self._settle is not None:
            await self._settle()

    async def close(self) -> None:
        """Release the log's readers."""
        for worker in self._workers:
            await worker.close()
