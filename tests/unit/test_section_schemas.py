"""A section shows exactly what its schema declares."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from tests.shown import declared_members, faults_of, shown_members
from tests.unit.test_continuity_tokens import ID, LONG, contact, issued

from cx_context.document import VIEWS
from cx_context.reference_definition import define_bodies
from cx_context.sections.registry import SECTIONS
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, a_fact
from cx_events.testing.histories import facts_of, histories
from cx_events.testing.history_samples import LIFE_CYCLE, OTHERS
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
OF_A_PACKET = {("Handover", "event"), ("Handover", "interaction"), ("Handover", "level")}
"""Members that only a handoff's packet shows, which is read by itself."""

ANA = "ana@example.com"
LATER = START + 2 * LONG
FILE = {"name": "bill.pdf", "content_type": "application/pdf", "bytes": 9, "url": "https://files.example/1", "cid": "a"}


def test_each_member_of_the_body_has_a_schema() -> None:
    assert {name for name, section in SECTIONS.items() if section.schema is not None} == set(VIEWS)


def test_each_component_is_declared_by_one_section() -> None:
    names = Counter(name for section in SECTIONS.values() for name in section.components)
    assert set(names.values()) == {1}


@given(history=histories(max_size=12))
def test_random_histories_show_what_is_declared(history: list[StampedEvent]) -> None:
    for body in define_bodies(facts_of(history), ACME, DEFAULT, WINDOW).values():
        assert faults_of(body) == []


def samples() -> list[Fact]:
    """An event of every kind that happens, in two chats, and then a live call with what few events have."""
    ben, billing = {"id": "agent-7", "name": "Ben"}, {"id": "billing", "name": "Billing"}
    eva = {"id": "agent-8", "name": "Eva"}
    words = {"subject": "Bill", "automatic": "report", "distribution": "list", "signature_at": 2}
    until = "2026-12-01T08:00:00Z"
    found = {"producer": "p", "version": "1", "sentiment": 0.5, "topic": "bill", "intent": "pay", "summary": "Paid"}
    special: list[tuple[str, dict[str, Any]]] = [
        ("cx.message.received.v1", {"message": {"id": "m", "text": "Hello", **words, "attachments": [FILE] * 5}}),
        (
            "cx.message.received.v1",
            {"message": {"id": "n", "text": "Well?", "attachments": [{**FILE, "inline": True}]}},
        ),
        ("cx.insight.found.v1", {"insight": found}),
        ("cx.customer.fact.v1", {"topic": "payment", "note": "x", "references": [{"kind": "order", "value": "4711"}]}),
        ("cx.consent.changed.v1", {"consent": {"purpose": "sms", "channel": "sms", "granted": False}}),
        ("cx.call.recording.v1", {"recording": {"id": "r", "url": "https://files.example/r", "duration_ms": 1}}),
        ("cx.message.reacted.v1", {"message": {"id": "m"}, "reaction": "👍", "rating": 2.0}),
        ("cx.conversation.topic.v1", {"topic": "billing"}),
        ("cx.conversation.note.v1", {"note": "called back", "agent": ben}),
        ("cx.conversation.disposition.v1", {"disposition": "refund"}),
        ("cx.interaction.queued.v1", {"queue": billing}),
        ("cx.interaction.transferred.v1", {"transfer": {"to": "sales", "agent": ben, "queue": billing}}),
        ("cx.message.failed.v1", {"message": {"id": "m"}, "failure": {"code": "5", "message": "full"}}),
        ("cx.handoff.requested.v1", {"handoff": {"to": "billing", "by": "agent"}, "agent": ben, "reason": "why"}),
        ("cx.handoff.context_shown.v1", {"agent": ben}),
        ("cx.handoff.declined.v1", {"agent": eva, "reason": "busy"}),
        ("cx.handoff.accepted.v1", {"agent": ben}),
        ("cx.handoff.accepted.v1", {"agent": eva}),
        ("cx.interaction.answered.v1", {"agent": ben}),
        ("cx.message.sent.v1", {"direction": "outbound", "agent": ben, "message": {"id": "s", "text": "Soon"}}),
        ("cx.message.received.v1", {"direction": "inbound", "message": {"id": "o", "text": "Still there?"}}),
        ("cx.conversation.assigned.v1", {"assignee": ben}),
        ("cx.conversation.promised.v1", {"promise": {"text": "a refund", "due": until, "kept": False}, "agent": ben}),
        ("cx.conversation.promised.v1", {"promise": {"text": "a gift", "due": until}, "agent": ben}),
        ("cx.conversation.promised.v1", {"promise": {"of": "//acme.example/desk#none", "kept": True}}),
        ("cx.conversation.snoozed.v1", {"until": until}),
        ("cx.conversation.undone.v1", {"undoes": "//acme.example/desk#none"}),
    ]
    happened = [(type, f"chat-{n % 2}", data) for n, (type, data) in enumerate((*LIFE_CYCLE, *OTHERS))]
    return [
        a_fact(type, id=f"e-{n}", interaction=where, email=ANA, name="Ana", at=START + n * MINUTE, data=data)
        for n, (type, where, data) in enumerate((*happened, *((type, "call", data) for type, data in special)))
    ]


def proof() -> Fact:
    """Ana logs in, with an account of one shop."""
    who = [
        Identifier(kind="account", scope="shop", value="4711", verified=True),
        Identifier(kind="email", value=ANA, verified=True),
    ]
    return a_fact("cx.identity.verified.v1", id="v", interaction="call", identifiers=who, data={"evidence": "login"})


def claims() -> list[Fact]:
    """Two accounts claim one telephone."""
    return [
        a_fact(
            id=value,
            interaction=value,
            phone="+15550100123",
            identifiers=[Identifier(kind="account", scope="shop", value=value)],
            text="Hello",
            weight="claimed",
        )
        for value in ("1", "2")
    ]


def test_documents_show_every_member_that_is_declared() -> None:
    chat = contact("chat", START, token=ID)
    shown = set(OF_A_PACKET)
    for story in ([proof(), *samples()], [chat, issued(chat, START), contact("late", LATER, token=ID)], claims()):
        for body in define_bodies(story, ACME, DEFAULT, WINDOW).values():
            assert faults_of(body) == []
            shown |= shown_members(body)
    assert declared_members() - shown == set()


def test_a_member_that_no_schema_declares_is_found() -> None:
    (body,) = define_bodies([proof(), *samples()], ACME, DEFAULT, WINDOW).values()
    assert faults_of({**body, "counts": {**body["counts"], "undeclared": 1}})
    assert faults_of({**body, "counts": {name: count for name, count in body["counts"].items() if name != "events"}})
