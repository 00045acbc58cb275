"""Workers wait for each other only where their customers meet, or where somebody moves to another customer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest
from tests.patience import PATIENCE
from tests.projection import Worker, in_partitions, verified, workers

from cx_context.store import Store, open_store
from cx_context.store.graph_locks import lock_customers, lock_graph
from cx_events.ids import NodeId
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event

pytestmark = pytest.mark.postgres

ANA, BEN = (ACME.profile("email", "", f"{who}@example.com") for who in ("ana", "ben"))
KNOWN = [
    an_event(id="a", email="ana@example.com", interaction="chat-1"),
    an_event(id="b", email="ben@example.com", interaction="chat-2"),
    an_event(id="c", cookie="c-0", interaction="chat-3"),
]


@pytest.fixture
async def store(postgres_store: str) -> AsyncIterator[Store]:
    store = open_store(postgres_store)
    await store.start()
    yield store
    await store.stop()


def tied(number: int, who: str, cookie: str) -> StampedEvent:
    at = START + number * SECOND
    return an_event(id=f"t-{number}", email=f"{who}@example.com", cookie=cookie, interaction=f"t-{number}", at=at)


async def worker_after_known(store: Store, *then: StampedEvent) -> Worker:
    """A worker that has applied what is known, and not what comes then."""
    (worker,) = await workers(store, in_partitions([*KNOWN, *then], 1), 1)
    await worker.step(len(KNOWN))
    return worker


@asynccontextmanager
async def other_writer(store: Store, customers: Collection[NodeId] = ()) -> AsyncIterator[None]:
    """Another worker that attaches something to these customers, and is not done yet."""
    async with store.writing() as tx:
        await lock_graph(tx, "acme", exclusive=False)
        await lock_customers(tx, customers)
        yield


async def waits(store: Store, task: asyncio.Task[None]) -> bool:
    """Whether a task waits for a lock, told as soon as it does or is done."""
    async with asyncio.timeout(PATIENCE):
        while not task.done():
            async with store.asking() as tx:
                rows = await tx.fetch(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            if rows[0][0]:
                return True
            await asyncio.sleep(0.01)
    await task
    return False


async def apply_beside(store: Store, event: StampedEvent, customers: Collection[NodeId] = ()) -> bool:
    """Apply an event while another worker has these customers; whether it waited."""
    worker = await worker_after_known(store, event)
    async with other_writer(store, customers):
        task = asyncio.create_task(worker.step(1))
        waited = await waits(store, task)
    await task
    assert (await verified(store, worker.logs)).wrong == []
    return waited


async def test_workers_whose_customers_differ_do_not_wait(store: Store) -> None:
    assert not await apply_beside(store, tied(1, "ben", "c-1"), [ANA])


async def test_whoever_attaches_to_a_locked_customer_waits(store: Store) -> None:
    assert await apply_beside(store, tied(1, "ana", "c-1"), [ANA])


async def test_new_customers_are_made_beside_anybody(store: Store) -> None:
    assert not await apply_beside(store, tied(1, "eve", "c-1"), [ANA, BEN])


async def test_whoever_moves_a_profile_waits_for_all(store: Store) -> None:
    assert await apply_beside(store, tied(1, "ben", "c-0"))


async def test_an_unknown_subject_waits_for_all(store: Store) -> None:
    about = ACME.profile("cookie", "", "c-9")
    topic = a_decision("cx.conversation.topic.v1", id="d", about=about, data={"topic": "x", "interaction": "chat-1"})
    assert await apply_beside(store, topic)


async def test_a_decision_waits_for_all(store: Store) -> None:
    pair = {"identity": {"a": ANA.hex(), "b": BEN.hex()}}
    assert await apply_beside(store, a_decision("cx.identity.merged.v1", id="m", about=ANA, data=pair))
