"""What a CRM or a shop tells of a customer is on the timeline, and is no conversation."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from cx_context.fold import new_part
from cx_context.reference_definition import define_bodies
from cx_context.routing_targets import routing_targets
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_fact
from cx_identity.rules import DEFAULT
from cx_mcp.plain_words import entry_line

BEN = {"id": "ben", "name": "Ben"}


def told(second: int, type: str, interaction: str = "crm/case-7", channel: str = "crm", **data: Any) -> Fact:
    at = START + second * SECOND
    id, email = f"e-{second}", "ana@example.com"
    return a_fact(f"cx.{type}.v1", id=id, interaction=interaction, channel=channel, email=email, at=at, data=data)


def body_of(*facts: Fact) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, 72 * HOUR).values()
    return body


@pytest.mark.parametrize(
    "fact",
    [
        told(1, "customer.attributes_changed", attributes={"tier": "gold"}, agent=BEN),
        told(1, "customer.attributes_changed", channel="web", attributes={"tier": "gold"}),
        told(1, "customer.order_placed", references=[{"kind": "order", "value": "4711"}]),
        told(1, "customer.fact", note="charged twice"),
        told(1, "customer.something_new", note="charged twice"),
        told(1, "interaction.started", direction="inbound"),
        told(1, "interaction.queued", queue={"id": "q-1", "name": "Billing"}),
        told(1, "interaction.answered", agent=BEN),
        told(1, "preference.changed", preferences={"language": "en"}),
        told(1, "consent.changed", consent={"purpose": "marketing", "granted": False}),
        told(1, "survey.answered", survey={"metric": "nps", "score": 3}),
    ],
)
def test_a_lone_crm_fact_opens_no_conversation(fact: Fact) -> None:
    body = body_of(fact)
    assert (body["conversations"], body["unresolved"], body["now"], body["last_agent"]) == ([], [], None, None)
    assert [entry["type"] for entry in body["timeline"]] == [fact.event.type]
    assert (body["counts"]["events"], body["counts"]["interactions"]) == (1, 0)
    assert body["counts"]["by_channel"] == {fact.event.data.channel: 1}


def test_orders_and_facts_say_what_they_concern() -> None:
    order = [{"kind": "order", "value": "4711"}]
    placed = told(1, "customer.order_placed", references=order)
    paid = told(2, "customer.fact", topic="payment", note="charged twice", references=order * 9)
    named = told(3, "customer.fact", topic="payment")
    written = told(4, "message.received", message={"id": "m", "text": "Hi"}, direction="inbound", references=order)
    shown = [
        (each["text"], each.get("subject"), each.get("references"))
        for each in body_of(placed, paid, named, written)["timeline"]
    ]
    assert shown == [
        ("Hi", None, None),
        ("payment", None, None),
        ("charged twice", "payment", order * 5),
        (None, None, order),
    ]


def test_a_model_is_told_which_order() -> None:
    placed = told(1, "customer.order_placed", references=[{"kind": "order", "value": '47"11'}])
    line = entry_line(body_of(placed)["timeline"][0])
    assert 'cx.customer.order_placed.v1 about "order 47\\"11" [' in line


def test_attributes_of_a_crm_fact_count() -> None:
    body = body_of(told(1, "customer.attributes_changed", attributes={"tier": "gold"}))
    assert body["customer"]["attributes"] == {"tier": "gold"}


def test_a_customer_writing_through_the_crm_is_unanswered() -> None:
    wrote = told(2, "message.received", message={"id": "m-1", "text": "Where is it?"})
    for facts in permutations([told(1, "customer.fact", note="vip"), wrote]):
        body = body_of(*facts)
        assert body["unresolved"][0]["text"] == "Where is it?"
        assert body["conversations"][0]["channels"] == ["crm"]


def test_crm_facts_leave_a_chats_channel_start_and_agent() -> None:
    chat = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", text="hi", at=START + 60 * SECOND)
    taken = told(70, "interaction.answered", interaction="chat-1", channel="chat", agent={"id": "carla", "name": "C"})
    facts = [told(n, "customer.fact", interaction="chat-1", note="vip", agent=BEN, queue={"id": "q"}) for n in (1, 99)]
    before = body_of(chat, taken)
    for order in permutations([chat, taken, *facts]):
        after = body_of(*order)
        kept = ("channels", "opened_at", "last_at", "agent", "queue", "waiting_since")
        assert [after["conversations"][0][name] for name in kept] == [before["conversations"][0][name] for name in kept]
        assert after["now"] == before["now"]


def test_crm_facts_alone_begin_no_contact() -> None:
    wrote = told(1, "message.received", "dm-1", "social", message={"id": "m-1", "text": "hi"})
    facts = [told(400_000 * n, type, "dm-1") for n, type in enumerate(("interaction.started", "interaction.ended"), 1)]
    body = body_of(wrote, *facts)
    assert [each["opened_at"] for each in body["conversations"]] == ["2026-11-22T10:00:01Z"]


def test_an_accounts_owner_is_no_routing_target() -> None:
    assert (
        routing_targets(new_part(told(1, "customer.attributes_changed", attributes={"tier": "gold"}, agent=BEN))) == {}
    )
