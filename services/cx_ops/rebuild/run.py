"""Run a rebuild, or undo one: fill the shadow, compare it, exchange it with the live tables.

Each step may be done again: a process that goes on with a rebuild that broke off begins at the offsets of the shadow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from cx_context.store import Store, leases, offsets, outbox, shadow, versions
from cx_context.store.port import Contention
from cx_context.store.rebuild_rows import RebuildLost
from cx_context.store.sql import Tx
from cx_events.errors import Fatal, TryLater
from cx_events.ids import NodeId
from cx_events.log import Partition
from cx_ops.rebuild.comparison import Comparison, Tenants, Watch
from cx_ops.rebuild.control import cancelled, now
from cx_ops.rebuild.ownership import Interrupted, Ownership
from cx_ops.rebuild.record import Act, Phase, Report
from cx_ops.rebuild.table_counts import count_differences

LEVEL = 4_000
"""Records behind at which the shadow counts as level."""
FEW_CUSTOMERS = 300
"""Customers that may be compared while writers are paused."""
MOST_ROUNDS = 20
PAUSE_SECONDS = 8.0
"""The longest that writers are paused for the last stretch; then they go on, and another time is chosen."""
SWITCH_TRIES = 20
PATIENCE = 60.0
"""Seconds within which a store that went away has to be back; the filler has a patience of its own."""
MOST_RETURNS = 20
"""Times that the work is taken up again by itself: what fails at the same place each time is no outage."""
RETURN_SECONDS = 1.0
_AWAKE_SECONDS = 4.0
"""PostgreSQL ends a transaction that is idle for 15 s."""
_PROGRESS_SECONDS = 5.0
"""How often progress is written down."""
_ANNOUNCED_AT_ONCE = 500
STRIPE = versions.REFOLD_STRIPE

Offsets = Mapping[Partition, int]


class Filler(Protocol):
    """Applies the log to the shadow (``cx_projectors.catch_up``)."""

    async def apply_until(self, ends: Offsets) -> None:
        """Apply all records before these offsets that are not applied yet. Raises ``TryLater`` where log or store
        stay away."""

    async def settle(self) -> None:
        """Write the lists of what was applied."""

    async def close(self) -> None: ...


MakeFiller = Callable[[Store, Watch], Filler]
Tell = Callable[[str], None]


class Rebuild:
    """One process's work on a rebuild. ``tell``: is called with sentences, for people who wait."""

    def __init__(self, store: Store, own: Ownership, tenants: Tenants, filler: MakeFiller, tell: Tell) -> None:
        self._live = store
        self._own = own
        self._tenants = tenants
        self._make_filler = filler
        self._tell = tell
        self._shadow: Store = store
        self._filler: Filler | None = None
        self._filler_gave_up = False
        self._seen: dict[NodeId, int] = {}
        self._touched: set[NodeId] = set()

    async def run(self) -> Ownership:
        """Work until the switch, the review, or an interruption; return how the rebuild is then. A log or a store that
        is away for a while is waited for.

        Raises ``RebuildLost`` where another process went on with it, ``TryLater`` where log or store stay away or the
        disk is full: the live tables are untouched, and ``control.resume`` goes on.
        """
        own = self._own
        try:
            async with own.renewed():
                await self._work_through_outages()
        except Interrupted as asked:
            if asked.wanted == "cancel":
                await cancelled(self._live, own)
            else:
                await own.save(own.record, ends=True)
        except TryLater as error:
            await self._stopped(error)
            raise
        finally:
            await self._close_shadow()
        return own

    async def _work_through_outages(self) -> None:
        """Do the steps again where a server was away amid them: what is in the shadow stays. The filler waits by
        itself."""
        until = 0.0
        for number in range(MOST_RETURNS + 1):
            began = time.monotonic()
            try:
                if number and await self._own.has_ended():
                    return  # its last transaction was committed, and nobody could say so
                await self._work()
                return
            except TryLater as error:
                failed = time.monotonic()
                if until < failed and (not until or failed - began > PATIENCE):
                    until = failed + PATIENCE  # the first outage, or another one after it had gone on for long
                if self._filler_gave_up or number == MOST_RETURNS or failed > until:
                    raise
                self._tell(f"it goes on once that is back: {error}")
                await self._close_shadow()
                await asyncio.sleep(RETURN_SECONDS)

    async def _close_shadow(self) -> None:
        filler, self._filler = self._filler, None
        if filler is not None:
            await filler.close()
        beside, self._shadow = self._shadow, self._live
        if beside is not self._live:
            await beside.stop()

    async def _stopped(self, error: TryLater) -> None:
        """Note why, if the store can be written to."""
        own = self._own
        try:
            await own.save(own.record, None, Act(now(), "stopped", own.record.asker, error.detail), ends=True)
        except (TryLater, RebuildLost):
            pass  # the lease runs out, or it has ended

    async def _work(self) -> None:
        await self._open_shadow()
        await self._level()
        comparison = await self._compare()
        if self._own.record.review:
            self._tell("the comparison is done: cx rebuild resume switches, cx rebuild cancel leaves all as it is")
            await self._own.save(self._own.record, "compared", ends=True)
            return
        await self._switch(comparison)

    async def _open_shadow(self) -> None:
        own = self._own
        if not own.record.shadow:
            await own.save(replace(own.record, shadow=await shadow.make(self._live)))
        await shadow.drop(self._live, but=own.record.shadow)
        self._shadow = shadow.shadow_of(self._live, own.record.shadow)
        await self._shadow.start()
        self._filler = self._make_filler(self._shadow, own.watch)

    async def _level(self) -> None:
        """Fill the shadow until it is nearly where the live store is. It never gets ahead."""
        began, first = time.monotonic(), -1

        async def note(ends: Offsets) -> int:
            nonlocal first
            behind, applied = _distances(await self._offsets(self._shadow), ends)
            first = applied if first < 0 else first
            rate = (applied - first) / max(time.monotonic() - began, 0.001)
            await self._own.save(
                replace(self._own.record, events=applied + behind, applied=applied, rate=round(rate, 1))
            )
            self._tell(_progress(applied, behind, rate))
            await self._own.watch()
            return behind

        while await note(ends := await self._offsets(self._live)) > LEVEL:
            await self._fill(ends, partial(note, ends), _PROGRESS_SECONDS)
        await self._fill(await self._offsets(self._live))
        self._tell("writing lists and search")
        await self._settle()
        await shadow.refresh_statistics(self._shadow)

    async def _fill(
        self, ends: Offsets, meanwhile: Callable[[], Awaitable[object]] | None = None, every: float | None = None
    ) -> None:
        """Apply all records before these offsets. ``meanwhile`` is called every so many seconds."""
        assert self._filler is not None
        filling = asyncio.create_task(self._filler.apply_until(ends))
        try:
            while not (await asyncio.wait([filling], timeout=every))[0]:
                if meanwhile is not None:
                    await meanwhile()
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
        try:
            await filling
        except TryLater:
            self._filler_gave_up = True
            raise

    async def _settle(self) -> None:
        assert self._filler is not None
        await self._filler.settle()

    async def _offsets(self, store: Store) -> dict[Partition, int]:
        async with store.reading() as tx:
            return await offsets.applied(tx)

    async def _compare(self) -> Comparison:
        """Compare all customers at equal offsets, then those who changed meanwhile, until they are few."""
        comparison = Comparison(self._tenants, self._own.watch)
        self._tell("comparing every customer and every table at equal offsets")
        async with self._live.reading() as live:
            await self._fill_to(live)
            async with self._shadow.reading() as rebuilt:
                self._seen, self._touched = await versions.all_versions(live), set()
                await comparison.all(live, rebuilt)
                tables = await count_differences(live, rebuilt, self._own.watch)
        for _ in range(MOST_ROUNDS):
            async with self._live.reading() as live:
                await self._fill_to(live)
                async with self._shadow.reading() as rebuilt:
                    if await self._compare_touched(comparison, live, rebuilt) <= FEW_CUSTOMERS:
                        break
        report = Report(now(), comparison.customers, comparison.count, comparison.first, tables)
        await self._own.save(replace(self._own.record, report=report))
        self._tell(f"{report.customers} customers compared, {report.differing} differ")
        return comparison

    async def _compare_touched(self, comparison: Comparison, live: Tx, rebuilt: Tx) -> int:
        """Compare the customers whose versions rose since the last call, and return how many. Who was to be compared
        in a round that failed is compared in the next one."""
        seen = await versions.all_versions(live)
        self._touched |= {customer for customer, n in seen.items() if self._seen.get(customer) != n}
        self._seen = seen
        count = len(self._touched)
        await comparison.again(live, rebuilt, self._touched)
        self._touched = set()
        return count

    async def _fill_to(self, live: Tx) -> None:
        """Bring the shadow to exactly the offsets that a transaction of the live store sees, and keep that awake."""
        ends = await offsets.applied(live)
        await self._fill(ends, partial(offsets.applied, live), _AWAKE_SECONDS)
        positions = await self._offsets(self._shadow)
        if any(positions.get(each, 0) != end for each, end in ends.items()):
            raise Fatal(
                "the shadow is not where the live store is: was the live store restored from a copy meanwhile? "
                "cx rebuild cancel, then begin anew"
            )

    async def _switch(self, comparison: Comparison) -> None:
        """Exchange the tables. Where readers are in the way for long, writers go on and another time is chosen."""
        for attempt in range(SWITCH_TRIES):
            await self._own.watch()
            await self._fill(await self._offsets(self._live))
            await self._settle()
            try:
                await self._switch_now(comparison)
                return
            except Contention as error:
                self._tell(f"not switched yet, trying again: {error.detail}")
                if attempt == SWITCH_TRIES - 1:
                    raise TryLater("store", "the tables could not be exchanged: cx rebuild resume") from error
                await asyncio.sleep(min(0.2 * 2**attempt, 5.0))

    async def _switch_now(self, comparison: Comparison) -> None:
        own = self._own
        began = time.monotonic()
        phase: Phase = "undone" if own.phase == "undoing" else "switched"
        async with self._paused() as live:
            await self._compare_last(live, comparison)
            await self._raise_versions(live, comparison)
            name = await shadow.exchange(live, self._live, own.record.shadow)
            await leases.fence_all(live)
            report = own.record.report
            if report is not None:
                report = replace(report, differing=comparison.count, first=comparison.first)
            seconds = round(time.monotonic() - began, 3)
            record = replace(own.record, shadow=name, report=report, paused_seconds=seconds)
            record = await own.save_in(live, record, phase, Act(now(), phase, record.asker), ends=True)
        own.record, own.phase = record, phase
        self._tell(f"{phase}: readers see the other tables; projectors waited {seconds:.1f} s")

    async def _compare_last(self, live: Tx, comparison: Comparison) -> None:
        """Compare who changed since the last round, while all writers are paused. Raises ``Contention`` where it takes
        long."""
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._fill_to(live)
                async with self._shadow.reading() as rebuilt:
                    await self._compare_touched(comparison, live, rebuilt)
        except TimeoutError:
            raise Contention("store", "the last stretch took too long") from None

    @asynccontextmanager
    async def _paused(self) -> AsyncIterator[Tx]:
        """Open the transaction of the switch: no batch begins before it ends."""
        async with self._live.exchanging() as live:
            await leases.pause_all(live)
            yield live

    async def _raise_versions(self, live: Tx, comparison: Comparison) -> None:
        """Raise the version of each customer whose body differs, above all that any of them showed: they may change
        places. Followers are told."""
        for tenant in self._tenants:
            differing = comparison.differing(tenant)
            rises = await versions.rises_to_level(live, [differing]) if differing else {}
            await versions.raise_versions(live, rises, STRIPE)
            in_order = sorted(differing)
            for at in range(0, len(in_order), _ANNOUNCED_AT_ONCE):
                await outbox.write(live, tenant, in_order[at : at + _ANNOUNCED_AT_ONCE], {})


def _distances(positions: Offsets, ends: Offsets) -> tuple[int, int]:
    """Return how many records before these ends are left, and how many are applied."""
    left = sum(max(end - positions.get(each, 0), 0) for each, end in ends.items())
    return left, sum(min(positions.get(each, 0), end) for each, end in ends.items())


def _progress(applied: int, behind: int, rate: float) -> str:
    left = f", about {behind / rate:.0f} s left" if rate > 0 and behind else ""
    return f"{applied} of {applied + behind} records applied, {rate:.0f} a second{left}"
