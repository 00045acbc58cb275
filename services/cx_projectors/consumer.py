"""Consume the log: take a share of the partitions, read ahead, apply batch after batch, and never stop silently.

While the database works on one batch the next is read and classified. Where batches are small that waits: what comes
meanwhile goes together, and the less time this process has to spare, the longer it is let gather (``THIN``).
What is down is waited for, and a partition that another consumer took over is let go. Any other error is logged and the
batch tried again; readiness fails meanwhile, since it goes by progress.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog

from cx_context.store import Store, lag_samples, leases, offsets
from cx_context.store.fold_versions import note_fold_version
from cx_context.store.leases import Fenced, Lease, advanced
from cx_events.cancellation import close_within
from cx_events.errors import Fatal, TryLater
from cx_events.log import INTERACTIONS, Log, LogReader, Partition
from cx_projectors.dead_letters import place_of
from cx_projectors.log_identity import check_same_log
from cx_projectors.outcome import Applied
from cx_projectors.partition_counts import check_partition_counts, find_misplaced
from cx_projectors.progress_reports import ProgressReports
from cx_projectors.records import MAX_BATCH_BYTES, TOPICS, Batch, read_into
from cx_projectors.retrying_applier import RetryingApplier
from cx_projectors.store_epoch import open_store_epoch
from cx_projectors.tenancy import Tenancy, ids_of
from cx_runtime.health import Health, Progress
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import OwnedTasks
from cx_runtime.thread_load import ThreadLoad
from cx_runtime.tracing import OFF, Tracing

IDLE_SECONDS = 0.5
MAX_PAUSE = 2.0
LEAVE_SECONDS = 5.0
"""Giving partitions up may take so long; otherwise their leases run out."""
SLICE = 200
"""Records that are read at a stretch. The batch before is being applied meanwhile, and goes on as soon as the database
has answered."""
THIN = 100
"""Records up to which a batch costs more than what it holds: a millisecond of CPU for its statements, and three for
what follows it."""
LONGEST_GAP = 0.025
"""Seconds from the beginning of a thin batch to the next one's, where this process has no time to spare."""


@dataclass(frozen=True, slots=True)
class ConsumerLimits:
    """``events``: at most in one transaction. ``lease``: seconds that a partition stays ours without renewal."""

    events: int = 4_000
    lease: float = 5.0


