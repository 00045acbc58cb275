"""What is read of a moment is what a hub would say that was fed only the events up to then, byte for byte."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.projection import RULES, WINDOW, in_partitions, workers
from tests.stores import empty, sqlite_store

from cx_context.document import context_body, encode_body
from cx_context.reference_definition import counting_copies, define
from cx_context.store import Store, open_store, segments
from cx_context.store.customer_lookup import find_node
from cx_context.store.ownership import owners_of_interactions
from cx_context.store.snapshot import Snapshot
from cx_context.store.time_bounds import TimeBounds
from cx_events.ids import NodeId
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, START
from cx_events.testing.histories import facts_of, histories
from cx_events.testing.history_steps import INTERACTIONS

EXAMPLES = examples(40)
SEEDS = st.integers(0, 2**32)

instants = st.builds(
    lambda second, later: START + second * SECOND + later,
    st.integers(-2, 14),
    st.sampled_from((0, HOUR, 2 * DAY, 8 * DAY)),
)
moments = st.one_of(
    st.builds(lambda at: TimeBounds(as_of=at), instants),
    st.builds(lambda at: TimeBounds(known_at=at), instants),
    st.builds(TimeBounds, as_of=instants, known_at=instants),
)


async def feed(store: Store, history: list[StampedEvent], seed: int) -> None:
    dice = random.Random(seed)
    team = await workers(store, in_partitions(history, dice.randint(1, 3)), dice.randint(1, 2))
    while behind := [worker for worker in team if worker.behind]:
        await dice.choice(behind).step(dice.randint(1, 8))


@contextmanager
def in_segments(seed: int) -> Iterator[None]:
    """Parts that are long from few facts on, so that they are cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT_FACTS", (1, 2, 512)[seed % 3])
        yield


async def check(store: Store, history: list[StampedEvent], moment: TimeBounds) -> None:
    facts = counting_copies(facts_of(history))
    whole = define([fact for fact in facts if moment.holds(fact)], ACME, RULES)
    expected = {customer: encode_body(context_body(known, WINDOW)) for customer, known in whole.known.items()}
    asked = {*whole.customer_of, *(fact.stream_id for fact in facts), *(fact.interaction_node for fact in facts)}
    found: dict[NodeId, bytes] = {}
    async with store.reading() as tx:
        then = Snapshot(tx, ACME, RULES, moment)
        for node in asked:
            fresh = Snapshot(tx, ACME, RULES, moment)
            match = await find_node(fresh, node)
            assert match == await find_node(then, node)
            if match is not None:
                customer = match.customer
                found[node] = encode_body(context_body(await fresh.load(customer, outlined=True), WINDOW))
                assert found[node] == encode_body(context_body(await then.load(customer), WINDOW))
        for name, _ in INTERACTIONS:
            node = ACME.interaction(name)
            of_it = [fact for fact in whole.known.values() for part in fact.parts if part.part.interaction == name]
            customers = {known.customer for known in of_it}
            owners = (await owners_of_interactions(then, [node]))[node]
            assert set(owners.by_stream.values()) == customers
    assert found == {node: expected[customer] for node, customer in whole.customer_of.items()}


async def on_sqlite(run: Callable[[Store], Awaitable[None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(sqlite_store(Path(folder)))
        await store.start()
        try:
            await run(store)
        finally:
            await store.stop()


async def on_postgres(url: str, run: Callable[[Store], Awaitable[None]]) -> None:
    store = open_store(url)
    await store.start()
    try:
        async with store.writing() as tx:
            await empty(tx)
        await run(store)
    finally:
        await store.stop()


@EXAMPLES
@given(history=histories(max_size=20), seed=SEEDS, moment=moments)
def test_as_of_equals_a_hub_fed_until_then_sqlite(history: list[StampedEvent], seed: int, moment: TimeBounds) -> None:
    async def run(store: Store) -> None:
        await feed(store, history, seed)
        await check(store, history, moment)

    with in_segments(seed):
        asyncio.run(on_sqlite(run))


@pytest.mark.postgres
@EXAMPLES
@given(history=histories(max_size=20), seed=SEEDS, moment=moments)
def test_as_of_equals_a_hub_fed_until_then_postgres(
    postgres_database_for_examples: str, history: list[StampedEvent], seed: int, moment: TimeBounds
) -> None:
    async def run(store: Store) -> None:
        await feed(store, history, seed)
        await check(store, history, moment)

    with in_segments(seed):
        asyncio.run(on_postgres(postgres_database_for_examples, run))
