"""A batch costs as many statements as it has kinds of news, however many events it holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import pytest
from tests.projection import Worker, in_partitions, workers

from cx_context.store import Store, open_store
from cx_context.store.sql import Tx
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, an_event

ASKED = frozenset({"execute", "fetch", "copy_records_to_table", "exec_driver_sql"})
"""The methods of the drivers' connections that send a statement."""


class CountingConnection:
    """A driver's connection that counts the statements that go through it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        if name in ASKED:
            self.statements += 1
        return getattr(self._connection, name)


class CountingStore:
    """A store whose last writing transaction's statements were counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.statements = 0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        async with self._store.writing() as tx:
            name = "driver" if hasattr(tx, "driver") else "_connection"
            counting = CountingConnection(getattr(tx, name))
            setattr(tx, name, counting)
            yield tx
            if hasattr(tx, "settled"):
                await tx.settled()  # what waits for others to go with in one round trip
        self.statements = counting.statements


def message(number: int, customer: int) -> StampedEvent:
    return an_event(
        id=f"m-{number}",
        email=f"p{customer}@example.com",
        interaction=f"chat-{customer}",
        text=f"message {number}",
        at=START + number * SECOND,
    )


def history(events: int, customers: int) -> list[StampedEvent]:
    """All-new events of new customers, then of known ones, then the first again, then old and new mixed."""
    first = [message(number, number % customers) for number in range(events)]
    second = [message(number, number % customers) for number in range(events, 2 * events)]
    third = [message(number, number % customers) for number in range(2 * events, 3 * events)]
    half = events // 2
    return [*first, *second, *first, *second[:half], *third[:half]]


@contextmanager
def counting(worker: Worker, store: Store) -> Iterator[CountingStore]:
    counted = CountingStore(store)
    worker.applier._store = cast(Store, counted)
    yield counted


async def statements(store: Store, events: int, customers: int) -> dict[str, int]:
    """The statements of each kind of batch."""
    (worker,) = await workers(store, in_partitions(history(events, customers), 1), 1)
    found = {}
    with counting(worker, store) as counted:
        for kind in ("new customers", "known customers", "repeated", "mixed"):
            await worker.step(events)
            found[kind] = counted.statements
        assert not worker.behind
    return found


EXPECTED = {
    "sqlite": {"new customers": 15, "known customers": 9, "repeated": 4, "mixed": 10},
    "postgresql": {"new customers": 14, "known customers": 9, "repeated": 5, "mixed": 10},
}
"""By database. More of them means more round trips a batch: think twice before raising a figure."""


@pytest.mark.parametrize("events", [100, 400])
async def test_statements_do_not_grow_with_a_batchs_events(store_url: str, events: int) -> None:
    store = open_store(store_url)
    await store.start()
    assert await statements(store, events, customers=events // 2) == EXPECTED[store_url.partition("+")[0]]
    await store.stop()


def contact(number: int, customer: int, *, cookie: int | None = None, phone: int | None = None) -> StampedEvent:
    """A message of a contact of its own that names a customer's address beside another identifier."""
    return an_event(
        id=f"d-{number}",
        email=f"p{customer}@example.com",
        cookie="" if cookie is None else f"c-{cookie}",
        phone="" if phone is None else f"+1202555{phone:04}",
        interaction=f"contact-{number}",
        text=f"message {number}",
        at=START + number * SECOND,
    )


def dense_history(events: int) -> list[StampedEvent]:
    """New customers of three identifiers each, then a further one for each, then both mixed, two customers whom a claim
    ties among them."""
    half = events // 2
    first = [contact(n, n // 2, **{"cookie" if n % 2 else "phone": n // 2}) for n in range(events)]
    second = [contact(events + n, n // 2, cookie=events + n) for n in range(events)]
    third = [contact(2 * events + n, half + n, cookie=half + n) for n in range(half)]
    third += [contact(3 * events + n, n, cookie=3 * events + n) for n in range(half - 1)]
    third.append(contact(4 * events, 0, cookie=1))
    return [*first, *second, *third]


DENSE = {
    "sqlite": {"new customers": 18, "new identifiers": 21, "mixed": 24},
    "postgresql": {"new customers": 17, "new identifiers": 22, "mixed": 25},
}
"""By database, of batches in which nearly every identifier is new. Reading grows with what is known already alone."""


@pytest.mark.parametrize("events", [100, 400])
async def test_statements_do_not_grow_with_new_identifiers(store_url: str, events: int) -> None:
    store = open_store(store_url)
    await store.start()
    (worker,) = await workers(store, in_partitions(dense_history(events), 1), 1)
    found = {}
    with counting(worker, store) as counted:
        for kind in ("new customers", "new identifiers", "mixed"):
            await worker.step(events)
            found[kind] = counted.statements
    assert not worker.behind
    assert found == DENSE[store_url.partition("+")[0]]
    await store.stop()
