"""Keep how far a subscription is: in the store, and in memory by the process that works on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from cx_context.store import Store, subscription_rows
from cx_context.store.subscription_rows import Cursor, Letter, Stop, Waiting
from cx_events.log import Log, Partition
from cx_ops.subscriptions.delivery import Key, Sent
from cx_ops.subscriptions.subscription import Subscription

MOST_REDRIVEN = 100
"""Dead letters that are tried again in one turn."""


class Cursors:
    """``owner``: this worker's name, unlike all others. ``lease``: seconds without renewal. ``now``: s since 1970."""

    def __init__(
        self,
        store: Store,
        log: Log,
        subscription: Subscription,
        owner: str,
        lease: float,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._log = log
        self._subscription = subscription
        self._name = subscription.name
        self._owner = owner
        self._lease = lease
        self._now = now
        self.begins: Mapping[int, int] = {}
        """By partition, the first record that the log still holds."""
        self.by_partition: dict[int, Cursor] = {}
        self.waiting: dict[Key, Waiting] = {}
        self.is_stopped = False
        """Whether an operator or the receiver ended it, as far as was looked."""

    async def take(self) -> None:
        """Take what nobody works on, and read how far it is. Raises ``TryLater``."""
        topic = self._name.topic
        numbers = range(await self._log.partitions(topic))
        self.begins = await self._log.begin_offsets(topic)
        ends = await self._log.end_offsets(topic)
        async with self._store.writing() as tx:
            known = await subscription_rows.known(tx, self._name)
            # A partition that is added later belongs to the stream from its first record on.
            starts = self.begins if known or self._subscription.is_from_beginning else ends
            missing = {number: starts.get(number, 0) for number in numbers if number not in known}
            await subscription_rows.announce(tx, self._name, missing)
            self.by_partition = await subscription_rows.take(tx, self._name, self._owner, self._lease)
            rows = await subscription_rows.waiting(tx, self._name, sorted(self.by_partition))
        self.waiting = {(row.number, row.key): row for row in rows}

    async def renew(self) -> bool:
        """Renew the leases; return whether what we work on changed."""
        async with self._store.writing() as tx:
            found = await subscription_rows.take(tx, self._name, self._owner, self._lease)
        return {n: each.epoch for n, each in found.items()} != {n: each.epoch for n, each in self.by_partition.items()}

    async def leave(self) -> None:
        """Give everything up."""
        async with self._store.writing() as tx:
            await subscription_rows.leave(tx, self._name, self._owner)

    def starts(self) -> dict[Partition, int]:
        """Return where to read on: at the cursors, or where the log begins if that is later."""
        topic = self._name.topic
        return {
            Partition(topic, number): max(cursor.next_offset, self.begins.get(number, 0))
            for number, cursor in self.by_partition.items()
        }

    async def look(self) -> tuple[list[Letter], bool]:
        """Look what operators asked for. Return dead letters to be tried again, and whether what waits is to be tried
        now."""
        async with self._store.reading() as tx:
            stop = await subscription_rows.stop_of(tx, self._name)
            numbers = sorted(self.by_partition)
            letters = await subscription_rows.wanted_letters(tx, self._name, numbers, MOST_REDRIVEN)
            asked = await subscription_rows.due_keys(tx, self._name)
        earlier = [key for key in asked if key in self.waiting and self.waiting[key].next_at > 0]
        for key in earlier:
            self.waiting[key] = self.waiting[key]._replace(next_at=0.0)
        self.is_stopped = stop is not None
        return letters, bool(earlier)

    async def commit(
        self,
        sent: Sent,
        moved: Mapping[int, int] = {},
        rows: Iterable[Waiting] = (),
        settled: Collection[Key] = (),
        redriven: Iterable[Letter] = (),
    ) -> None:
        """Write what was done, in one transaction. ``moved``: by partition the next record to look at; ``rows``: keys
        that wait elsewhere now; ``settled``: keys that wait no more; ``redriven``: dead letters that were delivered.

        Raises ``SubscriptionLost`` where another process works on it; then nothing is written.
        """
        waiting = [*rows, *sent.waiting.values()]
        numbers = {*moved, *sent.delivered, *(row.number for row in waiting), *(number for number, _ in settled)}
        cursors = {number: self.by_partition[number] for number in numbers}
        after = {number: moved.get(number, cursor.next_offset) for number, cursor in cursors.items()}
        async with self._store.writing() as tx:
            await subscription_rows.hold(tx, self._name, self._owner, cursors)
            counted = {number: (after[number], sent.delivered.get(number, 0)) for number in numbers}
            await subscription_rows.advance(tx, self._name, counted)
            await subscription_rows.write_waiting(tx, self._name, waiting, settled)
            await subscription_rows.write_letters(tx, self._name, sent.letters)
            for letter in redriven:
                await subscription_rows.delete_letter(tx, self._name, letter)
            if sent.gone is not None:
                stop = Stop("gone", sent.gone.detail, "receiver", self._now())
                await subscription_rows.write_stop(tx, self._name, stop)
            if sent.ends_outage:
                await subscription_rows.make_due(tx, self._name)
        self.by_partition |= {number: Cursor(after[number], cursor.epoch) for number, cursor in cursors.items()}
        self.is_stopped = self.is_stopped or sent.gone is not None
        self._remember(waiting, settled, make_due=sent.ends_outage)

    def _remember(self, rows: Iterable[Waiting], settled: Iterable[Key], *, make_due: bool) -> None:
        self.waiting |= {(row.number, row.key): row for row in rows}
        for key in settled:
            self.waiting.pop(key, None)
        if make_due:
            self.waiting = {key: row._replace(next_at=0.0) for key, row in self.waiting.items()}
