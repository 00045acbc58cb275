"""Work on one subscription: read on, deliver, let keys wait, try them again; never stop silently."""

from __future__ import annotations

import asyncio
import random as any_random
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cx_context.store import Store
from cx_context.store.subscription_rows import SubscriptionLost
from cx_events.cancellation import close_within
from cx_events.errors import TryLater
from cx_events.log import Log, LogReader
from cx_ops.subscriptions.catch_up import CatchUp
from cx_ops.subscriptions.cursors import Cursors
from cx_ops.subscriptions.delivery import Delivery, key_of
from cx_ops.subscriptions.receiver import Receiver
from cx_ops.subscriptions.redrive import redrive
from cx_ops.subscriptions.subscription import Subscription
from cx_runtime.health import Health, Progress
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.sender import Sender
from cx_runtime.owned_tasks import OwnedTasks

RECORDS, BYTES = 100, 4 << 20
"""Most of one read."""
RECORDS_OF_A_TRIAL = 10
"""Most of one read while it is not known whether the receiver is up again."""
MOST_WAITING = 1000
"""Keys that wait before no new record is looked at: the log keeps those."""
IDLE_SECONDS = 0.5
LONGEST_PAUSE = 5.0
REPORT_SECONDS = 2.0
LEAVE_SECONDS = 5.0
PROGRESS_SECONDS = 300.0
"""A batch may take this long where many requests hang."""


@dataclass(frozen=True)
class Surroundings:
    """The parts that a worker needs. ``now``: s since 1970; ``random``: 0 to 1; ``lease``: seconds without renewal;
    ``idle``: seconds to wait for new records."""

    store: Store
    log: Log
    sender: Sender
    metrics: Metrics
    lease: float = 15.0
    now: Callable[[], float] = time.time
    random: Callable[[], float] = any_random.random
    most_waiting: int = MOST_WAITING
    idle: float = IDLE_SECONDS


class SubscriptionWorker:
    """Run it until it is cancelled. Several may run, in any processes: each partition has one at a time."""

    def __init__(self, subscription: Subscription, around: Surroundings, owner: str) -> None:
        """``owner``: a name that no other worker has or had."""
        self.subscription = subscription
        self._around = around
        self._receiver = Receiver(around.random)
        self._cursors = Cursors(around.store, around.log, subscription, owner, around.lease, around.now)
        self._delivery = Delivery(
            subscription, around.sender, self._receiver, around.metrics, around.now, around.random
        )
        self._catch_up = CatchUp(subscription, self._cursors, self._delivery, self._receiver, around.now)
        self._new, self._old = around.log.reader(), around.log.reader()
        self._stale = True
        self._logger = structlog.get_logger().bind(
            tenant=subscription.name.tenant, subscription=subscription.name.subscription
        )

    async def run(self, health: Health, name: str) -> None:
        """Deliver until cancelled. ``name``: under which it tells of its progress."""
        progress = health.progress(name, max_age=PROGRESS_SECONDS)
        try:
            async with OwnedTasks() as tasks:
                tasks.start("the renewal of leases", self._renew())
                tasks.start("the reports", self._report())
                await self._retry_forever(progress)
        finally:
            progress.end()
            await close_within(self.close(), LEAVE_SECONDS)

    async def close(self) -> None:
        """Give everything up, so that others may take it at once."""
        for reader in (self._new, self._old):
            await reader.close()
        try:
            await self._cursors.leave()
        except TryLater as error:
            self._logger.info("leases left to run out", why=error.detail)

    async def _retry_forever(self, progress: Progress) -> None:
        pause = 0.1
        while True:
            try:
                await self.turn()
                progress.mark()
                pause = 0.1
                continue
            except SubscriptionLost as lost:
                self._logger.info("taking partitions anew", why=str(lost))
            except TryLater as error:
                progress.tried(error)
            except Exception as error:
                progress.failed(f"a delivery failed: {type(error).__name__}: {error}")
                self._logger.exception("a delivery failed; trying again")
            self._stale = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def turn(self) -> bool:
        """Do what there is to do now; return whether there was anything.

        Raises ``TryLater``, ``SubscriptionLost``; a later turn goes on where the store says.
        """
        try:
            if self._stale:
                await self._cursors.take()
                self._new.assign(self._cursors.starts())
                self._stale = False
            return await self._turn()
        except BaseException:
            self._stale = True
            raise

    async def _turn(self) -> bool:
        letters, is_asked = await self._cursors.look()
        if is_asked:
            self._receiver.ask_now()
        if self._cursors.is_stopped or self.subscription.is_paused or not self._cursors.by_partition:
            await asyncio.sleep(self._around.idle)
            return False
        did = await self._read_on(self._new)
        if self._cursors.is_stopped:
            return True
        did = await self._catch_up.turn(self._old) or did
        its = (self.subscription, self._cursors, self._delivery, self._receiver)
        if self._cursors.is_stopped:
            return True
        return await redrive(letters, *its, self._old, self._around.now) or did

    async def _read_on(self, reader: LogReader) -> bool:
        """Deliver new records, but for keys that wait: those are delivered when it is their turn."""
        waiting = self._cursors.waiting
        if len(waiting) >= self._around.most_waiting or not self._receiver.is_asked(self._around.now()):
            await asyncio.sleep(self._around.idle)
            return False
        most = RECORDS_OF_A_TRIAL if self._receiver.is_down else RECORDS
        records = await reader.read(most, max_bytes=BYTES, wait=self._around.idle)
        if not records:
            return False
        wanted = [each for each in records if key_of(each) not in waiting and self.subscription.wants(each)]
        sent = await self._delivery.send(wanted, {})
        await self._cursors.commit(sent, moved={record.partition: record.offset + 1 for record in records})
        return True

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._around.lease / 3)
            try:
                if await self._cursors.renew():
                    self._stale = True
            except TryLater as error:
                self._logger.info("lease not renewed", why=error.detail)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            self.report()

    def report(self) -> None:
        """Set the measures of what waits."""
        name, waiting = self.subscription.name, self._cursors.waiting.values()
        labels = (name.tenant, name.subscription)
        firsts = [row.first_failed for row in waiting if row.failures]
        oldest = max(self._around.now() - min(firsts), 0.0) if firsts else 0.0
        self._around.metrics.subscription_waiting.set(len(waiting), *labels)
        self._around.metrics.subscription_oldest.set(oldest, *labels)
