"""A subscription at work on a real log, store and receiver, with a clock of the test's own."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from tests.patience import PATIENCE
from tests.receiver import LOCAL, OK, Got, Receiver, receiving

from cx_context.store import Store, subscription_rows
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.testing.builders import an_event
from cx_ops.subscriptions.subscription import Subscription, subscription_of
from cx_ops.subscriptions.worker import SubscriptionWorker, Surroundings
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import Bounds, Sender, open_sender
from cx_runtime.subscription_config import SubscriptionConfig

SECRET = "whsec_" + "QUJD" * 12
QUICK = Bounds(connect=2.0, whole=1.0)
"""Where a receiver hangs. Any other gets patience: a loaded machine is none."""
PATIENT = Bounds(connect=PATIENCE, whole=PATIENCE)
HOUR = 3600.0


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Subscribed:
    """``receiver``: who gets it all."""

    log: Log
    store: Store
    receiver: Receiver
    sender: Sender
    subscription: Subscription
    clock: Clock = field(default_factory=Clock)
    most_waiting: int = 1000
    lease: float = 600.0
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def worker(self) -> SubscriptionWorker:
        around = Surroundings(
            self.store, self.log, self.sender, Metrics(), self.lease, self.clock, lambda: 0.5, self.most_waiting, 0.05
        )
        return SubscriptionWorker(self.subscription, around, f"worker-{uuid4()}")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[SubscriptionWorker]:
        worker = self.worker()
        try:
            yield worker
        finally:
            await worker.close()

    async def begin(self) -> None:
        """Let the subscription begin here, so that what is told later is delivered."""
        async with self.working() as worker:
            await worker.turn()

    async def tell(self, *customers: str, **more: Any) -> None:
        """Append an event of each, numbered within each customer."""
        events = []
        for customer in customers:
            self._counts[customer] += 1
            id = f"{customer}-{self._counts[customer]}"
            events.append(an_event(id=id, email=f"{customer}@example.com", text=str(self._counts[customer]), **more))
        await self.log.append([Record(INTERACTIONS, event.key, event.raw) for event in events])

    async def drain(self, worker: SubscriptionWorker) -> None:
        """Work until nothing is to be done now."""
        async with asyncio.timeout(PATIENCE):
            while await worker.turn() or not await self._rests(worker):
                pass

    async def _rests(self, worker: SubscriptionWorker) -> bool:
        """Return whether nothing is left to do: the log may be slow to give what it has."""
        cursors, receiver = worker._cursors, worker._receiver
        if cursors.is_stopped or self.subscription.is_paused or not receiver.is_asked(self.clock()):
            return True
        if any(row.next_at <= self.clock() for row in cursors.waiting.values()):
            return False
        if len(cursors.waiting) >= self.most_waiting:
            return True
        ends = await self.log.end_offsets(self.subscription.name.topic)
        return all(cursor.next_offset >= ends[number] for number, cursor in cursors.by_partition.items())

    async def later(self, worker: SubscriptionWorker, seconds: float) -> None:
        self.clock.now += seconds
        await self.drain(worker)

    async def waiting(self) -> list[subscription_rows.Waiting]:
        async with self.store.reading() as tx:
            return await subscription_rows.waiting(tx, self.subscription.name, range(64))

    async def letters(self) -> list[subscription_rows.Letter]:
        async with self.store.reading() as tx:
            return await subscription_rows.letters(tx, self.subscription.name, 1000)

    def told(self) -> dict[str, list[int]]:
        """Return by customer the numbers of all events so far."""
        return {customer: list(range(1, count + 1)) for customer, count in self._counts.items()}

    def delivered(self, taken: Callable[[Got], bool] = lambda _: True) -> dict[str, list[int]]:
        """Return by customer the numbers that were taken, in order, repeats left out as a receiver does by
        ``webhook-id``."""
        seen: set[str] = set()
        found: dict[str, list[int]] = defaultdict(list)
        for got in self.receiver.got:
            if got.headers["webhook-id"] in seen or not taken(got):
                continue
            seen.add(got.headers["webhook-id"])
            customer, number = customer_of(got)
            found[customer].append(number)
        return dict(found)


def customer_of(got: Got) -> tuple[str, int]:
    """Return whom an event of these tests is about, and its number; the id and 0 for any other."""
    customer, _, number = json.loads(got.body)["id"].rpartition("-")
    return (customer, int(number)) if number.isdecimal() and len(number) < 6 else (customer, 0)


@asynccontextmanager
async def subscribed(
    log: Log, store: Store, bounds: Bounds = PATIENT, react: Callable[[Got], bytes] = lambda _: OK, **config: Any
) -> AsyncIterator[Subscribed]:
    async with receiving(react) as receiver, open_sender(Reach.parse(LOCAL), bounds) as sender:
        config = {"url": receiver.url(), "secrets": (SECRET,), "since": "beginning", **config}
        subscription = subscription_of("acme", "crm", SubscriptionConfig(**config))
        yield Subscribed(log, store, receiver, sender, subscription)


def with_config(at: Subscribed, **config: Any) -> Subscribed:
    """Return the same place with another configuration, as after a restart."""
    config = {"url": at.subscription.url, "secrets": (SECRET,), "since": "beginning", **config}
    return replace(at, subscription=subscription_of("acme", "crm", SubscriptionConfig(**config)))
