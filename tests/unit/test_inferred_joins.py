"""What is inferred looks back: what happens later to one conversation never moves another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.projection import RULES

from cx_context.fold import apply, new_part
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.reference_definition import counting_copies, define_bodies
from cx_context.threading.contacts import contacts_of
from cx_context.threading.explicit_joins import ExplicitJoins
from cx_context.threading.inferred_joins import infer_joins
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, SECOND, START, a_fact
from cx_events.testing.histories import facts_of, histories

WINDOW = 72 * HOUR
ANA = ACME.profile("email", "", "ana@example.com")
TEN_DAYS_AGO, NOW = START - 10 * DAY, START


def conversations(*facts: Fact) -> list[dict[str, Any]]:
    """Ana's conversations in order of their start."""
    (body,) = define_bodies(facts, ACME, RULES, WINDOW).values()
    found: list[dict[str, Any]] = body["conversations"]
    return sorted(found, key=lambda each: (each["opened_at"], each["id"]))


def members(*facts: Fact) -> list[list[str]]:
    return [[joined["interaction"] for joined in each["joined"]] for each in conversations(*facts)]


def said(contact: str, at: int, *orders: str, id: str = "", **fields: Any) -> Fact:
    data = {"references": [{"kind": "order", "value": order} for order in orders], **fields.pop("data", {})}
    id = id or f"{contact}-{at}"
    return a_fact(id=id, interaction=contact, email="ana@example.com", text=id, at=at, data=data, **fields)


def decided(what: str, about: Fact, at: int, **data: Any) -> Fact:
    data = {"conversation": {"id": text_of(about.part_id)}, **data}
    name = about.event.data.interaction
    type = f"cx.conversation.{what}.v1"
    return a_fact(type, id=f"{what}-{at}", interaction=name, email="ana@example.com", at=at, data=data)


OLD = said("old", TEN_DAYS_AGO)
NEW = said("new", NOW - 5 * MINUTE)
LATER = {
    "resolved": decided("resolved", OLD, NOW),
    "reopened": decided("reopened", OLD, NOW),
    "topic": decided("topic", OLD, NOW, topic="billing"),
    "a late message": said("old", NOW, id="late"),
    "a message of today": said("old", NOW - 2 * MINUTE, id="today"),
    "a note": decided("note", OLD, NOW, note="called back"),
}


@pytest.mark.parametrize("what", LATER)
def test_later_activity_in_an_old_conversation_joins_nothing(what: str) -> None:
    old, new = conversations(OLD, NEW, LATER[what])
    assert [old["joined"][0]["interaction"], new["joined"][0]["interaction"]] == ["old", "new"]
    assert new["state"] == "open"
    assert new["waiting_since"] == "2026-11-22T09:55:00Z"


@pytest.mark.parametrize("moves", [False, True])
def test_a_link_outlasts_a_contact_that_moves_away(moves: bool) -> None:
    """A chat turned out to be about something else: those that a person linked stay one conversation for what follows,
    and a call about another order than theirs continues none of them."""
    begin = START - 20 * DAY
    silent, order = said("silent", begin - 4 * DAY), said("order", begin, "2")
    linked = decided(
        "linked",
        order,
        begin + 2 * HOUR,
        conversation={"id": text_of(order.part_id), "other": text_of(silent.part_id)},
    )
    facts = [
        silent, order, linked,
        said("other", begin + HOUR, "4"), said("other", begin + 2 * DAY - HOUR, id="other again"),
        said("silent", begin + 2 * DAY, id="silent no more"),
        said("chat", begin + 2 * DAY + HOUR),
        said("else", begin + 2 * DAY + HOUR + 30 * MINUTE, "77"),
        said("call", begin + 4 * DAY, "9"),
    ]  # fmt: skip
    if moves:
        facts.append(said("chat", begin + 2 * DAY + 2 * HOUR, "4", id="about the other"))
    apart = [["silent", "order"], ["other", "chat"]] if moves else [["silent", "order", "chat"], ["other"]]
    assert members(*facts) == [*apart, ["else"], ["call"]]


def test_a_chat_continues_a_conversation_resolved_just_before() -> None:
    assert members(OLD, decided("resolved", OLD, NOW - HOUR), NEW) == [["old", "new"]]


def test_a_later_order_elsewhere_moves_no_chat() -> None:
    one, two = said("chat-1", NOW), said("chat-2", NOW + HOUR, "2")
    assert members(one, two) == [["chat-1", "chat-2"]]
    assert members(one, two, said("chat-1", NOW + 2 * HOUR, "1")) == [["chat-1", "chat-2"]]


def test_a_later_topic_elsewhere_moves_no_chat() -> None:
    one, two = said("chat-1", NOW), said("chat-2", NOW + HOUR)
    topics = (
        decided("topic", two, NOW + 2 * HOUR, topic="delivery"),
        decided("topic", one, NOW + 3 * HOUR, topic="bill"),
    )
    assert members(one, two, *topics) == [["chat-1", "chat-2"]]


