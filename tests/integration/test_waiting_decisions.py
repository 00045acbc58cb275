"""A decision may wait for a profile that no fact has named yet, and must count as soon as one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from tests.projection import RULES, WINDOW, bodies, in_partitions, workers

from cx_context.document import encode_body
from cx_context.reference_definition import define, define_bodies
from cx_context.store import Store, open_store
from cx_events.ids import NodeId, text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event
from cx_events.testing.histories import facts_of

KNOWN, AWAITED = ACME.profile("email", "", "w@example.com"), ACME.profile("email", "", "z@example.com")
CALL = ACME.interaction("call-1")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


def defined(history: Sequence[StampedEvent]) -> dict[NodeId, bytes]:
    """The body that each id answers with, by the definition."""
    facts = facts_of(list(history))
    by_customer = define_bodies(facts, ACME, RULES, WINDOW)
    whose = define(facts, ACME, RULES).customer_of
    return {node: encode_body(by_customer[customer]) for node, customer in whose.items()}


async def assert_each_step_is_as_defined(
    store: Store, history: Sequence[StampedEvent], size: int
) -> dict[NodeId, bytes]:
    """After each batch every id answers as the definition of what was applied so far says. The last answers."""
    (worker,) = await workers(store, in_partitions(history, 1), 1)
    for upto in range(size, len(history) + size, size):
        await worker.step(size)
        expected = defined(history[:upto])
        assert await bodies(store, list(expected)) == expected
    return expected


async def test_a_waiting_merge_counts_in_a_batch_of_edges(store: Store) -> None:
    history = [
        an_event(id="m-1", email="w@example.com", interaction="chat-1", text="hello"),
        a_decision(
            "cx.identity.merged.v1",
            id="d-1",
            about=KNOWN,
            at=START + SECOND,
            data={"identity": {"a": text_of(KNOWN), "b": text_of(AWAITED)}},
        ),
        an_event(id="m-2", email="z@example.com", interaction="chat-2", at=START + 2 * SECOND, text="hello"),
        an_event(id="m-3", email="x@example.com", cookie="y", interaction="chat-3", at=START + 3 * SECOND, text="hi"),
    ]
    found = await assert_each_step_is_as_defined(store, history, 2)
    assert found[KNOWN] == found[AWAITED]


@pytest.mark.parametrize("size", [1, 2, 4])
async def test_an_attribution_waits_until_an_event_names_its_profile(store: Store, size: int) -> None:
    """Until a fact names the profile the call stands alone, though a note about its thread has that stream already."""
    history = [
        an_event("cx.interaction.started.v1", id="c-1", channel="voice", interaction="call-1"),
        a_decision(
            "cx.conversation.note.v1",
            id="n-1",
            about=AWAITED,
            at=START + SECOND,
            data={"interaction": "call-1", "note": "She sounds like Zoe", "agent": {"id": "a-1"}},
        ),
        a_decision(
            "cx.identity.attributed.v1",
            id="d-1",
            about=CALL,
            at=START + 2 * SECOND,
            data={"identity": {"interaction": "call-1", "profile": text_of(AWAITED)}},
        ),
        an_event(id="m-1", email="z@example.com", interaction="chat-1", at=START + 3 * SECOND, text="hello"),
    ]
    found = await assert_each_step_is_as_defined(store, history, size)
    assert found[CALL] == found[AWAITED]


@pytest.mark.parametrize("size", [1, 2])
async def test_a_note_without_an_interaction_stays_with_its_subject(store: Store, size: int) -> None:
    """Only an import can write it. It is kept and shown, and joins no thread."""
    history = [
        an_event(id="m-1", email="w@example.com", interaction="chat-1", text="hello"),
        a_decision(
            "cx.conversation.note.v1",
            id="n-1",
            about=KNOWN,
            at=START + SECOND,
            data={"note": "said nowhere", "agent": {"id": "a-1"}},
        ),
    ]
    found = await assert_each_step_is_as_defined(store, history, size)
    assert b"n-1" in found[KNOWN]
