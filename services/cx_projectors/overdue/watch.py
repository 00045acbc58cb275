"""Find waits that are over their queue's bound, in one process at a time, and announce each once.

A look is a range of one index, by the time at which waits began: it costs the same however many customers wait within
their bound, or beyond it since long ago. A wait is over its bound only once everything that the log held at a later
moment is applied and listed: an answer that lies on the log already, behind a projector that catches up, counts.
What was found is committed before it is announced; a process that is killed in between announces again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from cx_context.store import Store, listing_queue, offsets, single_lease, wait_rows
from cx_context.store.sql import Tx
from cx_context.store.wait_rows import Place
from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS, Log, Partition
from cx_projectors.overdue.bounds import Due, Look, QueueBounds
from cx_projectors.overdue.notices import notice_of, record_of
from cx_runtime.answer_deadline import within
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.traced_append import append_traced
from cx_runtime.tracing import OFF, Tracing

NAME = "overdue"
AT_ONCE = 200
LOOK_SECONDS = 1.0
LEASE_SECONDS = 15.0
MEASURE_SECONDS = 5.0
CURRENT_LOOKS, CURRENT_SECONDS = 4, 0.05
"""What has just come needs a moment: the store is asked so often, at such a distance, whether it has it."""
FORGET_SECONDS = 3600.0
KEPT_SECONDS = 30 * 86_400.0
"""How long it is remembered that a wait was told of which nothing is left, should it come back."""


class OverdueWatch:
    """Watches how long customers wait. ``step`` looks once; ``run`` goes on until it is cancelled."""

    def __init__(
        self,
        store: Store,
        log: Log,
        bounds: QueueBounds,
        owner: str,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
        tracing: Tracing = OFF,
    ) -> None:
        """``owner``: the name of this process. ``clock``: seconds since 1970."""
        self._store = store
        self._log = log
        self._bounds = bounds
        self._owner = owner
        self._metrics = metrics
        self._clock = clock
        self._tracing = tracing
        self._has_lease = False
        self._renew_at = self._measure_at = self._forget_at = 0.0
        self._may_owe = True
        self._ends: tuple[float, Mapping[int, int]] | None = None
        self._current_to = 0.0
        for tenant, queues in bounds.by_tenant.items():
            for queue in queues:
                metrics.overdue_waits.labels(tenant, queue)

    async def run(self, health: Health) -> None:
        """Watch until cancelled. The store or the log may be down meanwhile."""
        progress = health.progress(NAME)
        try:
            while True:
                try:
                    more = await self.step()
                    progress.mark()
                except TryLater as error:
                    progress.tried(error)
                    more = False
                if not more:
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            progress.end()
            self._metrics.waits_over.clear()
            with suppress(TryLater):
                async with self._store.writing() as tx:
                    await single_lease.leave(tx, "overdue_lease", self._owner)

    async def step(self) -> bool:
        """Find what is due and announce it; return whether there may be more. Raises ``TryLater``."""
        if not await self._keep_lease():
            self._metrics.waits_over.clear()
            return False
        due = await self._read_due(self._clock())
        found = bool(due) and await self._is_current(min(each.at for each in due)) and await self._find(due)
        if self._may_owe:
            await self._announce()
        await self._measure(at_once=found)
        await self._forget()
        return found and len(due) == AT_ONCE

    async def _keep_lease(self) -> bool:
        """Take or renew the lease when it is time; return whether it is ours."""
        now = time.monotonic()
        if now >= self._renew_at:
            async with self._store.writing() as tx:
                had = self._has_lease
                self._has_lease = await single_lease.take(tx, "overdue_lease", self._owner, LEASE_SECONDS)
                if self._has_lease and not had:
                    await self._begin(tx)
            self._renew_at = now + (LEASE_SECONDS / 3 if self._has_lease else LOOK_SECONDS)
        return self._has_lease

    async def _begin(self, tx: Tx) -> None:
        """Take over: bounds may be longer than before, and notices may be owed."""
        self._may_owe = True
        for look in self._bounds.looks():
            await wait_rows.let_wait(tx, look.tenant, look.names, int((self._clock() - look.bound) * 1e6))

    async def _read_due(self, now: float) -> list[Due]:
        """Return waits that are over their bound by the clock, and were not found yet, at most ``AT_ONCE``."""
        found: list[Due] = []
        async with self._store.reading() as tx:
            for look in self._bounds.looks():
                found += await self._read_look(tx, look, int((now - look.bound) * 1e6), AT_ONCE - len(found))
                if len(found) >= AT_ONCE:
                    break
        return found

    async def _read_look(self, tx: Tx, look: Look, until: int, most: int) -> list[Due]:
        found: list[Due] = []
        after: Place | None = None
        while len(found) < most:
            page = await wait_rows.not_yet_over(tx, look.tenant, look.names, until, after, AT_ONCE)
            found += self._bounds.due(look, page)
            if len(page) < AT_ONCE:
                break
            after = Place(page[-1].since, page[-1].contact)
        return found[:most]

    async def _is_current(self, due: int) -> bool:
        """Return whether the store holds all that the log held at a moment after the time ``due``, in µs."""
        if self._current_to * 1e6 >= due:
            return True
        if self._ends is None:
            at = self._clock()
            self._ends = at, await within(self._log.end_offsets(INTERACTIONS), "log")
        at, ends = self._ends
        for look in range(CURRENT_LOOKS):
            if look:
                await asyncio.sleep(CURRENT_SECONDS)
            async with self._store.reading() as tx:
                applied = await offsets.applied(tx)
            if all(applied.get(Partition(INTERACTIONS, number), 0) >= end for number, end in ends.items()):
                self._current_to, self._ends = max(at, self._current_to), None
                return self._current_to * 1e6 >= due
        return False

    async def _find(self, due: Collection[Due]) -> bool:
        """Write down those that are over their bound by what the store holds; return whether there was any."""
        now = int(self._clock() * 1e6)
        async with self._store.writing() as tx:
            if not await single_lease.take(tx, "overdue_lease", self._owner, LEASE_SECONDS):
                self._has_lease = False
                return False
            unlisted = await listing_queue.unlisted(tx)
            known = {
                each.wait.contact: each
                for each in due
                if each.at <= self._current_to * 1e6 and each.wait.customer not in unlisted
            }
            found = [known[wait.contact] for wait in await wait_rows.find_over(tx, (d.wait for d in known.values()))]
            first = await wait_rows.next_told(tx, now) if found else 0
            notices = (notice_of(each, self._bounds.directory(each.wait.tenant), now) for each in found)
            rows = [(each.wait, first + n, body) for n, (each, body) in enumerate(zip(found, notices, strict=True))]
            await wait_rows.write_found(tx, rows)
        self._may_owe |= bool(found)
        for each in found:
            self._metrics.overdue_waits.labels(each.wait.tenant, each.queue).inc()
        return bool(known)

    async def _announce(self) -> None:
        """Append to the log what may not be there yet."""
        while True:
            async with self._store.reading() as tx:
                notices = await wait_rows.to_announce(tx, AT_ONCE)
            if notices:
                await append_traced(self._log, [record_of(each) for each in notices], self._tracing)
                async with self._store.writing() as tx:
                    await wait_rows.note_announced(tx, notices[-1].told)
            if len(notices) < AT_ONCE:
                break
        self._may_owe = False

    async def _measure(self, *, at_once: bool) -> None:
        """Tell how many waits are over their bound."""
        now = time.monotonic()
        if now < self._measure_at and not at_once:
            return
        self._measure_at = now + MEASURE_SECONDS
        async with self._store.reading() as tx:
            counts = await wait_rows.count_over(tx, list(self._bounds.by_tenant))
        for labels, number in self._bounds.counted(counts).items():
            self._metrics.waits_over.set(number, *labels)

    async def _forget(self) -> None:
        now = time.monotonic()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_SECONDS
            async with self._store.writing() as tx:
                await wait_rows.forget_ended(tx, int((self._clock() - KEPT_SECONDS) * 1e6))
