"""Since when a customer waits: from the first thing that was neither answered nor settled, the same in any order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from tests.unit.test_acts import WINDOW, act, said

from cx_context.document import Document, context_body
from cx_context.listing.conversations import listed_conversations
from cx_context.reference_definition import define
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, DAY, SECOND, START, a_fact
from cx_events.timestamps import format_time
from cx_identity.rules import DEFAULT


def body_of(facts: Sequence[Fact]) -> dict[str, Any]:
    (known,) = define(facts, ACME, DEFAULT).known.values()
    return context_body(known, WINDOW)


def wait_of(*facts: Fact) -> str | None:
    """The hour and minute since when she waits in her one conversation, which all that tells it agrees on."""
    found = set()
    for seed in range(6):
        facts_of_order = Random(seed).sample(facts, len(facts))
        (known,) = define(facts_of_order, ACME, DEFAULT).known.values()
        (listed,) = listed_conversations(Document(known, WINDOW))
        body = context_body(known, WINDOW)
        (conversation,) = body["conversations"]
        since = conversation["waiting_since"]
        assert [each["since"] for each in body["unresolved"]] == ([since] if since else [])
        assert min((wait.since for wait in listed.waits), default=None) == listed.waiting
        assert (listed.waiting is None) == (since is None)
        if listed.waiting is not None:
            assert since == format_time(listed.waiting)
        found.add(since)
    (since,) = found
    return since


def after(minutes: int) -> str:
    return format_time(START + minutes * 60 * SECOND)


RESOLVED = act(60, "conversation.resolved")


def answered(number: int, interaction: str = "chat-1") -> Fact:
    return act(number, "message.sent", interaction, direction="outbound", message={"id": f"a-{number}", "text": "Soon"})


@pytest.mark.parametrize(
    ("facts", "since"),
    [
        ([said(0), RESOLVED], None),
        ([said(0), RESOLVED, said(120)], after(120)),
        ([said(0), RESOLVED, said(120), said(130)], after(120)),
        ([said(0), RESOLVED, said(120), answered(121)], None),
        ([said(0), RESOLVED, said(120, "chat-2")], after(120)),
        ([said(0), said(10, "chat-2"), RESOLVED, said(120, "chat-2")], after(120)),
        ([said(0), RESOLVED, act(120, "interaction.queued", queue={"id": "q-1"}), said(130)], after(120)),
    ],
)
def test_what_was_settled_waits_no_more(facts: list[Fact], since: str | None) -> None:
    assert wait_of(*facts) == since


@pytest.mark.parametrize("reopened", ["chat-1", "chat-2"])
def test_opened_again_it_waits_as_before(reopened: str) -> None:
    again = act(65, "conversation.reopened", reopened)
    assert wait_of(said(0), said(10, "chat-2"), answered(11, "chat-2"), RESOLVED, again) == after(0)


def test_a_contact_settled_alone_waits_no_more() -> None:
    alone = act(60, "conversation.resolved", conversation={"contact_only": True})
    story = [said(0), said(10, "chat-2"), answered(11, "chat-2")]
    assert wait_of(*story) == after(0)
    assert wait_of(*story, alone) is None
    assert wait_of(*story, alone, act(70, "conversation.reopened")) == after(0)
    assert wait_of(*story, alone, said(80)) == after(80)


def test_why_now_is_nothing_that_was_settled() -> None:
    assert body_of([said(0), RESOLVED, said(120)])["glance"]["why_now"]["text"] == "line 120"
    assert body_of([said(0), RESOLVED, said(120)])["now"]["waiting_since"] == after(120)


@pytest.mark.parametrize("apart", [1, 7, 25])
def test_who_writes_again_and_again_waits_since_the_first(apart: int) -> None:
    questions = [said(2 + n * apart) for n in range(12)]
    assert wait_of(said(0), answered(1), *questions) == after(2)


def test_in_one_second_the_order_of_words_counts() -> None:
    def at(second: int, sequence: int, type: str) -> Fact:
        data = {"direction": "outbound" if type == "message.sent" else "inbound"}
        return a_fact(
            f"cx.{type}.v1", id=f"m-{second}-{sequence}", interaction="chat-1", email="ana@example.com", text="x",
            at=START + second * SECOND, sequence=sequence, data=data,
        )  # fmt: skip

    same_second = [at(0, 1, "message.received"), at(0, 2, "message.sent")]
    assert wait_of(*same_second) is None
    assert wait_of(*same_second, at(0, 3, "message.received"), at(60, 4, "message.received")) == after(0)


def test_overflowed_into_another_queue_it_is_the_same_wait() -> None:
    def queued(number: int, queue: str) -> Fact:
        return act(number, "interaction.queued", agent=None, queue={"id": queue})

    story = [said(0), act(1, "interaction.answered"), queued(5, "q-1"), queued(15, "q-2")]
    assert wait_of(*story) == after(5)
    assert wait_of(*story, act(16, "interaction.answered"), queued(20, "q-1")) == after(20)


def test_what_waits_is_shown_by_words_that_are_left() -> None:
    gone = act(2, "message.deleted", message={"id": "e-1"})
    (waiting,) = body_of([said(0), said(1), gone])["unresolved"]
    assert waiting["text"] == "line 0"


def test_a_quoting_answer_answers_an_earlier_stretch() -> None:
    def written(type: str, days: int, **message: str) -> Fact:
        data = {"direction": "inbound" if type == "received" else "outbound"}
        return a_fact(
            f"cx.message.{type}.v1", id=f"m-{days}", interaction="wa-1", channel="social", phone="+15550100123",
            at=START + days * DAY, data={**data, "message": {"id": f"m-{days}", "text": "x", **message}},
        )  # fmt: skip

    asked, answer = written("received", 0), written("sent", 5, in_reply_to="m-0")
    assert wait_of(asked) == after(0)
    assert wait_of(asked, answer) is None
    assert body_of([asked, answer])["glance"]["why_now"] is None
    assert wait_of(asked, answer, written("received", 10, in_reply_to="m-5")) == "2026-12-02T10:00:00Z"
