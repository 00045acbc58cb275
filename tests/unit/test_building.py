"""Events that are built are those that the hub accepts; what it would refuse is told where it is built."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cx_events.building import EventBuilder, agent, bot, check_event, customer, identifier, reference
from cx_events.catalogue import catalogue
from cx_events.errors import Refused
from cx_events.json_types import Json

CHAT = EventBuilder("//acme.example/chat", channel="chat")
ANA = customer("Ana", email="ana@example.com", cookie="c-7")
BEN = {"id": "agent-7", "name": "Ben"}

BUILT: dict[str, Callable[[], Json]] = {
    "cx.message.received.v1": lambda: CHAT.message_received("1", "chat-42", "Twice!", ANA),
    "cx.message.sent.v1": lambda: CHAT.message_sent("2", "chat-42", "Sorry.", agent("agent-7", "Ben"), ANA),
    "cx.interaction.started.v1": lambda: CHAT.interaction_started("3", "chat-42", ANA),
    "cx.interaction.queued.v1": lambda: CHAT.interaction_queued("4", "chat-42", {"id": "billing"}),
    "cx.interaction.answered.v1": lambda: CHAT.interaction_answered("5", "chat-42", BEN),
    "cx.interaction.ended.v1": lambda: CHAT.interaction_ended("6", "chat-42", reason="the customer left"),
    "cx.bot.turn.v1": lambda: CHAT.bot_turn("7", "chat-42", "Which order?", bot("helper"), intent="refund", slots={}),
    "cx.bot.handoff_asked.v1": lambda: CHAT.handoff_asked("8", "chat-42", ANA, reason="refunds need a person"),
    "cx.handoff.declined.v1": lambda: CHAT.handoff_declined("15", "chat-42", BEN, reason="on a call"),
    "cx.call.transcript.v1": lambda: CHAT.call_transcript("9", "call-1", [{"role": "customer", "text": "Hello"}]),
    "cx.identity.asserted.v1": lambda: CHAT.identity_asserted("10", ANA, evidence="crm"),
    "cx.identity.verified.v1": lambda: CHAT.identity_verified("11", "chat-42", ANA, evidence="login"),
    "cx.customer.attributes_changed.v1": lambda: CHAT.attributes_changed("12", ANA, {"tier": "gold"}),
    "cx.consent.changed.v1": lambda: CHAT.consent_changed("13", ANA, "marketing", granted=False),
    "cx.directory.agent_set.v1": lambda: CHAT.agent_set(
        "15", "ben", name="Ben", ids={"acme-calls": ("client:ben",)}, teams=("support",), queues=["billing"]
    ),
    "cx.directory.agent_removed.v1": lambda: CHAT.agent_removed("16", "ben"),
    "cx.directory.queue_set.v1": lambda: CHAT.queue_set("17", "billing", ids={"any": ["QU1"]}),
    "cx.directory.queue_removed.v1": lambda: CHAT.queue_removed("18", "billing"),
    "cx.conversation.note.v1": lambda: CHAT.note("19", "chat-42", BEN, "refund agreed"),
    "cx.conversation.topic.v1": lambda: CHAT.topic("20", "chat-42", BEN, "charged twice"),
    "cx.conversation.disposition.v1": lambda: CHAT.disposition("21", "chat-42", BEN, "refunded", reason="by hand"),
    "cx.conversation.promised.v1": lambda: CHAT.promise(
        "22", "chat-42", BEN, "49.90 EUR back", due=datetime(2026, 11, 22, 17, tzinfo=UTC)
    ),
    "cx.conversation.assigned.v1": lambda: CHAT.assign("23", "chat-42", BEN, to={"id": "eva"}, reason="she knows it"),
    "cx.conversation.unassigned.v1": lambda: CHAT.unassign("24", "chat-42", BEN, reason="her shift is over"),
    "cx.conversation.snoozed.v1": lambda: CHAT.snooze("25", "chat-42", BEN, "2026-11-22T16:00:00Z"),
    "cx.conversation.undone.v1": lambda: CHAT.undo("26", "chat-42", BEN, "//acme.example/chat#19"),
    "cx.conversation.resolved.v1": lambda: CHAT.resolve("27", "chat-42", BEN, reason="refunded"),
    "cx.conversation.reopened.v1": lambda: CHAT.reopen("28", "chat-42", BEN, reason="half of it came"),
    "cx.survey.answered.v1": lambda: CHAT.survey_answered("14", ANA, "csat", 5, comment="Great"),
}


@pytest.mark.parametrize("type", BUILT)
def test_built_events_are_of_their_type_and_accepted(type: str) -> None:
    event = BUILT[type]()
    assert event["type"] == type
    assert type in catalogue()
    assert check_event(event) == []


def test_acts_say_when_and_of_what() -> None:
    due = datetime(2026, 11, 22, 18, tzinfo=timezone(timedelta(hours=1)))
    assert CHAT.promise("1", "chat-42", BEN, "a call", due=due)["data"]["promise"] == {
        "text": "a call",
        "due": "2026-11-22T17:00:00Z",
    }
    ended = CHAT.promise_ended("2", "chat-42", BEN, "//acme.example/chat#1", kept=True)["data"]
    assert ended["promise"] == {"of": "//acme.example/chat#1", "kept": True}
    opened = CHAT.promise_ended("3", "chat-42", BEN, "//acme.example/chat#1", kept=None)["data"]
    assert opened["promise"] == {"of": "//acme.example/chat#1"}
    assert "until" not in CHAT.snooze("4", "chat-42", BEN, None)["data"]
    assert "assignee" not in CHAT.assign("5", "chat-42", BEN)["data"]
    with pytest.raises(Refused) as caught:
        CHAT.snooze("6", "chat-42", BEN, datetime(2026, 11, 22, 18))
    assert caught.value.reason == "bad-time"
    with pytest.raises(Refused) as caught:
        CHAT.promise("7", "chat-42", BEN, "a call", due="tomorrow")
    assert "due" in caught.value.detail


def test_an_event_holds_what_was_given_and_nothing_else() -> None:
    at = datetime(2026, 11, 22, 12, 2, 11, tzinfo=timezone(timedelta(hours=2)))
    order = (reference(kind, "4711") for kind in ["order"])
    assert CHAT.message_received("m-1", "chat-42", "Twice!", ANA, references=order, time=at, topic=None) == {
        "specversion": "1.0",
        "id": "m-1",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "time": "2026-11-22T10:02:11Z",
        "data": {
            "channel": "chat",
            "participants": [
                {
                    "role": "customer",
                    "name": "Ana",
                    "identifiers": [
                        {"kind": "email", "value": "ana@example.com"},
                        {"kind": "cookie", "value": "c-7"},
                    ],
                }
            ],
            "interaction": "chat-42",
            "message": {"id": "m-1", "text": "Twice!", "content_type": "text/plain"},
            "direction": "inbound",
            "references": [{"kind": "order", "value": "4711"}],
        },
    }


def test_a_weight_is_of_all_but_the_cookie() -> None:
    person = customer(account="A-7", cookie="c-7", identifiers=[identifier("line", "U1")], weight="proved")
    weights = [(each["kind"], each.get("weight")) for each in person["identifiers"]]
    assert weights == [("account", "proved"), ("cookie", None), ("line", None)]


WRONG: dict[str, tuple[Callable[[], Any], str, str]] = {
    "an empty id": (lambda: CHAT.interaction_started("", "chat-42"), "missing-id", "id is missing"),
    "no interaction": (lambda: CHAT.interaction_started("1", ""), "missing-data", "data.interaction"),
    "a typo": (lambda: CHAT.event("cx.mesage.received.v1", "1"), "probable-mistake", "cx.message.received.v1"),
    "a member": (lambda: CHAT.interaction_started("1", "c", refernces=[]), "probable-mistake", "references"),
    "a word": (lambda: CHAT.survey_answered("1", ANA, "npss", 5), "bad-data", "allowed are ces, csat, nps"),  # type: ignore[arg-type]
    "a naive time": (lambda: CHAT.interaction_started("1", "c", time=datetime(2026, 1, 1)), "bad-time", "zone"),
    "a wrong time": (lambda: CHAT.interaction_started("1", "c", time="today"), "bad-time", "RFC 3339"),
    "not JSON": (lambda: CHAT.interaction_started("1", "c", attributes={"a": object()}), "not-json", "JSON"),
    "a number": (lambda: CHAT.interaction_started("1", "c", customer(phone="555 0100")), "probable-mistake", "country"),
    "an empty address": (lambda: customer(email=" "), "empty-identifier", "email"),
    "a decision": (lambda: CHAT.event("cx.identity.merged.v1", "1"), "reserved-type", "the hub's own routes"),
    "a source": (lambda: EventBuilder("my chat").interaction_started("1", "c"), "bad-source", "URI-reference"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_the_hub_would_refuse_is_told(what: str) -> None:
    build, reason, detail = WRONG[what]
    with pytest.raises(Refused) as caught:
        build()
    assert caught.value.reason == reason
    assert detail in caught.value.detail


def test_a_lenient_builder_builds_what_is_merely_doubtful() -> None:
    lenient = EventBuilder("//acme.example/crm", strict=False)
    event = lenient.interaction_started("1", "c", customer(phone="555 0100"))
    (warning,) = check_event(event)
    assert "'555 0100' identifies nobody (invalid)" in warning


def test_the_scopes_of_a_key_are_heeded() -> None:
    narrow = EventBuilder("//acme.example/chat", scopes={"events:write"})
    with pytest.raises(Refused, match="missing-scope"):
        narrow.identity_verified("1", "chat-42", ANA, evidence="login")
    with pytest.raises(Refused, match="identity:prove"):
        narrow.interaction_started("1", "c", customer(account="A-7", weight="proved"))


def test_a_time_in_utc_stays_exact() -> None:
    event = CHAT.interaction_started("1", "c", time=datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC))
    assert event["time"] == "2026-11-22T10:00:00.000001Z"
