"""Apply a batch until it is applied: again where writers met, alone where a copy must replace another, and without the
events that can't be applied.

What fails is looked at in three steps, each of which costs more and is done only where the one before failed:

1. the events that can't be folded are left out (``fold_faults.fault_of``), and the batch is applied by merging;
2. the batch is halved until single records are left: twice the logarithm of the batch's length transactions for each
   that fails;
3. a record that fails twice by itself is stored as one that could not be applied, if that can be stored.

What is wrong with the store, the log or this process is never an event's fault: see ``may_be_an_events_fault``.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Mapping

import structlog

from cx_context.store import Store
from cx_context.store.leases import Fenced, Lease, advanced
from cx_context.store.port import TROUBLES, Contention, Unstorable
from cx_events.errors import CxError
from cx_events.log import Partition
from cx_projectors.cache import ProjectionCache
from cx_projectors.outcome import Applied, CopyMustReplace, Mode
from cx_projectors.records import Batch, read_batch
from cx_projectors.replace_copy import apply_alone
from cx_projectors.tenancy import Tenancy, ids_of
from cx_projectors.write import apply_batch
from cx_runtime.tracing import OFF, Tracing

MOST_TRIES = 50


def may_be_an_events_fault(error: Exception) -> bool:
    """Return whether an error may be the fault of an event. It is not where a part is down or slow, other writers were
    in the way, a partition is ours no more, or memory or the disk is full."""
    if isinstance(error, Unstorable):
        return True
    return not isinstance(error, (CxError, MemoryError, *TROUBLES))


def _origin_of(error: Exception) -> str:
    """Return where an error came from, innermost last. Its message is left out: it may hold an event's text."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)[-5:]
    return f"{type(cause).__name__} at " + " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)


class RetryingApplier:
    """Applies a consumer's batches; keeps what the consumer's cache holds true to the store."""

    def __init__(self, store: Store, worker: str, tenants: Mapping[str, Tenancy], tracing: Tracing = OFF) -> None:
        self._store = store
        self.worker = worker
        self._tenants = tenants
        self._tracing = tracing
        self._ids_of = ids_of(tenants)
        self.cache = ProjectionCache()
        self.contentions = 0
        self.replacements = 0
        self._log = structlog.get_logger().bind(worker=worker)

    async def apply(self, batch: Batch, leases: Mapping[Partition, Lease]) -> Applied:
        """Apply a batch once. Afterwards the offsets stand at ``batch.offsets``.

        Raises ``Fenced`` where we own a partition no more, or must take it anew, after a replacement too: the cache is
        empty and ``leases`` are void, but what was applied stays applied. Raises ``TryLater`` where the store does not
        answer, or other writers were in the way for too long; of a batch that was applied in pieces some may be
        applied.
        """
        try:
            return await self._apply(batch, leases, Mode())
        except Exception as error:
            if not may_be_an_events_fault(error):
                raise
            self._log.error("a batch can't be applied as it is; looking for what can't be", where=_origin_of(error))
        return await self._apply_by_merging(batch, leases)

    async def _apply_by_merging(self, batch: Batch, leases: Mapping[Partition, Lease]) -> Applied:
        """Apply a batch without the events that can't be folded; in halves where that fails, too."""
        batch.leave_out_unfoldable(self._ids_of)
        try:
            return await self._apply(batch, leases, Mode(merging=True))
        except Exception as error:
            if not may_be_an_events_fault(error):
                raise
            if len(batch.records) == 1:
                return await self._set_aside(batch, leases, error)
        half = len(batch.records) // 2
        total = Applied()
        leases = dict(leases)
        for records in (batch.records[:half], batch.records[half:]):
            piece = read_batch(records, self._ids_of)
            total.add(await self._apply_by_merging(piece, {each: leases[each] for each in piece.offsets}))
            leases |= advanced(leases, piece.offsets)
        return total

    async def _set_aside(self, batch: Batch, leases: Mapping[Partition, Lease], error: Exception) -> Applied:
        """Store one record as one that can't be applied, if it fails again. Where that can't be stored either, it was
        not the record's fault: raises that error."""
        try:
            return await self._apply(batch, leases, Mode(merging=True))
        except Exception as again:
            if not may_be_an_events_fault(again):
                raise
        batch.leave_out_all(error.__cause__ or error, self._ids_of)
        applied = await self._apply(batch, leases, Mode(merging=True))
        places = [letter.place for letter in applied.letters]
        self._log.error("a record was set aside", places=places, where=_origin_of(error))
        return applied

    async def _apply(self, batch: Batch, leases: Mapping[Partition, Lease], mode: Mode) -> Applied:
        """Apply a batch, again and again while other writers are in the way. On any error the cache is emptied."""
        for attempt in range(MOST_TRIES):
            try:
                with self._tracing.span("transaction", attempt=attempt + 1):
                    async with self._store.writing() as tx:
                        applied = await apply_batch(
                            tx,
                            batch,
                            leases,
                            self.cache,
                            self._tenants,
                            worker=self.worker,
                            mode=mode,
                            tracing=self._tracing,
                        )
            except CopyMustReplace:
                self.cache.clear()
                return await self._replace(batch, leases, mode)
            except Contention:
                self.cache.clear()
                self.contentions += 1
                if attempt == MOST_TRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0, min(0.01 * 2**attempt, 1.0)))  # noqa: S311
            except BaseException:
                self.cache.clear()
                raise
            else:
                self.cache.add(applied.mentions, applied.interactions)
                return applied
        raise AssertionError("unreachable: the last try returns or raises")

    async def _replace(self, batch: Batch, leases: Mapping[Partition, Lease], mode: Mode) -> Applied:
        async with self._store.writing() as tx:
            await apply_alone(tx, batch, leases, self._tenants, worker=self.worker, mode=mode)
        self.replacements += 1
        raise Fenced("a copy of an event replaced another: everything is read anew")
