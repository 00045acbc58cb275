"""Contexts that are read together are those that each reads alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.projection import RULES, WINDOW, in_partitions, workers

from cx_context.document import context_body, encode_body
from cx_context.reference_definition import define, define_bodies
from cx_context.store import Store, open_store
from cx_context.store.context_loader import ContextLoader
from cx_context.store.inputs_postgres import MANY_PARTS, read_inputs_at_once
from cx_events.ids import NodeId
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_events.testing.histories import facts_of

ANA, BOB, EVE = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "bob", "eve"))
CALL = ACME.interaction("call-1")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


def history() -> list[StampedEvent]:
    """Ana by two identifiers, Bob, whom an unnamed call follows, Eve with very many contacts, and a call alone."""
    told = [
        an_event(id="a-1", email="ana@example.com", cookie="c-7", interaction="chat-1", text="hello"),
        an_event(id="a-2", cookie="c-7", interaction="chat-2", at=START + SECOND, text="it is me again"),
        an_event("cx.interaction.started.v1", id="b-1", channel="voice", interaction="call-1"),
        an_event("cx.interaction.queued.v1", id="b-2", channel="voice", email="bob@example.com", interaction="call-1"),
        an_event("cx.interaction.started.v1", id="n-1", channel="voice", interaction="call-2"),
    ]
    for number in range(MANY_PARTS + 1):
        contact = f"post-{number}"
        told.append(an_event(id=contact, email="eve@example.com", interaction=contact, at=START + number, text="hm"))
    return told


async def test_contexts_read_in_one_batch_equal_the_definition(store: Store) -> None:
    told = history()
    (worker,) = await workers(store, in_partitions(told, 4), 1)
    while worker.behind:
        await worker.step(200)
    facts = facts_of(told)
    by_customer = define_bodies(facts, ACME, RULES, WINDOW)
    whose = define(facts, ACME, RULES).customer_of
    wholes = ContextLoader(store, {"acme": ACME})

    async def body(node: NodeId) -> bytes:
        whole = await wholes.of("acme", node)
        assert whole is not None
        assert whole.found.customer == whose[node]
        assert whole.found.version > 0
        return encode_body(context_body(whole.known, WINDOW))

    found = {node: await body(node) for node in whose}
    assert found == {node: encode_body(by_customer[customer]) for node, customer in whose.items()}
    await wholes.stop()


@pytest.mark.postgres
async def test_a_batched_read_leaves_out_customers_with_many_contacts(
    postgres_database: str,
) -> None:
    store = open_store(postgres_database)
    await store.start()
    told = history()
    (worker,) = await workers(store, in_partitions(told, 4), 1)
    while worker.behind:
        await worker.step(200)
    async with store.asking() as tx:
        found = await read_inputs_at_once(tx, ACME, [ANA, BOB, EVE, CALL, ACME.interaction("call-2"), bytes(16)])
    assert found.keys() == {ANA}
    await store.stop()


async def test_an_unknown_id_has_no_context(store: Store) -> None:
    wholes = ContextLoader(store, {"acme": ACME})
    assert await wholes.of("acme", ANA) is None
    await wholes.stop()
