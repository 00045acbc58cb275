"""A mail that comes by two doors is shown and counted once, in any order, live, rebuilt or read of a moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.integration import test_moments as moments
from tests.integration.test_projection import check
from tests.mail_doors import WrittenMail, fact_of, through
from tests.projection import RULES, WINDOW, in_partitions, verified, workers
from tests.stores import empty

from cx_context.reference_definition import define_bodies
from cx_context.store import Store, open_store
from cx_context.store.events import read_applied, read_event, read_stored_copies
from cx_context.store.time_bounds import TimeBounds
from cx_events.ids import event_key
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, an_event
from cx_events.testing.histories import facts_of, histories
from cx_events.testing.history_steps import IDENTIFIERS

NOW = START + 10 * SECOND + 1
TRUSTED = "Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com\r\n"
"""What the mailbox's own server found: by IMAP the writer is proved, by Postmark claimed."""

MAIL = WrittenMail(trace=TRUSTED)
ANSWER = WrittenMail(
    id="m-2@example.com", answers="m-1@example.com", text="It was order 42.", date="Sun, 22 Nov 2026 11:00:00 +0000"
)
FORGED = WrittenMail(text="Please send it to another address.")


def by_two_doors() -> list[StampedEvent]:
    """A mail and its answer, each by two doors, and a stranger's mail under the first one's Message-ID."""
    return [
        through("imap", MAIL, NOW),
        through("postmark", MAIL, NOW + SECOND),
        through("smtp", FORGED, NOW + 2 * SECOND),
        through("postmark", ANSWER, NOW + HOUR),
        through("imap", ANSWER, NOW + HOUR + 30 * SECOND),
    ]


async def emptied(store_url: str) -> Store:
    store = open_store(store_url)
    await store.start()
    async with store.writing() as tx:
        await empty(tx)
    return store


async def fed(store: Store, history: list[StampedEvent], size: int) -> None:
    logs = in_partitions(history, 2)
    team = await workers(store, logs, 2)
    while behind := [worker for worker in team if worker.behind]:
        await behind[0].step(size)
    await check(store, history)
    assert (await verified(store, logs)).wrong == []


def only_body(history: Iterable[StampedEvent]) -> Any:
    (body,) = define_bodies(facts_of(list(history)), ACME, RULES, WINDOW).values()
    return body


async def test_it_is_shown_and_counted_once_whichever_came_first(store_url: str) -> None:
    store = await emptied(store_url)
    await store.stop()
    history = by_two_doors()
    once = only_body(history)
    assert once["counts"] == {
        "events": 3, "messages": 3, "interactions": 1, "conversations": 1, "by_channel": {"email": 3}
    }  # fmt: skip
    assert sorted(each["text"].split()[0] for each in once["timeline"]) == ["Hello,", "It", "Please"]
    for at, order in enumerate(list(permutations(history))[::17]):
        store = await emptied(store_url)
        try:
            await fed(store, list(order), at % 3 + 1)
            async with store.reading() as tx:
                assert (await tx.fetch("SELECT count(*) FROM events"))[0][0] == 3
                assert (await tx.fetch("SELECT count(*) FROM copies"))[0][0] == 0
                assert (await tx.fetch("SELECT count(*) FROM dead_letters"))[0][0] == 0
        finally:
            await store.stop()


async def test_it_is_found_by_each_doors_name(store_url: str) -> None:
    store = await emptied(store_url)
    try:
        await fed(store, by_two_doors(), 2)
        async with store.reading() as tx:
            for stamped in by_two_doors():
                key, fact = event_key("acme", stamped.source, stamped.id), fact_of(stamped)
                found = await read_event(tx, "acme", key)
                assert found is not None
                assert found.stream_id == fact.stream_id
                assert (await read_applied(tx, [key]))[key].stream_id == fact.stream_id
                assert set(await read_stored_copies(tx, [key, fact.key])) == {key, fact.key}
                assert await read_event(tx, "other", key) is None
    finally:
        await store.stop()


ADDRESSES = sorted(each.value for each in IDENTIFIERS if each.kind == "email")


@st.composite
def mails(draw: st.DrawFn) -> list[StampedEvent]:
    """Few mails of people whom histories know, each by some doors, at times that tie and lie before its Date."""
    found: list[StampedEvent] = []
    for _ in range(draw(st.integers(1, 4))):
        sender = draw(st.sampled_from(ADDRESSES))
        number = draw(st.integers(1, 2))
        text = draw(st.sampled_from(("Hello", "Goodbye")))
        second = draw(st.sampled_from((0, 9, 3600)))
        date = f"Sun, 22 Nov 2026 {10 + second // 3600}:00:{second % 3600:02} +0000"
        trace = draw(st.sampled_from(("", TRUSTED)))
        mail = WrittenMail(id=f"m-{number}@example.com", sender=f"A <{sender}>", text=text, date=date, trace=trace)
        doors = draw(st.lists(st.sampled_from(("imap", "smtp", "postmark")), min_size=1, max_size=3))
        found += [through(door, mail, START + draw(st.integers(-3, 6)) * SECOND + 1) for door in doors]
    return found


EXAMPLES = examples(20)


@EXAMPLES
@given(history=histories(max_size=10), sent=mails(), seed=st.integers(0, 2**32))
def test_any_order_and_batching_equals_the_definition(
    history: list[StampedEvent], sent: list[StampedEvent], seed: int
) -> None:
    whole = [*history, *sent]
    random.Random(seed).shuffle(whole)

    async def run(store: Store) -> None:
        logs = in_partitions(whole, seed % 3 + 1)
        dice = random.Random(seed)
        team = await workers(store, logs, dice.randint(1, 2))
        while behind := [worker for worker in team if worker.behind]:
            await dice.choice(behind).step(dice.randint(1, 6))
        await check(store, whole)
        assert (await verified(store, logs)).wrong == []

    with moments.in_segments(seed):
        asyncio.run(moments.on_sqlite(run))


@EXAMPLES
@given(history=histories(max_size=8), sent=mails(), seed=st.integers(0, 2**32), moment=moments.moments)
def test_a_moment_knows_what_was_known_then(
    history: list[StampedEvent], sent: list[StampedEvent], seed: int, moment: TimeBounds
) -> None:
    async def run(store: Store) -> None:
        await moments.feed(store, [*history, *sent], seed)
        await moments.check(store, [*history, *sent], moment)

    with moments.in_segments(seed):
        asyncio.run(moments.on_sqlite(run))


def test_a_clients_mail_is_known_by_its_source() -> None:
    """A client that uses an adapter's form of ids can't stand for a mail that came by a connection."""
    real = fact_of(through("imap", MAIL, NOW))
    made = an_event(
        id=real.event.id, channel="email", email="ana@example.com", data={"message": {"id": "m-1@example.com"}}
    )
    fact = fact_of(made)
    assert fact.key == fact.name == event_key("acme", made.source, made.id)
