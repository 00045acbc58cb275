"""Remember what waits to be written to lists, in one process: each tenant has its turn. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from cx_context.store.listing_queue import WaitingRow
from cx_events.ids import NodeId


class Chunk(NamedTuple):
    """The next piece of work. ``done``: rows of which nothing waits once that is."""

    tenant: str
    customers: list[NodeId]
    events: list[bytes]
    done: list[bytes]


class _Queue:
    """Ids in the order in which they first came, each with the number of the row that named it first."""

    def __init__(self) -> None:
        self.first: OrderedDict[bytes, int] = OrderedDict()

    def add(self, ids: Iterable[bytes], number: int) -> None:
        for id in ids:
            self.first.setdefault(id, number)

    def head(self, most: int) -> list[bytes]:
        return [id for id, _ in zip(self.first, range(most), strict=False)]

    def lowest_after(self, most: int) -> int | None:
        """Return the number of the first id that is left once ``most`` were taken."""
        for place, number in enumerate(self.first.values()):
            if place == most:
                return number
        return None


class Backlog:
    """Rows that were read, and what of them waits. A customer that many rows name waits once."""

    def __init__(self) -> None:
        self._rows: dict[str, OrderedDict[bytes, int]] = {}
        self._customers: dict[str, _Queue] = {}
        self._events: dict[str, _Queue] = {}
        self._turns: OrderedDict[str, None] = OrderedDict()
        self._since: dict[bytes, float] = {}
        self._number = 0

    @property
    def known(self) -> Collection[bytes]:
        """Return the ids of the rows that were read and are not done."""
        return self._since.keys()

    @property
    def size(self) -> int:
        """Return how many customers and events wait."""
        return sum(len(queue.first) for queues in (self._customers, self._events) for queue in queues.values())

    @property
    def oldest(self) -> float | None:
        """Return since when the oldest row waits, in seconds since 1970."""
        return min(self._since.values(), default=None)

    def add(self, rows: Iterable[WaitingRow]) -> None:
        """Take rows in, the oldest first."""
        for row in rows:
            self._number += 1
            self._since[row.id] = row.since
            self._rows.setdefault(row.tenant, OrderedDict())[row.id] = self._number
            self._customers.setdefault(row.tenant, _Queue()).add(row.customers, self._number)
            self._events.setdefault(row.tenant, _Queue()).add(row.events, self._number)
            self._turns.setdefault(row.tenant)

    def next(self, customers: int, events: int) -> Chunk | None:
        """Return up to so many customers and events of the tenant whose turn it is; None where nothing waits. They wait
        on until ``finish``."""
        if not self._turns:
            return None
        tenant = next(iter(self._turns))
        some, said = self._customers[tenant].head(customers), self._events[tenant].head(events)
        left = [
            number
            for queue, taken in ((self._customers[tenant], len(some)), (self._events[tenant], len(said)))
            if (number := queue.lowest_after(taken)) is not None
        ]
        until = min(left, default=self._number + 1)
        done = [id for id, number in self._rows[tenant].items() if number < until]
        return Chunk(tenant, some, said, done)

    def finish(self, chunk: Chunk) -> None:
        """Forget what was written."""
        for queue, ids in ((self._customers, chunk.customers), (self._events, chunk.events)):
            for id in ids:
                del queue[chunk.tenant].first[id]
        for id in chunk.done:
            del self._rows[chunk.tenant][id]
            del self._since[id]
        if self._rows[chunk.tenant]:
            self._turns.move_to_end(chunk.tenant)
        else:
            for kept in (self._rows, self._customers, self._events, self._turns):
                kept.pop(chunk.tenant, None)