def test_everything_a_contact_says_itself_counts() -> None:
    one, two = said("chat-1", NOW, "1"), said("chat-2", NOW + HOUR)
    assert members(one, two) == [["chat-1", "chat-2"]]
    assert members(one, two, said("chat-2", NOW + 2 * HOUR, "2")) == [["chat-1"], ["chat-2"]]


def test_contacts_see_others_as_they_were_then() -> None:
    """The call continues the second chat, which was one with the first then. That it is not is said later."""
    one, two, call = said("chat-1", NOW, "1"), said("chat-2", NOW + HOUR), said("call", NOW + 2 * HOUR)
    assert members(one, two, call) == [["chat-1", "chat-2", "call"]]
    late = said("chat-2", NOW + 3 * HOUR, "2")
    assert members(one, two, call, late) == [["chat-1"], ["chat-2", "call"]]


def test_a_later_mail_in_an_old_thread_joins_nothing() -> None:
    first, later = said("mail", NOW, channel="email"), said("mail", NOW + 30 * DAY, id="mail-2", channel="email")
    chat = said("chat", NOW + 10 * DAY)
    assert members(first, chat) == members(first, chat, later) == [["mail"], ["chat"]]


def test_a_receipt_is_no_activity() -> None:
    receipt = a_fact("cx.message.read.v1", id="read", interaction="old", email="ana@example.com", at=NOW - HOUR)
    assert members(OLD, receipt, NEW) == [["old"], ["new"]]


def test_activity_since_the_start_changes_no_choice() -> None:
    one, two = said("chat-1", NOW, "1"), said("chat-2", NOW + SECOND, "2")
    call = said("call", NOW + MINUTE)
    again = said("chat-1", NOW + 2 * MINUTE, id="again")
    assert members(one, two, call) == members(one, two, call, again) == [["chat-1"], ["chat-2", "call"]]


def test_an_order_that_both_name_always_joins() -> None:
    assert members(OLD, NEW, said("old", NOW, "1", id="x"), said("new", NOW, "1", id="y")) == [["old", "new"]]


def test_a_link_joins_whenever_it_comes() -> None:
    link = decided("linked", NEW, NOW, conversation={"id": text_of(NEW.part_id), "other": text_of(OLD.part_id)})
    assert members(OLD, NEW, link) == [["old", "new"]]


def test_a_split_parts_whenever_it_comes() -> None:
    one, two = said("chat-1", NOW), said("chat-2", NOW + HOUR)
    assert members(one, two, decided("split", two, NOW + DAY)) == [["chat-1"], ["chat-2"]]


# As a property: over any history, what others do after a contact's start leaves whom it continues as it was.


def choices(facts: list[Fact]) -> dict[tuple[int, str], tuple[int, str]]:
    """Of each contact, by its start, the one that it continues by time."""
    parts: dict[bytes, Part] = {}
    for fact in facts:
        if makes_part(fact.event.type):
            if fact.part_id in parts:
                apply(parts[fact.part_id], fact)
            else:
                parts[fact.part_id] = new_part(fact)
    contacts = contacts_of([KeyedPart(*each) for each in parts.items()], WINDOW)
    found = infer_joins(contacts, ExplicitJoins(contacts), WINDOW)
    chosen = {contacts[place].start: contacts[of].start for place, of in found}
    return {each.start: chosen.get(each.start, (0, "")) for each in contacts}


@given(history=histories(max_size=40), more=histories(max_size=20), place=st.integers(0, 10))
def test_what_others_do_later_changes_no_choice(
    history: list[StampedEvent], more: list[StampedEvent], place: int
) -> None:
    before = counting_copies(facts_of(history))
    found = choices(before)
    assume(found)
    start = sorted(found)[place % len(found)]
    later = [
        fact
        for fact in counting_copies(facts_of(again(more)))
        if fact.effective > start[0] and fact.event.data.interaction != start[1]
    ]
    assert choices([*before, *later])[start] == found[start]


@given(history=histories(max_size=40), place=st.integers(0, 10))
def test_choices_use_the_start_and_the_contacts_own_words(history: list[StampedEvent], place: int) -> None:
    facts = counting_copies(facts_of(history))
    found = choices(facts)
    assume(found)
    start = sorted(found)[place % len(found)]
    known = [fact for fact in facts if fact.effective <= start[0] or fact.event.data.interaction == start[1]]
    assert choices(known)[start] == found[start]


def again(history: list[StampedEvent]) -> list[StampedEvent]:
    """The same events under other ids."""
    made = []
    for each in history:
        event = msgspec.json.decode(each.raw)
        event["id"] = f"again-{event['id']}"
        made.append(StampedEvent(each.source, event["id"], each.key, msgspec.json.encode(event)))
    return made
