"""A worker: takes its share of the partitions, reads ahead, applies batch after batch, and never stops quietly.

While the database works on one batch the next is read and decoded. What is down is waited for; what another worker took
over is let go; anything else is told and tried again, and readiness fails meanwhile, since it goes by progress.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from cx_context.store import Store, leases
from cx_context.store.leases import Fenced, Lease
from cx_events.cancellation import close_within
from cx_events.errors import Fatal, TryLater
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, LogReader, Partition
from cx_projectors.outcome import Applied
from cx_projectors.records import TOPICS, Batch, lag, read_into
from cx_projectors.retrying_applier import RetryingApplier
from cx_projectors.store_epoch import open_store_epoch
from cx_projectors.tenancy import Tenancy
from cx_runtime.health import Health, Progress
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import OwnedTasks

IDLE_SECONDS = 0.5
MAX_PAUSE = 2.0
LEAVE_SECONDS = 5.0
"""To give partitions up may take so long; otherwise their leases run out."""
REPORT_SECONDS = 2.0
MAX_BATCH_BYTES = 16 << 20
SLICE = 200
"""Records that are decoded at a stretch. The batch before is being applied meanwhile, and goes on as soon as the
database has answered."""


@dataclass(frozen=True, slots=True)
class ConsumerLimits:
    """``events``: at most in one transaction; ``lease``: seconds that a partition stays ours without renewal."""

    events: int = 4_000
    lease: float = 5.0


class Consumer:
    """One projector. ``run()`` until it is cancelled; ``stop()`` asks it to finish the batch and give all up."""

    def __init__(
        self,
        store: Store,
        log: Log,
        tenants: Mapping[str, Tenancy],
        name: str,
        metrics: Metrics,
        health: Health,
        pace: ConsumerLimits = ConsumerLimits(),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``changed``: called once a batch that changed contexts is durable."""
        self._store = store
        self._log = log
        self._tenants = tenants
        self._name = name
        self._metrics = metrics
        self._health = health
        self._pace = pace
        self._changed = changed
        self._applier = RetryingApplier(store, name, tenants)
        self._owned: dict[Partition, Lease] = {}
        self._stale = True
        self._begins = True
        self._stopping = asyncio.Event()
        self._said = structlog.get_logger().bind(worker=name)
        self.applied = 0

    @property
    def contentions(self) -> int:
        """How often a transaction was begun again since other writers were in the way."""
        return self._applier.contentions

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Return after ``stop``. Raise ``Fatal``, or ``Ended`` where one of its own tasks is over."""
        progress = self._health.progress(self._name, max_age=max(30.0, 3 * self._pace.lease))
        reader = self._log.reader()
        try:
            async with OwnedTasks() as companions:
                companions.start("the renewal of leases", self._renew())
                companions.start("the reports of lag", self._report())
                await self._work(reader, progress)
        finally:
            if self._stopping.is_set():
                self._health.forget(self._name)
            else:
                progress.end()
            self._metrics.lag_gone()
            await reader.close()
            await close_within(self._leave(), LEAVE_SECONDS)

    async def _work(self, reader: LogReader, progress: Progress) -> None:
        pause = 0.05
        while not self._stopping.is_set():
            try:
                await self._serve(reader, progress)
                pause = 0.05
            except Fenced as fence:
                self._said.info("taking partitions anew", why=str(fence))
                self._metrics.retries.labels("fenced").inc()
            except TryLater as error:
                progress.tried(error)
                self._metrics.retries.labels(error.part).inc()
                await self._rest(pause)
                pause = min(pause * 2, MAX_PAUSE)
            except Fatal:
                raise
            except Exception as error:
                progress.failed(f"a batch failed: {type(error).__name__}: {error}")
                self._said.exception("a batch failed; trying again")
                self._metrics.retries.labels("failed").inc()
                await self._rest(pause)
                pause = min(pause * 2, MAX_PAUSE)
            self._stale = True

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds * random.uniform(0.5, 1.0))  # noqa: S311
        except TimeoutError:
            pass

    async def _serve(self, reader: LogReader, progress: Progress) -> None:
        """Apply what comes until we must take our partitions anew, or stop."""
        await self._take()
        reader.assign({partition: leases.next_offset for partition, leases in self._owned.items()})
        reading: asyncio.Task[Batch | None] | None = None
        try:
            while not self._stopping.is_set() and not self._stale:
                batch = await (reading or self._read(reader))
                reading = None
                if batch is None:
                    progress.mark()
                    continue
                reading = asyncio.create_task(self._read(reader))
                await self._apply(batch)
                progress.mark()
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, reader: LogReader) -> Batch | None:
        if not self._owned:
            await self._rest(IDLE_SECONDS)
            return None
        records = await reader.read(self._pace.events, max_bytes=MAX_BATCH_BYTES, wait=IDLE_SECONDS)
        if not records:
            return None
        batch = Batch()
        for at in range(0, len(records), SLICE):
            read_into(batch, records[at : at + SLICE], self._ids_of)
            await asyncio.sleep(0)
        return batch

    def _ids_of(self, tenant: str) -> IdSpace | None:
        tenancy = self._tenants.get(tenant)
        return tenancy.ids if tenancy is not None else None

    async def _apply(self, batch: Batch) -> None:
        started = time.perf_counter()
        leases = {partition: self._owned[partition] for partition in batch.offsets}
        applied = await self._applier.apply(batch, leases)
        for partition, position in batch.offsets.items():
            self._owned[partition] = Lease(position, leases[partition].epoch)
        self.applied += applied.new
        if applied.customers:
            self._changed()
        self._measure(batch, applied, time.perf_counter() - started)

    def _measure(self, batch: Batch, applied: Applied, seconds: float) -> None:
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.batch_events.labels("new").inc(applied.new)
        self._metrics.batch_events.labels("repeated").inc(applied.repeated)
        if applied.conflicts:
            self._metrics.batch_events.labels("conflicting").inc(applied.conflicts)
        for letter in applied.letters:
            self._metrics.dead_letter(letter.stage, letter.reason)
        if batch.latest:
            self._metrics.lag_seconds.set(max(time.time() - batch.latest / 1000, 0.0), INTERACTIONS)

    async def _take(self) -> None:
        """What is ours now. Nothing that was remembered under older epochs counts."""
        await open_store_epoch(self._store, self._log, begins=self._begins)
        self._begins = False
        counts = {topic: await self._log.partitions(topic) for topic in TOPICS}
        async with self._store.writing() as tx:
            await leases.announce(tx, [Partition(t, n) for t, count in counts.items() for n in range(count)])
            self._owned = await leases.take(tx, self._name, self._pace.lease)
        self._applier.cache.clear()
        self._stale = False

    async def _renew(self) -> None:
        """Every third of a lease: renew it, and see whether our share changed."""
        while True:
            await asyncio.sleep(self._pace.lease / 3)
            try:
                async with self._store.writing() as tx:
                    now = await leases.take(tx, self._name, self._pace.lease)
            except TryLater as error:
                self._said.info("lease not renewed", why=error.detail)
                continue
            except Exception:
                self._said.exception("lease not renewed")
                continue
            if {p: leases.epoch for p, leases in now.items()} != {p: leases.epoch for p, leases in self._owned.items()}:
                self._stale = True

    async def _report(self) -> None:
        """Lag in events, measured against the log's ends. What can't be measured is not told."""
        while True:
            try:
                await self._measure_lag()
            except TryLater as error:
                self._said.debug("lag not known", part=error.part)
            except Exception:
                self._said.exception("lag not known")
            await asyncio.sleep(REPORT_SECONDS)

    async def _measure_lag(self) -> None:
        async with self._store.reading() as tx:
            done = await leases.progress(tx)
        for topic in TOPICS:
            ends = {Partition(topic, n): end for n, end in (await self._log.end_offsets(topic)).items()}
            behind = lag({partition: at[0] for partition, at in done.items()}, ends)
            for partition, count in behind.items():
                self._metrics.lag_events.set(count, topic, str(partition.number))
            if topic == INTERACTIONS and not any(behind.values()):
                self._metrics.lag_seconds.set(0.0, topic)

    async def _leave(self) -> None:
        try:
            async with self._store.writing() as tx:
                await leases.leave(tx, self._name)
        except TryLater as error:
            self._said.info("leases left to run out", why=error.detail)
