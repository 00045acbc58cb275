"""What programs write without a value, in references, names, agents, queues, slots and topics: it says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.test_acts import BEN, WINDOW, act, said

from cx_context.reference_definition import define_bodies
from cx_events.facts import Fact
from cx_events.junk import is_lost_value, names_nobody
from cx_events.testing.builders import ACME, DAY, MINUTE, START, a_fact
from cx_identity.rules import DEFAULT

ORDER = "order"


def body_of(*facts: Fact) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, WINDOW).values()
    return body


def about(number: int, kind: str, value: str, days: int = 0) -> Fact:
    return a_fact(
        id=f"m-{number}", interaction=f"chat-{number}", email="ana@example.com", text="hello", at=START + days * DAY,
        data={"references": [{"kind": kind, "value": value}]},
    )  # fmt: skip


def threads(*facts: Fact) -> int:
    return len(body_of(*facts)["conversations"])


LOST = ("", " ", "undefined", "null", " NULL ", "{{order.id}}", "\u200bnone", "000000")
ALL_ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((ORDER, each) for each in (*LOST, "N/A", "#")),
        ("case", "[object Object]"),
        *((kind, each) for kind in ("thread", "message", "call", "ticket") for each in (*LOST, ALL_ZERO)),
    ],
)
def test_a_lost_reference_joins_nothing(kind: str, value: str) -> None:
    first, second = about(1, kind, value), about(2, kind, value, days=30)
    assert threads(first, second) == threads(second, first) == 2
    assert body_of(first)["conversations"][0]["references"] == []


def test_a_lost_order_parts_nothing() -> None:
    named = about(1, ORDER, "4711")
    lost = a_fact(id="m-2", interaction="chat-2", email="ana@example.com", text="hello", at=START + MINUTE,
                  data={"references": [{"kind": "order", "value": "undefined"}]})  # fmt: skip
    assert threads(named, lost) == 1


@pytest.mark.parametrize("spelling", ["4711", " 4711", "#4711", "# 4711", "\u200e4711\u00a0", "4711\ufeff"])
def test_one_order_is_one_in_every_spelling(spelling: str) -> None:
    facts = about(1, ORDER, "4711"), about(2, "Order", spelling, days=30)
    assert threads(*facts) == 1
    assert body_of(*facts)["conversations"][0]["references"] == [{"kind": "order", "value": "4711"}]


@pytest.mark.parametrize("name", ["undefined undefined", "null null", "None", "Unknown Caller", "+1 555 010 0123", "-"])
def test_no_name_takes_none_away(name: str) -> None:
    named = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", name="Ana Silva", text="hello")
    unnamed = a_fact(id="m-2", interaction="chat-1", email="ana@example.com", name=name, text="hi", at=START + MINUTE)
    assert names_nobody(name)
    assert body_of(named, unnamed)["customer"]["display"] == "Ana Silva"
    assert body_of(unnamed)["customer"]["display"] == "ana@example.com"


@pytest.mark.parametrize("name", ["Nan Na", "Nil", "Christopher Null", "Test Pilot", "Ö", "山田", "🌸", "Ana 2"])
def test_short_and_odd_names_are_names(name: str) -> None:
    assert not names_nobody(name)


@pytest.mark.parametrize("value", ["test", "unknown", "n/a", "0", "1", "a", "nan", "0x1", "CA0", "m_null_1"])
def test_few_words_are_lost_values(value: str) -> None:
    assert not is_lost_value(value)


def test_an_agent_or_queue_without_name_is_none() -> None:
    empty = {"id": "", "name": ""}
    story = [said(0), act(1, "interaction.answered"), act(2, "interaction.held", agent=empty, queue=empty)]
    (conversation,) = body_of(*story, act(3, "interaction.routed", agent={}))["conversations"]
    assert (conversation["agent"], conversation["queue"]) == (BEN, None)


def test_a_slot_that_was_taken_back_is_not_known() -> None:
    def slots(number: int, **found: object) -> Fact:
        return act(number, "bot.slot", agent=None, bot={"slots": found})

    def known(facts: Sequence[Fact]) -> dict[str, object]:
        body = body_of(*facts)
        shown = {each["name"]: each["value"] for each in body["glance"]["known"]}
        assert (body["conversations"][0]["bot"] or {"slots": {}})["slots"] == shown
        return shown

    filled = slots(1, order="4711", size="L", colour="red", items=[1])
    story = [said(0), filled, slots(2, order=None, size="M", colour=" ", items=[], no=False, none=0)]
    assert known(story) == known(story[::-1]) == {"size": "M", "no": False, "none": 0}
    assert known([said(0), slots(1, order=None)]) == {}


def test_no_intent_and_no_topic_say_why_now() -> None:
    def found(number: int, topic: str) -> Fact:
        insight = {"producer": "classifier", "version": "1", "topic": topic}
        return act(number, "insight.found", agent=None, insight=insight)

    story = [said(0), act(1, "bot.turn", agent=None, bot={"intent": "None", "text": "?"}), found(2, "unknown")]
    assert body_of(*story)["glance"]["why_now"]["text"] == "line 0"
    assert body_of(*story, found(3, "refund"), found(4, "n/a"))["conversations"][0]["topic"] == "refund"


def test_blanks_make_no_other_topic() -> None:
    one = [said(0), act(1, "conversation.topic", topic="double charge")]
    other = [said(10, "chat-2"), act(11, "conversation.topic", "chat-2", topic=" Double  charge ")]
    assert threads(*one, *other) == 1
    assert threads(*one, said(10, "chat-2"), act(11, "conversation.topic", "chat-2", topic="  ")) == 1