class Consumer:
    """One projector. Run it until it is cancelled; ``stop()`` asks it to finish its batch and leave."""

    def __init__(
        self,
        store: Store,
        log: Log,
        tenants: Mapping[str, Tenancy],
        name: str,
        metrics: Metrics,
        health: Health,
        limits: ConsumerLimits = ConsumerLimits(),
        changed: Callable[[], None] = lambda: None,
        version: str = "",
        tracing: Tracing = OFF,
        load: ThreadLoad | None = None,
    ) -> None:
        """``changed`` is called once a batch that changed contexts is durable. ``version``: of the code. ``load``: how
        busy the thread is that runs this."""
        self._store = store
        self._log = log
        self._ids_of = ids_of(tenants)
        self._name = name
        self._metrics = metrics
        self._health = health
        self._limits = limits
        self._changed = changed
        self._tracing = tracing
        self._load = load or ThreadLoad()
        self._applier = RetryingApplier(store, name, tenants, tracing)
        self._owned: dict[Partition, Lease] = {}
        self._event_partitions = 1
        self._stale = True
        self._begins = True
        self._log_unchecked = True
        """Set at the start, and after each error: meanwhile the log may have become another one."""
        self._stopping = asyncio.Event()
        self._logger = structlog.get_logger().bind(worker=name)
        self._reports = ProgressReports(store, log, metrics, name, version, lambda: self._owned)
        self.applied = 0

    @property
    def contentions(self) -> int:
        """Return how often a transaction was begun again since other writers were in the way."""
        return self._applier.contentions

    @property
    def is_behind(self) -> bool:
        """Return whether more records than a batch holds waited in our partitions when that was measured last.

        The age of a record would not do: it is told by the broker's clock.
        """
        return self._reports.records_behind > self._limits.events

    @property
    def parts_bytes(self) -> float:
        """Return about how much memory the parts take that are remembered."""
        return self._applier.cache.parts_bytes

    def stop(self) -> None:
        """Ask ``run`` to return after the batch under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Apply batches until ``stop``. Raises ``Fatal``, or ``Ended`` where one of its own tasks is over."""
        progress = self._health.progress(self._name, max_age=max(30.0, 3 * self._limits.lease))
        reader = self._log.reader()
        try:
            async with OwnedTasks() as tasks:
                tasks.start("the renewal of leases", self._renew_leases())
                tasks.start("the reports of progress", self._reports.run())
                await self._retry_forever(reader, progress)
        finally:
            if self._stopping.is_set():
                self._health.forget(self._name)
            else:
                progress.end()
            self._metrics.lag_gone()
            await reader.close()
            await close_within(self._give_up_partitions(), LEAVE_SECONDS)

    async def _retry_forever(self, reader: LogReader, progress: Progress) -> None:
        pause = 0.05
        while not self._stopping.is_set():
            try:
                await self._apply_batches(reader, progress)
                pause = 0.05
            except Fenced as fence:
                self._logger.info("taking partitions anew", why=str(fence))
                self._metrics.retries.labels("fenced").inc()
            except TryLater as error:
                self._log_unchecked = True
                progress.tried(error)
                self._reports.note_error(error)
                self._metrics.retries.labels(error.part).inc()
                await self._rest(pause)
                pause = min(pause * 2, MAX_PAUSE)
            except Fatal:
                raise
            except Exception as error:
                self._log_unchecked = True
                progress.failed(f"a batch failed: {type(error).__name__}: {error}")
                self._reports.note_error(error)
                self._logger.exception("a batch failed; trying again")
                self._metrics.retries.labels("failed").inc()
                await self._rest(pause)
                pause = min(pause * 2, MAX_PAUSE)
            self._stale = True

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.5, 1.0)):  # noqa: S311
                await self._stopping.wait()

    async def _apply_batches(self, reader: LogReader, progress: Progress) -> None:
        """Apply what arrives until we must take our partitions anew, or stop."""
        await self._take_partitions()
        reader.assign({partition: lease.next_offset for partition, lease in self._owned.items()})
        reading: asyncio.Task[Batch | None] | None = None
        try:
            while not self._stopping.is_set() and not self._stale:
                batch = await (reading or self._read(reader))
                reading = None
                if batch is None:
                    self._reports.records_behind = 0
                    self._mark(progress)
                    continue
                began = time.monotonic()
                is_thin = len(batch.records) <= THIN
                if not is_thin:
                    reading = asyncio.create_task(self._read(reader))
                await self._apply(batch)
                self._mark(progress)
                if is_thin:
                    await self._gather(began)
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _gather(self, began: float) -> None:
        """Let records come until the next batch is due, after one that began at ``began``; not where we are to stop."""
        gap = self._load.gap(LONGEST_GAP) - (time.monotonic() - began)
        if gap > 0.0:
            with suppress(TimeoutError):
                async with asyncio.timeout(gap):
                    await self._stopping.wait()

    def _mark(self, progress: Progress) -> None:
        progress.mark()
        self._reports.note("running")

    async def _read(self, reader: LogReader) -> Batch | None:
        if not self._owned:
            await self._rest(IDLE_SECONDS)
            return None
        records = await reader.read(self._limits.events, max_bytes=MAX_BATCH_BYTES, wait=IDLE_SECONDS)
        if not records:
            return None
        batch = Batch()
        for at in range(0, len(records), SLICE):
            read_into(batch, records[at : at + SLICE], self._ids_of)
            await asyncio.sleep(0)
        self._tell_misplaced(batch)
        return batch

    def _tell_misplaced(self, batch: Batch) -> None:
        """Log events that lie in another partition than their key's: their parts have two writers."""
        read = [event.record for event in batch.events.values() if event.record is not None]
        if misplaced := find_misplaced(read, self._event_partitions):
            self._logger.error(
                "somebody else wrote events into other partitions than their keys': contexts may be wrong, which "
                "cx verify tells; let nobody but the hub write to its topics",
                events=len(misplaced),
                first=place_of(misplaced[0]),
            )

    async def _apply(self, batch: Batch) -> None:
        started = time.perf_counter()
        leases = {partition: self._owned[partition] for partition in batch.offsets}
        if self._tracing.on:
            applied = await self._apply_traced(batch, leases)
        else:
            applied = await self._applier.apply(batch, leases)
        self._owned |= advanced(leases, batch.offsets)
        self.applied += applied.new
        if applied.customers:
            self._changed()
        self._count(batch, applied, time.perf_counter() - started)

    async def _apply_traced(self, batch: Batch, leases: Mapping[Partition, Lease]) -> Applied:
        """Apply a batch in a trace of its own, linked to those of its records: it has many parents."""
        links = list({record.traceparent: None for record in batch.records if record.traceparent})
        about: dict[str, str | int] = {
            "messaging__destination__name": INTERACTIONS,
            "messaging__batch__message_count": len(batch.records),
        }
        with self._tracing.span(f"process {INTERACTIONS}", "consumer", parent="", links=links, **about) as span:
            applied = await self._applier.apply(batch, leases)
            span.describe(cx__events__new=applied.new, cx__customers__changed=len(applied.customers))
        return applied

    def _count(self, batch: Batch, applied: Applied, seconds: float) -> None:
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.batch_events.labels("new").inc(applied.new)
        self._metrics.batch_events.labels("repeated").inc(applied.repeated)
        if applied.conflicts:
            self._metrics.batch_events.labels("conflicting").inc(applied.conflicts)
        for letter in applied.letters:
            self._metrics.dead_letter(letter.stage, letter.reason)
        if batch.latest:
            self._metrics.lag_seconds.set(max(time.time() - batch.latest / 1000, 0.0), INTERACTIONS)

    async def _take_partitions(self) -> None:
        """Take our share of the partitions. The cache is emptied: what it holds was true under older epochs."""
        await open_store_epoch(self._store, self._log, begins=self._begins)
        self._begins = False
        counts = {topic: await self._log.partitions(topic) for topic in TOPICS}
        self._event_partitions = counts[INTERACTIONS]
        async with self._store.writing() as tx:
            check_partition_counts(await offsets.applied(tx), counts)
            await offsets.announce(tx, [Partition(t, n) for t, count in counts.items() for n in range(count)])
            await note_fold_version(tx)
            self._owned = await leases.take(tx, self._name, self._limits.lease)
        self._applier.cache.clear()
        if self._log_unchecked:
            at = {partition: lease.next_offset for partition, lease in self._owned.items()}
            await check_same_log(self._store, self._log, at)
            self._log_unchecked = False
        self._stale = False

    async def _renew_leases(self) -> None:
        """Renew the leases every third of their time, and note whether our share changed."""
        while True:
            await asyncio.sleep(self._limits.lease / 3)
            try:
                async with self._store.writing() as tx:
                    now = await leases.take(tx, self._name, self._limits.lease)
            except TryLater as error:
                self._logger.info("lease not renewed", why=error.detail)
                continue
            except Exception:
                self._logger.exception("lease not renewed")
                continue
            if {p: lease.epoch for p, lease in now.items()} != {p: lease.epoch for p, lease in self._owned.items()}:
                self._stale = True

    async def _give_up_partitions(self) -> None:
        try:
            async with self._store.writing() as tx:
                await leases.leave(tx, self._name)
                await lag_samples.delete_report(tx, self._name)
        except TryLater as error:
            self._logger.info("leases left to run out", why=error.detail)
