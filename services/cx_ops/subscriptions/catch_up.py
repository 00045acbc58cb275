"""Deliver the records of keys that waited, from where each stopped up to the cursor; then it waits no more.

One pass over the log serves all keys that are due, and is cut into turns, so that new records do not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable

from cx_context.store.subscription_rows import Waiting
from cx_events.log import LogReader, LogRecord, Partition
from cx_ops.subscriptions.cursors import Cursors
from cx_ops.subscriptions.delivery import Delivery, Key, Sent, key_of
from cx_ops.subscriptions.receiver import Receiver
from cx_ops.subscriptions.subscription import Subscription

READS = 20
"""Reads of one turn."""
RECORDS, BYTES = 100, 4 << 20
"""Most of one read."""
WAIT_SECONDS = 0.5


class CatchUp:
    """Works for one subscription. ``now``: s since 1970."""

    def __init__(
        self,
        subscription: Subscription,
        cursors: Cursors,
        delivery: Delivery,
        receiver: Receiver,
        now: Callable[[], float],
    ) -> None:
        self._subscription = subscription
        self._cursors = cursors
        self._delivery = delivery
        self._receiver = receiver
        self._now = now

    async def turn(self, reader: LogReader) -> bool:
        """Deliver for a while; return whether anything was due."""
        due = self._due()
        if not due:
            return False
        starts: dict[int, int] = {}
        for row in due.values():
            starts[row.number] = min(row.next_offset, starts.get(row.number, row.next_offset))
        begins = self._cursors.begins
        topic = self._subscription.name.topic
        reader.assign({Partition(topic, n): max(at, begins.get(n, 0)) for n, at in starts.items()})
        for _ in range(READS):
            settled = {key for key, row in due.items() if row.next_offset >= self._cursor(row.number)}
            records = [] if len(settled) == len(due) else await reader.read(RECORDS, max_bytes=BYTES, wait=WAIT_SECONDS)
            await self._pass(due, records, settled)
            if not due or not records or self._cursors.is_stopped:
                break
        if due:
            await self._cursors.commit(Sent(), rows=due.values())
        return True

    def _due(self) -> dict[Key, Waiting]:
        """Return the keys to try; of a receiver that was down until now only one, the first that was to be tried."""
        now = self._now()
        if not self._receiver.is_asked(now):
            return {}
        waiting = self._cursors.waiting
        if self._receiver.is_down and waiting:
            first = min(waiting, key=lambda key: (waiting[key].next_at, waiting[key].next_offset))
            return {first: waiting[first]}
        return {key: row for key, row in waiting.items() if row.next_at <= now}

    def _cursor(self, number: int) -> int:
        return self._cursors.by_partition[number].next_offset

    async def _pass(self, due: dict[Key, Waiting], records: list[LogRecord], settled: set[Key]) -> None:
        """Deliver what these records hold for the due keys, write it, and take out of ``due`` what is due no more."""
        ends: dict[int, int] = {}
        wanted: list[LogRecord] = []
        for record in records:
            # Never beyond the cursor: what lies there has not been looked at.
            ends[record.partition] = min(record.offset + 1, self._cursor(record.partition))
            row = due.get(key_of(record))
            is_due = row is not None and row.next_offset <= record.offset < ends[record.partition]
            if is_due and self._subscription.wants(record):
                wanted.append(record)
        sent = await self._delivery.send(wanted, due)
        for key in (*settled, *sent.waiting):
            due.pop(key, None)
        now = self._now()
        for key, row in due.items():
            if ends.get(row.number, 0) > row.next_offset:
                due[key] = Waiting(*key, ends[row.number], next_at=now)
        if wanted or settled:
            moved = {key_of(record) for record in wanted} & due.keys()
            await self._cursors.commit(sent, rows=[due[key] for key in moved], settled=settled)
