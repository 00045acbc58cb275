"""Interactions into conversations: which rule joins, what keeps apart, and that no order matters."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cx_context.fold import apply, new_part
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.reference_definition import counting_copies
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, join_contacts
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import HOUR, START, a_fact
from cx_events.testing.histories import facts_of, histories

WINDOW = 72 * HOUR


def parts_of(facts: list[Fact]) -> list[KeyedPart]:
    parts: dict[bytes, Part] = {}
    for fact in facts:
        if makes_part(fact.event.type):
            if fact.part_id in parts:
                apply(parts[fact.part_id], fact)
            else:
                parts[fact.part_id] = new_part(fact)
    return [KeyedPart(part_id, part) for part_id, part in parts.items()]


def threads(*facts: Fact) -> list[Conversation]:
    return join_contacts(contacts_of(parts_of(list(facts)), WINDOW), WINDOW)


def names(conversations: list[Conversation]) -> list[list[str]]:
    return [[member.name for member in conversation.members] for conversation in conversations]


def contact(name: str, hours: float, *references: tuple[str, str], topic: str = "", **fields: Any) -> Fact:
    data: dict[str, Any] = {"references": [{"kind": kind, "value": value} for kind, value in references]}
    if topic:
        data["insight"] = {"producer": "m", "version": "1", "topic": topic}
    at = START + round(hours * HOUR)
    return a_fact(id=name, interaction=name, email="ana@example.com", text=name, at=at, data=data, **fields)


def decision(what: str, fact: Fact, hours: float, other: Fact | None = None) -> Fact:
    data: dict[str, Any] = {"conversation": {"id": text_of(fact.part_id)}}
    if other is not None:
        data["conversation"]["other"] = text_of(other.part_id)
    name = fact.event.data.interaction
    at = START + round(hours * HOUR)
    return a_fact(
        f"cx.conversation.{what}.v1", id=f"{what}-{hours}", interaction=name, email="ana@example.com", at=at, data=data
    )


def test_contacts_within_the_window_are_one_conversation() -> None:
    assert names(threads(contact("chat", 0), contact("call", 71))) == [["chat", "call"]]


def test_a_contact_after_the_window_begins_a_new_conversation() -> None:
    assert names(threads(contact("chat", 0), contact("call", 73))) == [["chat"], ["call"]]


def test_the_window_runs_from_the_last_activity() -> None:
    late = a_fact(id="late", interaction="chat", email="ana@example.com", text="still there?", at=START + 50 * HOUR)
    assert names(threads(contact("chat", 0), late, contact("call", 120))) == [["chat", "call"]]


def test_of_several_conversations_the_one_active_last_goes_on() -> None:
    mail, chat = contact("mail", 0, ("order", "1")), contact("chat", 1, ("order", "2"))
    reply = a_fact(id="reply", email="ana@example.com", interaction="mail", text="and?", at=START + 20 * HOUR)
    conversations = threads(mail, reply, chat, contact("call", 21))
    assert names(conversations) == [["mail", "call"], ["chat"]]
    assert conversations[0].joined[1].evidence == "interaction:mail"


def test_a_long_conversation_continues_after_many_other_contacts() -> None:
    mail = contact("mail", 0, ("order", "0"))
    reply = a_fact(id="reply", email="ana@example.com", interaction="mail", text="and?", at=START + 50 * HOUR)
    others = [contact(f"chat-{n:02}", 1 + n, ("order", "1")) for n in range(30)]
    assert names(threads(mail, reply, *others, contact("call", 60))) == [
        ["mail", "call"],
        [f"chat-{n:02}" for n in range(30)],
    ]


def test_thousands_of_contacts_are_one_conversation_or_many() -> None:
    many = [contact(f"chat-{n:04}", n) for n in range(3000)]
    assert len(threads(*many, decision("split", many[10], 4000))) == 2
    orders = [contact(f"chat-{n:04}", n, ("order", str(n % 50))) for n in range(3000)]
    assert len(threads(*orders)) == 50


def test_other_orders_are_other_matters_even_within_the_window() -> None:
    conversations = threads(contact("chat", 0, ("order", "1")), contact("call", 1, ("order", "2")))
    assert names(conversations) == [["chat"], ["call"]]


def test_the_same_order_joins_long_after_the_window() -> None:
    conversations = threads(contact("chat", 0, ("order", "1")), contact("mail", 2000, ("order", "1")))
    assert names(conversations) == [["chat", "mail"]]
    assert (conversations[0].joined[1].rule, conversations[0].joined[1].evidence) == ("matter", "order:1")


def test_other_topics_are_other_matters() -> None:
    conversations = threads(contact("chat", 0, topic="billing"), contact("call", 1, topic="delivery"))
    assert names(conversations) == [["chat"], ["call"]]


def test_a_contact_continues_its_matter_past_another_contact() -> None:
    conversations = threads(
        contact("chat", 0, topic="billing"), contact("call", 1, topic="delivery"), contact("mail", 2, topic="Billing")
    )
    assert names(conversations) == [["chat", "mail"], ["call"]]


def test_a_reply_that_arrives_before_its_parent_joins_it() -> None:
    reply = contact("mail-2", 200, ("message", "b"), ("message", "a"))
    parent = contact("mail-1", 0, ("message", "a"))
    assert names(threads(reply, parent)) == [["mail-1", "mail-2"]]


def test_a_link_joins_what_no_rule_would() -> None:
    chat, call = contact("chat", 0), contact("call", 500)
    conversations = threads(chat, call, decision("linked", call, 501, chat))
    assert names(conversations) == [["chat", "call"]]
    assert conversations[0].joined[1].rule == "person"


def test_a_split_interaction_begins_a_conversation() -> None:
    chat, call = contact("chat", 0), contact("call", 1)
    assert names(threads(chat, call, decision("split", call, 2))) == [["chat"], ["call"]]


def test_nothing_bridges_a_split() -> None:
    chat, call = contact("chat", 0, ("order", "1")), contact("call", 1, ("order", "1"))
    mail = contact("mail", 2, ("order", "1"))
    found = names(threads(chat, call, mail, decision("split", call, 3)))
    assert not any({"chat", "call"} <= set(conversation) for conversation in found)
    assert sorted(name for conversation in found for name in conversation) == ["call", "chat", "mail"]


def test_later_links_and_splits_take_back_earlier_ones() -> None:
    chat, call = contact("chat", 0), contact("call", 1)
    split, link = decision("split", call, 2), decision("linked", call, 3, chat)
    assert names(threads(chat, call, split, link)) == [["chat", "call"]]
    split_again = decision("split", call, 4)
    assert names(threads(chat, call, split, link, split_again)) == [["chat"], ["call"]]


def test_a_conversations_id_is_its_earliest_recorded_part_id() -> None:
    late = contact("chat", 0, recorded=START + 10 * HOUR)
    call = contact("call", 1)
    conversation = threads(late, call)[0]
    assert conversation.id == call.part_id
    assert conversation.aliases == [late.part_id]
    assert [member.name for member in conversation.members] == ["chat", "call"]


def test_a_link_to_another_customers_interaction_is_skipped() -> None:
    chat = contact("chat", 0)
    stranger = a_fact(id="x", interaction="other", email="ben@example.com", text="x")
    assert names(threads(chat, decision("linked", chat, 1, stranger))) == [["chat"]]


def test_a_decision_about_an_absent_interaction_makes_no_conversation() -> None:
    assert threads(decision("split", contact("chat", 0), 1)) == []


@given(history=histories(), seed=st.integers(0, 2**32))
def test_no_order_of_parts_changes_the_conversations(history: list[StampedEvent], seed: int) -> None:
    parts = parts_of(counting_copies(facts_of(history)))
    shuffled = random.Random(seed).sample(parts, len(parts))
    assert join_contacts(contacts_of(shuffled, WINDOW), WINDOW) == join_contacts(contacts_of(parts, WINDOW), WINDOW)


@given(history=histories())
def test_every_interaction_is_in_one_conversation_and_says_why(history: list[StampedEvent]) -> None:
    interactions = contacts_of(parts_of(counting_copies(facts_of(history))), WINDOW)
    conversations = join_contacts(interactions, WINDOW)
    members = [member.name for conversation in conversations for member in conversation.members]
    assert sorted(members) == sorted(each.name for each in interactions)
    for conversation in conversations:
        assert [joined.interaction for joined in conversation.joined] == [m.name for m in conversation.members]
        assert sum(joined.rule == "first" for joined in conversation.joined) == 1


def test_seconds_tie_and_the_name_decides() -> None:
    one, two = contact("b", 0), contact("a", 0)
    assert names(threads(one, two)) == [["a", "b"]]
