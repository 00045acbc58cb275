"""Acts of agents as a context shows them: the same in any order, and what is taken back as if it had not been done."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from cx_context.reference_definition import define_bodies
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, a_fact
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
BEN, EVA = {"id": "ben", "name": "Ben"}, {"id": "eva", "name": "Eva"}
DESK = "//acme.example/chat"


def act(number: int, what: str, interaction: str = "chat-1", **data: Any) -> Fact:
    at = START + number * MINUTE
    told = {"agent": BEN, **data}
    return a_fact(f"cx.{what}.v1", id=f"e-{number}", interaction=interaction, email="ana@example.com", at=at, data=told)


def said(number: int, interaction: str = "chat-1") -> Fact:
    at = START + number * MINUTE
    return a_fact(id=f"e-{number}", interaction=interaction, email="ana@example.com", at=at, text=f"line {number}")


def promised(number: int, text: str, due: str = "", **more: Any) -> Fact:
    return act(number, "conversation.promised", promise={"text": text, "due": due, **more})


def outcome(number: int, of: int, kept: bool | None) -> Fact:
    return act(number, "conversation.promised", promise={"of": f"{DESK}#e-{of}", "kept": kept})


def undone(number: int, of: int, interaction: str = "chat-1") -> Fact:
    return act(number, "conversation.undone", interaction, undoes=f"{DESK}#e-{of}")


def conversations(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    (body,) = define_bodies(facts, ACME, DEFAULT, WINDOW).values()
    found: list[dict[str, Any]] = body["conversations"]
    return found


def in_any_order(*facts: Fact) -> dict[str, Any]:
    """The one conversation of these facts, which is the same in every order."""
    (first, *others) = [conversations(order) for order in permutations(facts)]
    assert all(other == first for other in others)
    assert len(first) == 1
    return first[0]


ASSIGNED = act(1, "conversation.assigned", assignee=EVA)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([ASSIGNED], EVA),
        ([act(1, "conversation.assigned")], BEN),
        ([ASSIGNED, act(2, "conversation.unassigned")], None),
        ([ASSIGNED, act(2, "conversation.assigned", assignee=BEN)], BEN),
        ([ASSIGNED, act(2, "handoff.accepted")], None),
        ([act(0, "handoff.accepted"), ASSIGNED], EVA),
    ],
)
def test_a_conversation_is_assigned_until_somebody_else_has_it(facts: list[Fact], expected: object) -> None:
    assert in_any_order(said(-1), *facts)["assigned_to"] == expected


def test_who_assigns_does_not_deal_with_it() -> None:
    assert in_any_order(said(0), ASSIGNED)["agent"] is None


UNTIL = "2026-11-23T08:00:00Z"
SNOOZED = act(1, "conversation.snoozed", until="2026-11-23T09:00:00+01:00")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([SNOOZED], UNTIL),
        ([SNOOZED, act(2, "conversation.snoozed")], None),
        ([SNOOZED, said(2)], None),
        ([SNOOZED, act(2, "message.sent", direction="outbound", message={"id": "a", "text": "Soon"})], UNTIL),
        ([SNOOZED, act(2, "conversation.resolved")], None),
        ([act(1, "conversation.snoozed", until="one day")], None),
    ],
)
def test_a_conversation_rests_until_the_customer_speaks(facts: list[Fact], expected: str | None) -> None:
    assert in_any_order(said(0), *facts)["snoozed_until"] == expected


def test_open_promises_are_shown_first_and_the_earliest_due() -> None:
    late, soon, broken = "2026-11-24T00:00:00Z", "2026-11-23T00:00:00Z", {"kept": False}
    story = [promised(1, "undated"), promised(2, "late", late), promised(3, "soon", soon), promised(4, "no", **broken)]
    found = in_any_order(said(0), *story, outcome(5, 3, True))["promises"]
    assert [(each["text"], each["due"], each["kept"], each["agent"]) for each in found] == [
        ("late", late, None, "Ben"),
        ("undated", None, None, "Ben"),
        ("no", None, False, "Ben"),
        ("soon", soon, True, "Ben"),
    ]
    assert found[0]["event"] == {"source": DESK, "id": "e-2"}


def test_what_was_said_of_a_promise_last_counts() -> None:
    story = [said(0), promised(1, "a refund"), outcome(2, 1, True)]
    assert in_any_order(*story, outcome(3, 1, None))["promises"][0]["kept"] is None
    assert in_any_order(*story, undone(3, 2))["promises"][0]["kept"] is None
    assert in_any_order(*story, undone(3, 1))["promises"] == []


def test_a_note_that_is_taken_back_hides_no_other() -> None:
    notes = [act(number, "conversation.note", note=f"note {number}") for number in range(1, 12)]
    shown = conversations([said(0), *notes, *(undone(100 + number, number) for number in range(7, 12))])[0]["notes"]
    assert [note["text"] for note in shown] == [f"note {number}" for number in range(6, 0, -1)]


def test_a_topic_that_is_taken_back_is_none() -> None:
    story = [said(0), act(1, "conversation.topic", topic="billing"), act(2, "conversation.topic", topic="parcel")]
    assert in_any_order(*story, undone(3, 2))["topic"] == "billing"
    assert in_any_order(*story, undone(3, 2), undone(4, 1))["topic"] is None


def test_a_topic_taken_back_keeps_no_contacts_apart() -> None:
    chat = [said(0), act(1, "conversation.topic", topic="billing")]
    call = [said(30, "call-1"), act(31, "conversation.topic", "call-1", topic="parcel")]
    assert len(conversations([*chat, *call])) == 2
    assert len(conversations([*chat, *call, undone(32, 31, "call-1")])) == 1


def test_an_act_of_another_contact_is_not_taken_back() -> None:
    story = [said(0), act(1, "conversation.note", note="keep"), said(2, "chat-2"), undone(3, 1, "chat-2")]
    assert [note["text"] for each in conversations(story) for note in each["notes"]] == ["keep"]
