"""What is told of one contact by two systems is the definition's on both stores, in any order and at any moment."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.integration import test_moments as moments
from tests.integration.test_mail_doors import emptied
from tests.integration.test_projection import check
from tests.mail_doors import WrittenMail, through
from tests.projection import in_partitions, verified, workers

from cx_context.store import Store
from cx_context.store.time_bounds import TimeBounds
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import HOUR, MINUTE, SECOND, START, an_event

CALLS = ("twilio/CA1", "genesys/g-1", "pbx/1")
WHAT = ("started", "queued", "answered", "transferred", "ended", "resumed")
SAID = ("", "", "CA1", "g-1", "genesys/g-1", "sip:1@192.0.2.1", "declared/5/trunk/a", "declared/2/trunk/b")
PHONES = ("+15550100123", "+15550100124")


def call(id: str, what: str, name: str, phone: str, second: int, same: str = "") -> StampedEvent:
    references = [{"kind": "same-call", "value": same}] if same else []
    at = START + second * SECOND
    return an_event(
        f"cx.interaction.{what}.v1", id=id, interaction=name, channel="voice", phone=phone, at=at,
        recorded=at + second % 3 * SECOND, data={"references": references},
    )  # fmt: skip


@st.composite
def told(draw: st.DrawFn) -> list[StampedEvent]:
    """Steps of few calls, some of which name others, a tie between their callers, a thread of mails."""
    found = [
        call(
            f"e-{number}", draw(st.sampled_from(WHAT)), draw(st.sampled_from(CALLS)), draw(st.sampled_from(PHONES)),
            draw(st.integers(0, 20)), draw(st.sampled_from(SAID)),
        )
        for number in range(draw(st.integers(2, 12)))
    ]  # fmt: skip
    if draw(st.booleans()):
        found.append(an_event("cx.identity.asserted.v1", id="tie", data={"links": [
            [{"kind": "phone", "value": PHONES[0]}, {"kind": "phone", "value": PHONES[1]}]
        ]}))  # fmt: skip
    if draw(st.booleans()):
        answer = WrittenMail(id="m-2@example.com", answers="m-1@example.com", date="Sun, 22 Nov 2026 11:00:00 +0000")
        found += [through("imap", WrittenMail(), START + MINUTE), through("postmark", answer, START + HOUR + MINUTE)]
    return found


EXAMPLES = examples(20)


async def fed(store: Store, history: list[StampedEvent], seed: int) -> None:
    logs, dice = in_partitions(history, seed % 3 + 1), random.Random(seed)
    team = await workers(store, logs, dice.randint(1, 2))
    while behind := [worker for worker in team if worker.behind]:
        await dice.choice(behind).step(dice.randint(1, 6))
    await check(store, history)
    assert (await verified(store, logs)).wrong == []


@EXAMPLES
@given(history=told(), seed=st.integers(0, 2**32))
def test_any_order_and_batching_equals_the_definition(history: list[StampedEvent], seed: int) -> None:
    random.Random(seed).shuffle(history)
    asyncio.run(moments.on_sqlite(lambda store: fed(store, history, seed)))


@EXAMPLES
@given(history=told(), seed=st.integers(0, 2**32), moment=moments.moments)
def test_a_moment_knows_what_was_known_then(history: list[StampedEvent], seed: int, moment: TimeBounds) -> None:
    async def run(store: Store) -> None:
        await moments.feed(store, history, seed)
        await moments.check(store, history, moment)

    asyncio.run(moments.on_sqlite(run))


async def test_a_call_told_by_two_on_either_store(store_url: str) -> None:
    history = [
        call("e-1", "started", CALLS[0], PHONES[0], 0),
        call("e-2", "started", CALLS[1], PHONES[0], 2, "CA1"),
        call("e-3", "answered", CALLS[1], PHONES[0], 9),
        call("e-4", "ended", CALLS[0], PHONES[0], 20),
    ]
    for seed in range(4):
        random.Random(seed).shuffle(history)
        store = await emptied(store_url)
        try:
            await fed(store, history, seed)
        finally:
            await store.stop()
