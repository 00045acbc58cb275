"""Tenants never mix, whatever one of them writes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.projection import RULES, WINDOW

from cx_context.document import context_body, encode_body
from cx_context.reference_definition import define_bodies
from cx_context.store import Store, leases, offsets, open_store
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_events.ids import IdSpace, NodeId
from cx_events.log import INTERACTIONS, LogRecord, Partition
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event
from cx_events.testing.histories import facts_of
from cx_projectors.records import read_batch
from cx_projectors.retrying_applier import RetryingApplier
from cx_projectors.tenancy import Tenancy

pytestmark = pytest.mark.clock

OTHER = IdSpace("other", b"other example key")
SPACES = {"acme": ACME, "other": OTHER}
ANA = ACME.profile("email", "", "ana@example.com")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


async def apply_one_by_one(store: Store, history: list[StampedEvent]) -> None:
    """Each event in a batch of its own, so that every one meets what the others left."""
    tenants = {name: Tenancy(ids, RULES) for name, ids in SPACES.items()}
    partition = Partition(INTERACTIONS, 0)
    async with store.writing() as tx:
        await offsets.announce(tx, [partition])
        held = (await leases.take(tx, "worker", 3600))[partition]
    applier = RetryingApplier(store, "worker", tenants)
    for offset, stamped in enumerate(history):
        record = LogRecord(INTERACTIONS, 0, offset, stamped.key, stamped.raw, 0)
        batch = read_batch([record], SPACES.get)
        await applier.apply(batch, {partition: leases.Lease(offset, held.epoch)})


async def body(store: Store, ids: IdSpace, node: NodeId) -> bytes:
    async with store.reading() as tx:
        found = await find_node(CurrentGraph(tx, ids.tenant), node)
        assert found is not None
        return encode_body(context_body(await load_known(tx, ids, found.customer), WINDOW))


@pytest.mark.parametrize("first", ["the customer", "the stranger"])
async def test_a_decision_naming_another_tenants_stream_leaves_it_unchanged(store: Store, first: str) -> None:
    """Only an import can write it: a decision's stream stands in its ``subject``."""
    hers = an_event(id="m-1", email="ana@example.com", text="hello")
    strange = a_decision(
        "cx.conversation.note.v1",
        id="d-1",
        about=ANA,
        at=START + SECOND,
        data={"note": "not yours", "agent": {"id": "a-1"}},
        ids=OTHER,
    )
    more = an_event(id="m-2", email="ana@example.com", at=START + 2 * SECOND, text="hello again")
    await apply_one_by_one(store, [hers, strange, more] if first == "the customer" else [strange, hers, more])
    own = define_bodies(facts_of([hers, more]), ACME, RULES, WINDOW)[ANA]
    assert await body(store, ACME, ANA) == encode_body(own)
    theirs = define_bodies(facts_of([strange], OTHER), OTHER, RULES, WINDOW)[ANA]
    assert await body(store, OTHER, ANA) == encode_body(theirs)
