"""Lists of a store that has none yet: filled by pages, whatever waits, and without what can't be listed."""

from __future__ import annotations

import pytest
from tests.projection import in_partitions, lists_of, verified, workers

from cx_context.store import Store, listing_queue
from cx_events.log import LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, an_event, fact_of
from cx_projectors.listing.worker import ALONE, BESIDE_OTHERS, Lists

CUSTOMERS = 12


def message(customer: int, text: str) -> StampedEvent:
    return an_event(id=f"{customer}", email=f"c{customer}@example.com", interaction=f"mail-{customer}", text=text)


async def apply_one_by_one(store: Store, history: list[StampedEvent]) -> list[list[LogRecord]]:
    """Apply each event in a batch of its own; return the logs."""
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    while worker.behind:
        await worker.step(1)
    return logs


async def steps_of(lists: Lists) -> int:
    count = 1
    while await lists.step():
        count += 1
    return count


async def rows(store: Store, table: str) -> int:
    async with store.reading() as tx:
        return int((await tx.fetch(f"SELECT count(*) FROM {table}"))[0][0])


async def spoil(store: Store, customer: int) -> None:
    """Let nobody be able to read a customer's parts."""
    async with store.writing() as tx:
        stream_id = fact_of(message(customer, ""), ACME).stream_id
        await tx.execute("UPDATE parts SET body = :body WHERE stream_id = :id", body=b"spoilt", id=stream_id)


async def test_the_first_fill_writes_what_waits(store: Store) -> None:
    many = BESIDE_OTHERS.customers + 10
    logs = await apply_one_by_one(store, [message(n, f"word{n}") for n in range(many)])
    assert await rows(store, "listing_waiting") == many
    lists = lists_of(store)
    assert await lists.step()
    assert await rows(store, "listing_waiting") == 0
    await lists.drain()
    assert (await verified(store, logs)).wrong == []
    assert await rows(store, "listed_customers") == many


async def test_what_waits_of_lists_that_are_there_stays(store: Store) -> None:
    await apply_one_by_one(store, [message(1, "first")])
    await lists_of(store).drain()
    async with store.writing() as tx:
        await listing_queue.write(tx, "acme", [bytes(16)])
        await listing_queue.forget_filled(tx, "acme")
    assert await rows(store, "listing_waiting") == 1


async def test_rows_that_are_known_are_not_read_again(store: Store) -> None:
    await apply_one_by_one(store, [message(n, "words") for n in range(4)])
    async with store.reading() as tx:
        first = await listing_queue.read(tx, (), 2)
        second = await listing_queue.read(tx, {row.id for row in first}, 10)
    assert len(first) == len(second) == 2
    assert not {row.id for row in first} & {row.id for row in second}


@pytest.mark.parametrize("is_listed", [False, True])
async def test_others_are_listed_beside_one_that_cannot_be(store: Store, is_listed: bool) -> None:
    """Whether it is met by the fill or by what a batch left."""
    lists = lists_of(store)
    if is_listed:
        await lists.drain()
    await apply_one_by_one(store, [message(n, f"word{n}") for n in range(CUSTOMERS)])
    await spoil(store, 3)
    assert await steps_of(lists) < ALONE.customers
    assert await rows(store, "listed_customers") == CUSTOMERS - 1
    assert await rows(store, "listing_waiting") == 0
