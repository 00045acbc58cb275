"""Keep lists and search up to date, in one process at a time, at a pace that leaves projectors theirs.

While the workers of this process are behind, lists take ``SHARE`` of the time at most, and wait meanwhile: a customer
that a hundred batches change is then written once. How late they are is a measure, and stands in every answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from cx_context.store import Store, listing_queue, single_lease
from cx_context.store.listing_queue import DONE, FIRST_ID, PHASES, Fill
from cx_context.store.sql import Tx
from cx_events.errors import TryLater
from cx_events.ids import NodeId
from cx_projectors.listing.backlog import Backlog, Chunk
from cx_projectors.listing.refresh import Terms, refresh
from cx_runtime.health import Health, Progress
from cx_runtime.metrics import Metrics

NAME = "lists"
SHARE = 0.12
"""The share of time that lists take while workers are behind."""
ROWS_AT_ONCE = 200
MOST_REMEMBERED = 200_000
"""Customers and events that wait in memory; of more batches the rows are read later."""
LEASE_SECONDS = 15.0
IDLE_SECONDS = 0.25
PAUSE_SECONDS = 1.0
LONGEST_REST = 5.0
LEAST_REST = 0.1
"""A step takes 2 ms of CPU by its statements alone, whether it writes one customer or fifty."""


class Most(NamedTuple):
    """The bounds of what is written in one step."""

    customers: int
    events: int

    def halved(self) -> Most:
        """Return half as much, of each one at least."""
        return Most(max(self.customers // 2, 1), max(self.events // 2, 1))

    def doubled(self, most: Most) -> Most:
        """Return twice as much, and no more than ``most``."""
        return Most(min(self.customers * 2, most.customers), min(self.events * 2, most.events))


BESIDE_OTHERS = Most(50, 500)
ALONE = Most(400, 4_000)
"""Where nobody waits meanwhile: of many words at once more lie beside each other in the index, which costs less."""
ONE_BY_ONE = Most(1, 1)


class _NotListed(Exception):
    """Among these ids are some that can't be listed. ``done``: how it goes on without them."""

    def __init__(self, ids: Sequence[bytes], done: Chunk | Fill) -> None:
        super().__init__()
        self.ids = ids
        self.done = done


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
        self._usual = self._most = BESIDE_OTHERS
        self._fill_failed = False
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
        """Write all that waits, without rest and in large steps. What is to be filled comes first, and what waited
        then is written by that."""
        self._usual = self._most = ALONE
        try:
            while await self.step():
                if self._watch is not None:
                    await self._watch()
        finally:
            self._usual = self._most = BESIDE_OTHERS

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
        except _NotListed as failed:
            return await self._leave_out(failed)
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
        filled = await self._fill(tx) if self._most == self._usual or self._fill_failed else None
        if filled is not None and (self._usual is ALONE or self._fill_failed):
            return None, filled
        if self._backlog.size < MOST_REMEMBERED:
            self._backlog.add(await listing_queue.read(tx, self._backlog.known, ROWS_AT_ONCE))
        chunk = self._next()
        if chunk is not None:
            await self._write(tx, chunk)
        elif self._most != self._usual and filled is None:
            filled = await self._fill(tx)  # what failed is written by another process
        return chunk, filled

    def _next(self) -> Chunk | None:
        return self._backlog.next(*self._most)

    async def _write(self, tx: Tx, chunk: Chunk) -> None:
        terms = self._terms.get(chunk.tenant)
        if terms is None:  # it is filled once it is configured again
            await listing_queue.forget_fill(tx, chunk.tenant)
        else:
            await self._refresh(tx, terms, chunk.customers, chunk.events, chunk)
        await listing_queue.delete(tx, chunk.done)

    async def _fill(self, tx: Tx) -> Fill | None:
        """Write a page of what was there before the lists were; None where all of it is."""
        if self._filled is None:
            self._filled = await listing_queue.fills(tx)
        for tenant, terms in self._terms.items():
            fill = self._filled.get(tenant)
            if fill is None or fill.made_with != terms.name:
                await listing_queue.forget_filled(tx, tenant)
                fill = Fill(tenant, terms.name, PHASES[0], FIRST_ID)
            elif fill.phase == DONE:
                continue
            return await self._fill_page(tx, terms, fill)
        return None

    async def _fill_page(self, tx: Tx, terms: Terms, fill: Fill) -> Fill:
        most = self._most.events if fill.phase == "events" else self._most.customers
        page = await listing_queue.page_of(tx, fill, most)
        while not page:
            fill = fill._replace(phase=listing_queue.next_phase(fill.phase), filled_to=FIRST_ID)
            if fill.phase == DONE:
                break
            page = await listing_queue.page_of(tx, fill, most)
        else:
            said = fill.phase == "events"
            fill = fill._replace(filled_to=page[-1])
            await self._refresh(tx, terms, () if said else page, page if said else (), fill)
        await listing_queue.save_fill(tx, fill)
        return fill

    async def _refresh(
        self, tx: Tx, terms: Terms, customers: Sequence[NodeId], events: Sequence[bytes], done: Chunk | Fill
    ) -> None:
        """Write these anew. Raises ``_NotListed`` whatever a customer's facts brought about: the others go on."""
        try:
            await refresh(tx, terms, customers, events)
        except TryLater:
            raise
        except Exception as error:
            raise _NotListed([*customers, *events], done) from error

    def _written(self, chunk: Chunk | None, filled: Fill | None) -> None:
        if filled is not None and self._filled is not None:
            self._filled[filled.tenant] = filled
        self._most = self._most.doubled(self._usual)
        self._fill_failed = self._fill_failed and self._most != self._usual
        if chunk is not None:
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

    async def _leave_out(self, failed: _NotListed) -> bool:
        """Look for what can't be written by halves, and leave it out: its rows stay as they were."""
        if self._most != ONE_BY_ONE:
            self._most = self._most.halved()
            self._fill_failed = isinstance(failed.done, Fill)
            return True
        done = failed.done
        why = f"{type(failed.__cause__).__name__}: {failed.__cause__}"
        ids = [id.hex() for id in failed.ids]
        structlog.get_logger("cx_projectors").error("can't be listed", tenant=done.tenant, ids=ids, why=why)
        if self._metrics is not None:
            self._metrics.lists_failures.labels(done.tenant).inc()
        async with self._store.writing() as tx:
            if isinstance(done, Fill):
                await listing_queue.save_fill(tx, done)
            else:
                await listing_queue.delete(tx, done.done)
        if isinstance(done, Fill):
            self._written(None, done)
        else:
            self._written(done, None)
        return True

    def _forget(self) -> None:
        self._backlog = Backlog()
        self._filled = None

    def _clear_measures(self) -> None:
        if self._metrics is not None:
            self._metrics.lists_waiting.clear()
            self._metrics.lists_lag.clear()
