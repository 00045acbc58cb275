"""Relay change notifications from the outbox to ``cx.context-changes``. They are hints, never the truth.

A batch leaves one row with the customers that it changed. The relay takes rows, publishes a notification for each
customer with its current version, and deletes the rows in the transaction that read them; notifications may come twice.

It rests as long as it worked, and longer while the workers here are behind: batches that follow each other closely are
relayed together, a customer that several of them changed once. With a commit and an append for each batch the relay
took as much as they did, and contexts became fresh later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from cx_context.change_notifications import ContextChange
from cx_context.store import Store, outbox
from cx_events.directory import NO_DIRECTORY, Directory, Kind
from cx_events.errors import TryLater
from cx_events.ids import text_of
from cx_events.log import CONTEXT_CHANGES, Log, Record
from cx_runtime.health import Health, Progress
from cx_runtime.metrics import Metrics
from cx_runtime.traced_append import append_traced
from cx_runtime.tracing import OFF, Tracing

NO_DIRECTORIES: Mapping[str, Directory] = MappingProxyType({})
ROWS_AT_ONCE = 50
RECORDS_AT_ONCE = 2_000
"""Notifications of one append, which has to be acknowledged in time."""
IDLE_SECONDS = 0.1
PAUSE_SECONDS = 1.0
COUNT_SECONDS = 1.0
LOOK_SECONDS = 0.05
RESTS_BEHIND = 20
"""Looks whether the workers are still behind, a second in all, before the next rows are taken. Followers see states of
the past then, and every one of them costs the workers time."""


class Relay:
    """Run it until it is cancelled. Several may run: each takes other rows."""

    def __init__(
        self,
        store: Store,
        log: Log,
        metrics: Metrics,
        health: Health,
        is_behind: Callable[[], bool] = lambda: False,
        tracing: Tracing = OFF,
        directories: Mapping[str, Directory] = NO_DIRECTORIES,
    ) -> None:
        """``is_behind``: return whether the workers of this process have old records to apply. ``directories``: by
        tenant, who agents and queues are."""
        self._directories = directories
        self._is_behind = is_behind
        self._tracing = tracing
        self._store = store
        self._log = log
        self._metrics = metrics
        self._health = health
        self._woken = asyncio.Event()
        self._count_again = 0.0
        self._level_at = time.monotonic()

    def wake(self) -> None:
        """Relay at once: a batch has left something, and followers need not wait until we would look."""
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled. The store or the log may be down meanwhile."""
        progress = self._health.progress("relay")
        try:
            while True:
                try:
                    await self._relay_and_rest(progress)
                except TryLater as error:
                    progress.tried(error)
                    self._report_lag()
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            progress.end()
            self._metrics.relay_waiting.clear()
            self._metrics.relay_lag.clear()

    def _report_lag(self) -> None:
        self._metrics.relay_lag.set(time.monotonic() - self._level_at)

    async def _relay_and_rest(self, progress: Progress) -> None:
        woken = self._woken.is_set()
        self._woken.clear()
        began = time.monotonic()
        rows = await self.step() if woken or await self._some_wait() else 0
        progress.mark()
        if rows < ROWS_AT_ONCE:
            self._level_at = time.monotonic()
        self._report_lag()
        if rows < ROWS_AT_ONCE:
            await self._rest(min(time.monotonic() - began, IDLE_SECONDS))
            await self._idle()

    async def _rest(self, seconds: float) -> None:
        """Rest, for longer while the workers are behind."""
        await asyncio.sleep(seconds)
        for _ in range(RESTS_BEHIND):
            if not self._is_behind():
                break
            await asyncio.sleep(LOOK_SECONDS)

    async def _idle(self) -> None:
        """Wait to be woken, but not for long: the batches of other processes wake nobody here."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _some_wait(self) -> bool:
        """Return whether any batch left something: to take what is not there would be to write, many times a second."""
        async with self._store.asking() as tx:
            if await outbox.some_wait(tx):
                return True
        self._metrics.relay_waiting.set(0)
        return False

    async def step(self) -> int:
        """Relay up to ``ROWS_AT_ONCE`` rows, each what a batch left; return how many there were."""
        async with self._store.writing() as tx:
            taken = await outbox.take(tx, ROWS_AT_ONCE)
            for at in range(0, len(taken.changes), RECORDS_AT_ONCE):
                records = [self._record(change) for change in taken.changes[at : at + RECORDS_AT_ONCE]]
                await append_traced(self._log, records, self._tracing)
            if time.monotonic() > self._count_again:
                self._metrics.relay_waiting.set(await outbox.waiting(tx))
                self._count_again = time.monotonic() + COUNT_SECONDS
        self._metrics.relayed.inc(len(taken.changes))
        return taken.rows

    def _record(self, change: outbox.Change) -> Record:
        directory = self._directories.get(change.tenant, NO_DIRECTORY)
        return Record(CONTEXT_CHANGES, change.customer, _encode(_notification(change, directory)))


_encode = msgspec.json.Encoder().encode


def _notification(change: outbox.Change, directory: Directory) -> ContextChange:
    """Return the notice. A hint may name too many: whomever an id may mean in some system, beside the id itself."""
    merged = text_of(change.now) if change.now != change.customer else ""
    if not change.desks:
        return ContextChange(change.tenant, text_of(change.customer), change.version, merged)
    names: dict[Kind, set[str]] = {"agent": set(), "queue": set()}
    for desk in change.desks:
        names[desk.kind] |= {desk.name, *directory.meant_by(desk.kind, desk.name)}
    agents, queues = sorted(names["agent"]), sorted(names["queue"])
    return ContextChange(change.tenant, text_of(change.customer), change.version, merged, agents, queues)
