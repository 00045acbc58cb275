"""A context that is rendered from what was rendered before says what its definition says, byte for byte."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from tests.examples import examples
from tests.unit.test_continuity_tokens import ID, LONG, contact, issued

from cx_context.document import context_body, encode_body
from cx_context.reference_definition import define
from cx_context.store.cached_rendering import PIECES_BYTES, Renderer
from cx_context.store.changed_parts import PartsReading
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.customer_lookup import CustomerMatch
from cx_context.store.inputs_postgres import MANY_PARTS
from cx_context.store.part_codec import encode_part
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_fact
from cx_events.testing.histories import facts_of, histories
from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
READING = PartsReading(("a server", "its database", "parts"), 1, frozenset())
ANA = ACME.profile("email", "", "ana@example.com")


def bodies(renderer: Renderer, facts: list[Fact]) -> tuple[dict[NodeId, bytes], dict[NodeId, bytes]]:
    """Of every customer the body as rendered, and as defined."""
    rendered, defined = {}, {}
    for customer, known in define(facts, ACME, DEFAULT).known.items():
        parts = [(each.part_id, encode_part(each.part)) for each in known.parts]
        raws = [fact.raw for fact in known.latest]
        whole = ContextInputs(
            ACME, CustomerMatch(customer, 1), list(known.members), parts, raws, known.claims, lifetimes=known.lifetimes
        )
        rendered[customer] = renderer.body(whole, WINDOW)
        defined[customer] = encode_body(context_body(known, WINDOW))
    return rendered, defined


@pytest.mark.parametrize("most_bytes", [0, PIECES_BYTES])
@pytest.mark.parametrize("many", [0, 2, MANY_PARTS])
@examples(40)
@given(history=histories(max_size=8))
def test_rendering_equals_the_definition_after_each_event(
    most_bytes: int, many: int, history: list[StampedEvent]
) -> None:
    renderer = Renderer(most_bytes, many)
    facts = facts_of(history)
    for count in range(1, len(facts) + 1):
        rendered, defined = bodies(renderer, facts[:count])
        assert rendered == defined


def test_another_copy_of_an_event_replaces_its_entry() -> None:
    renderer = Renderer()
    late = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", text="late", at=START + HOUR)
    soon = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", text="soon", at=START)
    bodies(renderer, [late])
    rendered, defined = bodies(renderer, [late, soon])
    assert rendered == defined
    assert b'"soon"' in rendered[ANA]
    assert b'"late"' not in rendered[ANA]


def test_a_tokens_use_shows_in_the_issuing_conversation() -> None:
    renderer = Renderer()
    chat = contact("chat", START)
    late = contact("late", START + 2 * LONG, token=ID)
    for facts in ([chat, issued(chat, START + LONG)], [chat, issued(chat, START + LONG), late]):
        rendered, defined = bodies(renderer, facts)
        assert rendered == defined
    assert b'"expired"' in rendered[ANA]


def test_the_renderers_cache_stays_bounded() -> None:
    renderer = Renderer(200_000)
    for number in range(100):
        email = f"c-{number}@example.com"
        fact = a_fact(id=f"m-{number}", interaction="chat-1", email=email, text="hm", at=START + number * SECOND)
        bodies(renderer, [fact])
        assert renderer.held <= 200_000
    assert renderer.held > 100_000


def test_conversations_are_sorted_by_time_not_text() -> None:
    """As text, 09:00:05.5Z comes before 09:00:05Z."""

    def contact(number: str, at: Micros) -> Fact:
        data = {"direction": "inbound", "references": [{"kind": "order", "value": number}]}
        return a_fact(id=number, interaction=number, email="ana@example.com", text=number, at=at, data=data)

    whole = START + 5 * SECOND
    rendered, defined = bodies(Renderer(), [contact("sooner", whole), contact("later", whole + SECOND // 2)])
    shown = msgspec.json.decode(rendered[ANA])
    assert rendered == defined
    assert [each["messages"][0]["text"] for each in shown["conversations"]] == ["later", "sooner"]
    assert [each["text"] for each in shown["unresolved"]] == ["later", "sooner"]


def test_a_change_of_one_contact_among_many_is_rendered() -> None:
    renderer = Renderer()

    def message(id: str, contact: int, at: Micros) -> Fact:
        return a_fact(id=id, interaction=f"chat-{contact}", email="ana@example.com", text=id, at=at)

    facts = [message(f"m-{number}", number, START + number * 100 * HOUR) for number in range(MANY_PARTS + 1)]
    rendered, defined = bodies(renderer, facts)
    assert rendered == defined
    assert renderer.held > 0
    facts.append(message("again", 0, START + len(facts) * 100 * HOUR))
    rendered, defined = bodies(renderer, facts)
    assert rendered == defined
    assert b'"again"' in rendered[ANA]


EDITED, DELETED = "cx.message.edited.v1", "cx.message.deleted.v1"


@pytest.mark.parametrize("many", [0, MANY_PARTS])
@pytest.mark.parametrize("type", [EDITED, DELETED])
def test_an_edit_shows_where_the_message_was_said(type: str, many: int) -> None:
    """A thread that never ends: the event lies in a later stretch of it, in another conversation."""

    def of_message(type: str, id: str, message: str, text: str, at: Micros) -> Fact:
        data = {"channel": "sms", "message": {"id": message, "text": text}}
        return a_fact(type, id=id, interaction="sms-1", email="ana@example.com", at=at, data=data)

    received, later = "cx.message.received.v1", START + 200 * HOUR
    facts = [of_message(received, "a", "m-1", "soon", START), of_message(received, "b", "m-2", "hm", later)]
    facts.append(of_message(type, "c", "m-1", "edited", later + HOUR + SECOND))
    renderer = Renderer(many=many)
    for count in range(1, len(facts) + 1):
        rendered, defined = bodies(renderer, facts[:count])
        assert rendered == defined
    shown = msgspec.json.decode(rendered[ANA])["conversations"]
    assert [each["messages"][0]["text"] for each in shown] == ["hm", "edited" if type == EDITED else "(deleted)"]


def test_a_summary_is_made_anew_where_other_identifiers_count() -> None:
    renderer = Renderer()
    fact = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", text="hm", at=START)
    ((customer, known),) = define([fact], ACME, DEFAULT).known.items()
    parts = [(each.part_id, encode_part(each.part)) for each in known.parts]
    for members in (known.members, [], known.members):
        of_these = replace(known, members=members)
        whole = ContextInputs(ACME, CustomerMatch(customer, 1), list(members), parts, [fact.raw])
        assert renderer.body(whole, WINDOW) == encode_body(context_body(of_these, WINDOW))


def test_a_changed_lifetime_of_proofs_is_shown() -> None:
    renderer = Renderer()
    proved = {"kind": "email", "value": "ana@example.com", "weight": "proved"}
    data = {"participants": [{"role": "customer", "identifiers": [proved]}]}
    fact = a_fact(id="m-1", interaction="chat-1", text="hm", at=START, data=data)
    ((customer, known),) = define([fact], ACME, DEFAULT).known.items()
    parts = [(each.part_id, encode_part(each.part)) for each in known.parts]
    found = []
    for lifetimes in ({}, {"*": 60}):
        by_rule = replace(known, lifetimes=lifetimes)
        members = list(known.members)
        whole = ContextInputs(ACME, CustomerMatch(customer, 1), members, parts, [fact.raw], lifetimes=lifetimes)
        found.append(renderer.body(whole, WINDOW))
        assert found[-1] == encode_body(context_body(by_rule, WINDOW))
    assert found[0] != found[1]


def test_customers_read_in_turns_are_partly_at_hand() -> None:
    def read(renderer: Renderer, number: int) -> None:
        fact = a_fact(id="m-1", interaction="chat-1", email=f"c-{number}@example.com", text="hm", at=START)
        ((customer, known),) = define([fact], ACME, DEFAULT).known.items()
        parts = [(each.part_id, encode_part(each.part)) for each in known.parts]
        match = CustomerMatch(customer, 1)
        at_hand.append(renderer.reading_of(ACME.tenant, customer) is not None)
        renderer.body(ContextInputs(ACME, match, list(known.members), parts, [fact.raw], reading=READING), WINDOW)

    at_hand: list[bool] = []
    one = Renderer(many=0)
    read(one, 0)
    some = Renderer(30 * one.held, many=0)
    for _ in range(3):
        for number in range(40):
            read(some, number)
    assert sum(at_hand) > 10
