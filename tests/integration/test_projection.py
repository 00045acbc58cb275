"""The store, fed in any order, batching and interleaving, gives the bytes of the definition."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.projection import RULES, WINDOW, bodies, in_partitions, workers
from tests.stores import sqlite_store

from cx_context.definition import define, define_bodies
from cx_context.finish import encode_body
from cx_context.store import Store, open_store
from cx_events.stamp import Stamped
from cx_events.testing.builders import ACME, an_event
from cx_events.testing.histories import facts_of, histories


async def feed(store: Store, history: list[Stamped], data: st.DataObject, partitions: int, hands: int) -> None:
    logs = in_partitions(history, partitions)
    team = await workers(store, logs, hands)
    while any(worker.behind for worker in team):
        worker = data.draw(st.sampled_from([worker for worker in team if worker.behind]))
        if data.draw(st.integers(0, 3)) == 3:
            await worker.take()  # as after a lost lease: nothing is remembered
        await worker.step(data.draw(st.integers(1, 8)))


async def check(store: Store, history: list[Stamped]) -> None:
    facts = facts_of(history)
    whole = define(facts, ACME, RULES)
    expected = {customer: encode_body(body) for customer, body in define_bodies(facts, ACME, RULES, WINDOW).items()}
    found = await bodies(store, list(whole.customer_of))
    assert found == {node: expected[customer] for node, customer in whole.customer_of.items()}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(), data=st.data())
def test_any_order_batching_and_interleaving_gives_the_bytes_of_the_definition_on_sqlite(
    history: list[Stamped], data: st.DataObject
) -> None:
    history = data.draw(st.permutations(history))
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=4)) if history else []

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(sqlite_store(Path(folder)))
            await store.start()
            try:
                await feed(
                    store, [*history, *repeated], data, data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
                )
                await check(store, history)
            finally:
                await store.stop()

    asyncio.run(run())


async def test_who_begins_anew_knows_a_part_that_no_interaction_announced(store_url: str) -> None:
    """Of a known profile outside any interaction."""
    store = open_store(store_url)
    await store.start()
    history = [
        an_event(id="e-1", email="ana@example.com", interaction="chat-1"),
        *(an_event("cx.customer.updated.v1", id=f"e-{n}", email="ana@example.com", interaction="") for n in (2, 3)),
    ]
    (worker,) = await workers(store, in_partitions(history, 1), 1)
    for _ in history:
        await worker.step(1)
        if worker.behind == 1:
            await worker.take()
    await check(store, history)
    await store.stop()
