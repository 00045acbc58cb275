"""The store, fed in any order, batching and interleaving, gives the bytes of the definition."""

from __future__ import annotations

import asyncio
import tempfile
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.projection import RULES, WINDOW, bodies, in_partitions, verified, workers
from tests.stores import empty, sqlite_store

from cx_context.document import encode_body
from cx_context.reference_definition import define, define_bodies
from cx_context.store import Store, dead_letters, open_store, segments
from cx_events.log import LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_events.testing.histories import facts_of, histories


async def feed(
    store: Store, history: list[StampedEvent], data: st.DataObject, partitions: int, hands: int
) -> list[list[LogRecord]]:
    logs = in_partitions(history, partitions)
    team = await workers(store, logs, hands)
    while any(worker.behind for worker in team):
        worker = data.draw(st.sampled_from([worker for worker in team if worker.behind]))
        forgets = data.draw(st.integers(0, 4))
        if forgets == 3:
            await worker.take()  # as after a lost lease: nothing is remembered
        elif forgets == 4:
            worker.applier.cache.parts.clear()  # as where they are too many
        await worker.step(data.draw(st.integers(1, 8)))
    return logs


async def check(store: Store, history: list[StampedEvent]) -> None:
    facts = facts_of(history)
    whole = define(facts, ACME, RULES)
    expected = {customer: encode_body(body) for customer, body in define_bodies(facts, ACME, RULES, WINDOW).items()}
    found = await bodies(store, list(whole.customer_of))
    assert found == {node: expected[customer] for node, customer in whole.customer_of.items()}


@examples(30)
@given(history=histories(), data=st.data())
def test_any_order_and_batching_equals_the_definition_on_sqlite(
    history: list[StampedEvent], data: st.DataObject
) -> None:
    history = data.draw(st.permutations(history))
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=4)) if history else []

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(sqlite_store(Path(folder)))
            await store.start()
            try:
                logs = await feed(
                    store, [*history, *repeated], data, data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
                )
                await check(store, history)
                assert (await verified(store, logs)).wrong == []
            finally:
                await store.stop()

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(segments, "SEGMENT_FACTS", data.draw(st.sampled_from((512, 2))))
        asyncio.run(run())


async def applied(store_url: str, history: list[StampedEvent], size: int) -> list[tuple[object, ...]]:
    """Apply events by a worker that remembers; what ``verify`` and some tables say then."""
    store = open_store(store_url)
    await store.start()
    async with store.writing() as tx:
        await empty(tx)
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    while worker.behind:
        await worker.step(size)
    await check(store, history)
    assert (await verified(store, logs)).wrong == []
    found: list[tuple[object, ...]] = []
    async with store.reading() as tx:
        for asked in (
            "SELECT name FROM assignments ORDER BY name",
            "SELECT count(*) FROM interactions",
            "SELECT count(*) FROM copies",
            "SELECT source, id FROM sightings WHERE kind = 0 ORDER BY recorded, source, id LIMIT 1",
        ):
            found += [tuple(row) for row in await tx.fetch(asked)]
    await store.stop()
    return found


def sent_by_a_participant() -> StampedEvent:
    """Ben answers, and no ``data.agent`` says so."""
    people = [
        {"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]},
        {"role": "agent", "id": "ben"},
    ]
    message = {"id": "s", "text": "hello", "content_type": "text/plain"}
    return an_event(
        "cx.message.sent.v1", id="s", interaction="chat-1", data={"participants": people, "message": message}
    )


async def test_a_workers_cache_does_not_change_the_store(store_url: str) -> None:
    """An agent among the participants, events of one instant, a fact outside of any interaction."""
    history = [
        an_event(id="m-2", email="ana@example.com", interaction="chat-1", text="hi"),
        an_event(id="m-1", email="ana@example.com", interaction="chat-1", text="hi"),
        an_event("cx.customer.fact.v1", id="f", email="ana@example.com", data={"note": "n"}),
        sent_by_a_participant(),
    ]
    ways = [await applied(store_url, list(order), size) for order in permutations(history) for size in (1, 3)]
    assert ways == [[("ben",), (1,), (0,), ("//acme.example/chat", "f")]] * len(ways)


async def test_copies_with_incomparable_raw_are_both_kept_across_batches(store_url: str) -> None:
    event = an_event(id="e", email="ana@example.com", text="hi", data={"raw": "HERE"})

    def saying(text: bytes) -> StampedEvent:
        raw = event.raw.replace(b'"HERE"', b"1e999").replace(b'"hi"', text)
        return StampedEvent(event.source, event.id, event.key, raw)

    history = [saying(b'"hi"'), saying(b'"ho"')]
    for size in (1, 2):
        assert (2,) in await applied(store_url, history, size)


async def test_a_restarted_worker_knows_parts_without_an_interaction(store_url: str) -> None:
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


async def test_conflicting_copies_leave_one_dead_letter_in_any_order(store_url: str) -> None:
    """Two of them at stream elsewhere, so that they lie in other partitions; one is a redelivery."""

    def sent(text: str, second: int, email: str = "ana@example.com") -> StampedEvent:
        at = START + second * SECOND
        return an_event(id="m-1", email=email, interaction="chat-1", text=text, recorded=at)

    history = [sent("hi", 5), sent("hi", 9), sent("ho", 6), sent("hu", 7, "ben@example.com")]
    store = open_store(store_url)
    await store.start()
    ways = set()
    for order in permutations(history):
        for partitions, size in ((1, 4), (2, 1), (3, 2)):
            async with store.writing() as tx:
                await empty(tx)
            logs = in_partitions(order, partitions)
            team = await workers(store, logs, 2)
            while any(worker.behind for worker in team):
                for worker in team:
                    await worker.step(size)
            assert (await verified(store, logs)).wrong == []
            async with store.reading() as tx:
                letters = await dead_letters.listed(tx)
            ways.add(tuple((letter.stage, letter.reason, letter.content) for letter in letters))
    await store.stop()
    assert ways == {(("conflict", "other-content", history[2].raw),)}


async def test_an_earlier_copy_replaces_the_conflict_dead_letter(store_url: str) -> None:
    def sent(text: str, second: int) -> StampedEvent:
        return an_event(id="m-1", email="ana@example.com", text=text, recorded=START + second * SECOND)

    history = [sent("ho", 5), sent("hi", 6), sent("hi", 1)]
    store = open_store(store_url)
    await store.start()
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    found = []
    while worker.behind:
        before = worker.behind
        await worker.step(1)
        if worker.behind < before:
            async with store.reading() as tx:
                found.append([letter.content for letter in await dead_letters.listed(tx)])
    assert found == [[], [history[1].raw], [history[0].raw]]
    assert (await verified(store, logs)).wrong == []
    await store.stop()
