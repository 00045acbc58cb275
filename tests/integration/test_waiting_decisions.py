"""A decision may wait for a profile that no fact has named yet, and must count as soon as one does."""

from __future__ import annotations

from pathlib import Path

from tests.projection import RULES, WINDOW, bodies, in_partitions, workers

from cx_context.definition import define, define_bodies
from cx_context.finish import encode_body
from cx_context.store import open_store
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event
from cx_events.testing.histories import facts_of


async def test_a_merge_that_waits_for_a_profile_counts_though_its_batch_ties_other_profiles_too(tmp_path: Path) -> None:
    known, awaited = ACME.profile("email", "", "w@example.com"), ACME.profile("email", "", "z@example.com")
    history = [
        an_event(id="m-1", email="w@example.com", interaction="chat-1", text="hello"),
        a_decision(
            "cx.identity.merged.v1",
            id="d-1",
            about=known,
            at=START + SECOND,
            data={"identity": {"a": text_of(known), "b": text_of(awaited)}},
        ),
        an_event(id="m-2", email="z@example.com", interaction="chat-2", at=START + 2 * SECOND, text="hello"),
        an_event(id="m-3", email="x@example.com", cookie="y", interaction="chat-3", at=START + 3 * SECOND, text="hi"),
    ]
    store = open_store(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    await store.start()
    try:
        (worker,) = await workers(store, in_partitions(history, 1), 1)
        await worker.step(2)
        await worker.step(2)
        facts = facts_of(history)
        by_customer = define_bodies(facts, ACME, RULES, WINDOW)
        whose = define(facts, ACME, RULES).customer_of
        expected = {node: encode_body(by_customer[customer]) for node, customer in whose.items()}
        assert await bodies(store, list(whose)) == expected
        assert whose[known] == whose[awaited]
    finally:
        await store.stop()
