"""Keep lists and search up to date, in one process at a time, at a pace that leaves projectors theirs.

While the workers of this process are behind, lists take ``SHARE`` of the time at most, and wait meanwhile: a customer
that a hundred batches change is then written once. How late they are is a measure, and stands in every answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import structlog

from cx_context.store import Store, listing_queue, single_lease
from cx_context.store.listing_queue import DONE, FIRST_ID, PHASES, Fill
from cx_context.store.sql import Tx
from cx_events.errors import TryLater
from cx_projectors.listing.backlog import Backlog, Chunk
from cx_projectors.listing.refresh import Terms, refresh
from cx_runtime.health import Health, Progress
from cx_runtime.metrics import Metrics

NAME = "lists"
SHARE = 0.12
"""The share of time that lists take while workers are behind."""
CUSTOMERS_AT_ONCE = 50
EVENTS_AT_ONCE = 500
ROWS_AT_ONCE = 200
MOST_REMEMBERED = 200_000
"""Customers and events that wait in memory; of more batches the rows are read later."""
LEASE_SECONDS = 15.0
IDLE_SECONDS = 0.25
PAUSE_SECONDS = 1.0
LONGEST_REST = 5.0
LEAST_REST = 0.1
"""A step takes 2 ms of CPU by its statements alone, whether it writes one customer or fifty."""


class Lists:
    """Writes lists from what batches left. ``step`` does one piece of work; ``run`` goes on until it is cancelled."""

    def __init__(
        self,
        store: Store,
        terms: Mapping[str, Terms],
        owner: str,
        metrics: Metrics | None = None,
        watch: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``terms``: by tenant. ``owner``: the name of this process. ``watch``: called while ``drain`` works."""
        self._watch = watch
        self._store = store
        self._terms = terms
        self._owner = owner
        self._metrics = metrics
        if metrics is not None:
            for tenant in terms:
                metrics.lists_written.labels(tenant)
                metrics.lists_failures.labels(tenant)
        self._backlog = Backlog()
        self._filled: dict[str, Fill] | None = None
        self._one_by_one = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once: a batch has left something."""
        self._woken.set()

    async def run(self, health: Health, is_behind: Callable[[], bool] = lambda: False) -> None:
        """Keep the lists until cancelled. The store may be down meanwhile."""
        progress = health.progress(NAME)
        try:
            while True:
                await self._work_and_rest(progress, is_behind)
        finally:
            progress.end()
            self._clear_measures()
            with suppress(TryLater):
                async with self._store.writing() as tx:
                    await single_lease.leave(tx, "listing_lease", self._owner)

    async def _work_and_rest(self, progress: Progress, is_behind: Callable[[], bool]) -> None:
        self._woken.clear()
        began = time.monotonic()
        try:
            worked = await self.step()
        except TryLater as error:
            progress.tried(error)
            await asyncio.sleep(PAUSE_SECONDS)
            return
        progress.mark()
        if not worked:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._woken.wait()
            return
        took = time.monotonic() - began
        if is_behind():
            await asyncio.sleep(min(took * (1 / SHARE - 1), LONGEST_REST))
        else:
            await asyncio.sleep(took if self._backlog.size else max(took, LEAST_REST))

    async def drain(self) -> None:
        """Write all that waits, without rest."""
        while await self.step():
            if self._watch is not None:
                await self._watch()

    async def step(self) -> bool:
        """Write one piece of what waits; return whether there was any, or more. Raises ``TryLater``."""
        try:
            if await self._is_idle():
                self._measure()
                return False
            async with self._store.writing() as tx:
                await tx.forget_durability()  # what a crash undoes waits again
                if not await single_lease.take(tx, "listing_lease", self._owner, LEASE_SECONDS):
                    self._forget()
                    self._clear_measures()
                    return False
                chunk, filled = await self._write_some(tx)
        except TryLater:
            self._forget()
            raise
        except Exception as error:  # whatever a customer's facts brought about: the others go on
            return await self._failed(error)
        self._written(chunk, filled)
        return chunk is not None or filled is not None

    async def _is_idle(self) -> bool:
        """Return whether nothing waits, without writing anything: to hold a lease is to write."""
        if self._filled is None or self._backlog.size:
            return False
        async with self._store.reading() as tx:
            # Read each time: a rebuild exchanges these tables, too.
            self._filled = filled = await listing_queue.fills(tx)
            is_filled = all(listing_queue.is_done(filled.get(name), each.name) for name, each in self._terms.items())
            return is_filled and not await listing_queue.some_wait(tx)

    async def _write_some(self, tx: Tx) -> tuple[Chunk | None, Fill | None]:
        if self._backlog.size < MOST_REMEMBERED:
            self._backlog.add(await listing_queue.read(tx, self._backlog.known, ROWS_AT_ONCE))
        chunk = self._next()
        if chunk is not None:
            await self._write(tx, chunk)
        return chunk, None if self._one_by_one else await self._fill(tx)

    def _next(self) -> Chunk | None:
        return self._backlog.next(*((1, 1) if self._one_by_one else (CUSTOMERS_AT_ONCE, EVENTS_AT_ONCE)))

    async def _write(self, tx: Tx, chunk: Chunk) -> None:
        terms = self._terms.get(chunk.tenant)
        if terms is None:  # it is filled once it is configured again
            await listing_queue.forget_fill(tx, chunk.tenant)
        else:
            await refresh(tx, terms, chunk.customers, chunk.events)
        await listing_queue.delete(tx, chunk.done)

    async def _fill(self, tx: Tx) -> Fill | None:
        """Write a page of what was there before the lists were; None where all of it is."""
        if self._filled is None:
            self._filled = await listing_queue.fills(tx)
        for tenant, terms in self._terms.items():
            fill = self._filled.get(tenant)
            if fill is None or fill.made_with != terms.name:
                fill = Fill(tenant, terms.name, PHASES[0], FIRST_ID)
            elif fill.phase == DONE:
                continue
            return await self._fill_page(tx, terms, fill)
        return None

    async def _fill_page(self, tx: Tx, terms: Terms, fill: Fill) -> Fill:
        most = EVENTS_AT_ONCE if fill.phase == "events" else CUSTOMERS_AT_ONCE
        page = await listing_queue.page_of(tx, fill, most)
        while not page:
            fill = fill._replace(phase=listing_queue.next_phase(fill.phase), filled_to=FIRST_ID)
            if fill.phase == DONE:
                break
            page = await listing_queue.page_of(tx, fill, most)
        else:
            said = fill.phase == "events"
            await refresh(tx, terms, () if said else page, page if said else ())
            fill = fill._replace(filled_to=page[-1])
        await listing_queue.save_fill(tx, fill)
        return fill

    def _written(self, chunk: Chunk | None, filled: Fill | None) -> None:
        if filled is not None and self._filled is not None:
            self._filled[filled.tenant] = filled
        if chunk is not None:
            self._one_by_one = False
            self._backlog.finish(chunk)
        self._measure()
        if self._metrics is not None and chunk is not None:
            self._metrics.lists_written.labels(chunk.tenant).inc(len(chunk.customers) + len(chunk.events))

    def _measure(self) -> None:
        """Tell how late the lists are."""
        if self._metrics is not None:
            self._metrics.lists_waiting.set(self._backlog.size)
            oldest = self._backlog.oldest
            self._metrics.lists_lag.set(max(time.time() - oldest, 0.0) if oldest is not None else 0.0)

    async def _failed(self, error: Exception) -> bool:
        """Look for what can't be written, one by one, and leave it out: its rows stay as they were."""
        chunk = self._next()
        if chunk is None:
            raise error
        if not self._one_by_one:
            self._one_by_one = True
            return True
        ids = [id.hex() for id in (*chunk.customers, *chunk.events)]
        why = f"{type(error).__name__}: {error}"
        structlog.get_logger("cx_projectors").error("can't be listed", tenant=chunk.tenant, ids=ids, why=why)
        if self._metrics is not None:
            self._metrics.lists_failures.labels(chunk.tenant).inc()
        async with self._store.writing() as tx:
            await listing_queue.delete(tx, chunk.done)
        self._written(chunk, None)
        return True

    def _forget(self) -> None:
        self._backlog = Backlog()
        self._filled = None

    def _clear_measures(self) -> None:
        if self._metrics is not None:
            self._metrics.lists_waiting.clear()
            self._metrics.lists_lag.clear()
