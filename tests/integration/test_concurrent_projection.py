"""Four workers at once on PostgreSQL: whoever meets whom, the store ends as the definition says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.projection import RULES, WINDOW, Worker, bodies, in_partitions, verified, workers

from cx_context.document import encode_body
from cx_context.reference_definition import define, define_bodies
from cx_context.store import Store, open_store
from cx_context.store.all_tables import METADATA
from cx_events.ids import NodeId
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME
from cx_events.testing.histories import facts_of, histories

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(1200)]

EXAMPLE = examples(15)


def expected(history: list[StampedEvent]) -> dict[NodeId, bytes]:
    """The context that each id answers with, by the definition."""
    facts = facts_of(history)
    whole = define(facts, ACME, RULES)
    by_customer = {c: encode_body(body) for c, body in define_bodies(facts, ACME, RULES, WINDOW).items()}
    return {node: by_customer[customer] for node, customer in whole.customer_of.items()}


async def empty(store: Store) -> None:
    """Rows, not tables: truncating makes new files, and a slow disk needs seconds for those of every table."""
    async with store.writing() as tx:
        for table in METADATA.sorted_tables:
            await tx.execute(f"DELETE FROM {table.name}")


async def on_postgres(url: str, run: Callable[[Store], Awaitable[None]]) -> None:
    store = open_store(url)
    await store.start()
    try:
        await empty(store)
        await run(store)
    finally:
        await store.stop()


async def catch_up(worker: Worker, dice: random.Random) -> None:
    while worker.behind:
        await worker.step(dice.randint(1, 8))
        await asyncio.sleep(dice.choice((0, 0, 0.001)))


@EXAMPLE
@given(history=histories(), seed=st.integers(0, 2**32))
def test_four_workers_at_once_end_as_the_definition_says(
    postgres_database_for_examples: str, history: list[StampedEvent], seed: int
) -> None:
    dice = random.Random(seed)
    dice.shuffle(history)
    repeated = dice.choices(history, k=3) if history else []

    async def run(store: Store) -> None:
        logs = in_partitions([*history, *repeated], 8)
        team = await workers(store, logs, 4)

        async def work() -> None:
            while any(worker.behind for worker in team):
                await asyncio.gather(*(catch_up(worker, random.Random(dice.random())) for worker in team))

        working = asyncio.create_task(work())
        while not working.done():  # at any moment meanwhile
            assert (await verified(store, logs)).wrong == []
        await working
        assert await bodies(store, list(expected(history))) == expected(history)
        assert (await verified(store, logs)).wrong == []

    asyncio.run(on_postgres(postgres_database_for_examples, run))


@EXAMPLE
@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_order_and_batching_equals_the_definition_on_postgres(
    postgres_database_for_examples: str, history: list[StampedEvent], seed: int
) -> None:
    dice = random.Random(seed)
    dice.shuffle(history)

    async def run(store: Store) -> None:
        logs = in_partitions(history, dice.randint(1, 4))
        team = await workers(store, logs, dice.randint(1, 3))
        while behind := [worker for worker in team if worker.behind]:
            await dice.choice(behind).step(dice.randint(1, 8))
        assert await bodies(store, list(expected(history))) == expected(history)
        assert (await verified(store, logs)).wrong == []

    asyncio.run(on_postgres(postgres_database_for_examples, run))
