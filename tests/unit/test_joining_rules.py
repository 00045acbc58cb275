"""Each rule that joins an interaction to a conversation shows in the document: rule, evidence and how sure it is; and
who comes back about a settled matter opens it again."""

from __future__ import annotations

from typing import Any

import pytest

from cx_context.reference_definition import define_bodies
from cx_context.threading.conversations import CONFIDENCE
from cx_events.continuity_tokens import ISSUED, token_id
from cx_events.facts import Fact, decision_source
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, START, a_decision, a_fact, fact_of
from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT

ANA = ACME.profile("email", "", "ana@example.com")
WINDOW = 72 * HOUR
ID = token_id("12345678", ACME)


def contact(name: str, at: Micros, *references: tuple[str, str], channel: str = "chat", **more: Any) -> Fact:
    data = {"references": [{"kind": kind, "value": value} for kind, value in references]}
    return a_fact(
        id=name, interaction=name, email="ana@example.com", text=name, at=at, channel=channel, data=data, **more
    )


def decided(type: str, about: Fact, at: Micros, **data: Any) -> Fact:
    conversation = {"id": text_of(about.part_id), **data.pop("conversation", {})}
    fields = {"interaction": about.event.data.interaction, "conversation": conversation, **data}
    return fact_of(a_decision(type, id=f"{type}/{at}", about=about.stream_id, at=at, data=fields))


def conversations(*facts: Fact) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = define_bodies(facts, ACME, DEFAULT, WINDOW)[ANA]["conversations"]
    return sorted(shown, key=lambda c: c["opened_at"])


FIRST = contact("mail-1", START, ("message", "m-1@example.com"), ("order", "4711"), channel="email")
BARE = contact("mail-1", START, channel="email")
FAR = START + 30 * DAY

RULES = [
    ("window", "interaction:mail-1", 0.6, [BARE, contact("chat-1", START + 70 * HOUR)]),
    ("matter", "order:4711", 0.85, [FIRST, contact("chat-1", FAR, ("order", "4711"))]),
    ("reference", "message:m-1@example.com", 0.95, [FIRST, contact("chat-1", FAR, ("message", "m-1@example.com"))]),
    ("reference", "interaction:mail-1", 0.95, [BARE, contact("chat-1", FAR, ("interaction", "mail-1"))]),
    (
        "reference",
        "call:CA1",
        0.95,
        [contact("calls/CA1", START, channel="voice"), contact("chat-1", FAR, ("call", "CA1"))],
    ),
    (
        "token",
        f"token:{ID}",
        0.98,
        [
            BARE,
            decided(ISSUED, BARE, FAR - HOUR, token={"id": ID, "lifetime_s": 7200}),
            contact("chat-1", FAR, ("token", ID)),
        ],
    ),
    ("token", "token:made-elsewhere", 0.98, [
        contact("mail-1", START, ("token", "made-elsewhere")), contact("chat-1", FAR, ("token", "made-elsewhere")),
    ]),
    (
        "person",
        f"{decision_source('acme')}#cx.conversation.linked.v1/{FAR + HOUR}",
        1.0,
        [
            BARE,
            contact("chat-1", FAR),
            decided(
                "cx.conversation.linked.v1",
                contact("chat-1", FAR),
                FAR + HOUR,
                conversation={"other": text_of(BARE.part_id)},
            ),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "evidence", "confidence", "facts"), RULES, ids=[f"{r[0]}-{r[1][:20]}" for r in RULES])
def test_a_rule_shows_itself_with_its_evidence(rule: str, evidence: str, confidence: float, facts: list[Fact]) -> None:
    for order in (facts, facts[::-1]):
        (conversation,) = conversations(*order)
        first, second = conversation["joined"]
        assert (first["rule"], first["evidence"], first["confidence"]) == ("first", None, 1.0)
        assert second == {
            "interaction": "chat-1",
            "rule": rule,
            "evidence": evidence,
            "confidence": confidence,
            "level": "claimed",
        }


def test_every_rule_is_tried_here() -> None:
    assert {rule for rule, *_ in RULES} == set(CONFIDENCE)


@pytest.mark.parametrize("channel", ["chat", "voice", "email", "social", "sms"])
@pytest.mark.parametrize("settled", [HOUR, 10 * DAY])
def test_a_contact_within_the_window_reopens_the_matter(channel: str, settled: Micros) -> None:
    resolved = decided("cx.conversation.resolved.v1", FIRST, START + settled)
    again = contact("again", START + settled + WINDOW - MINUTE, channel=channel)
    assert [c["state"] for c in conversations(FIRST, resolved)] == ["resolved"]
    (conversation,) = conversations(again, resolved, FIRST)
    assert conversation["state"] == "open"
    assert [(j["interaction"], j["rule"]) for j in conversation["joined"]] == [("mail-1", "first"), ("again", "window")]


def test_an_incoming_call_reopens_before_a_word_is_said() -> None:
    resolved = decided("cx.conversation.resolved.v1", FIRST, START + HOUR)
    rings = a_fact("cx.interaction.started.v1", id="r", interaction="call-1", email="ana@example.com", channel="voice",
                   at=START + DAY)  # fmt: skip
    assert [c["state"] for c in conversations(FIRST, resolved, rings)] == ["open"]


def test_a_late_or_different_contact_begins_anew() -> None:
    resolved = decided("cx.conversation.resolved.v1", FIRST, START + HOUR)
    for other in (
        contact("again", START + HOUR + WINDOW + MINUTE),
        contact("again", START + DAY, ("order", "4712")),
    ):
        assert [c["state"] for c in conversations(FIRST, resolved, other)] == ["resolved", "open"]


def test_the_same_order_number_always_reopens() -> None:
    resolved = decided("cx.conversation.resolved.v1", FIRST, START + HOUR)
    assert [c["state"] for c in conversations(FIRST, resolved, contact("again", FAR, ("order", "4711")))] == ["open"]


def test_what_the_business_says_afterwards_opens_nothing() -> None:
    resolved = decided("cx.conversation.resolved.v1", FIRST, START + HOUR)
    answer = a_fact("cx.message.sent.v1", id="a", interaction="mail-1", email="ana@example.com", at=START + DAY,
                    data={"direction": "outbound", "message": {"id": "a", "text": "glad to hear"}})  # fmt: skip
    assert [c["state"] for c in conversations(FIRST, resolved, answer)] == ["resolved"]


def test_an_open_matter_is_preferred_to_a_settled_one() -> None:
    one = contact("one", START, ("order", "1"))
    settled = contact("settled", START + MINUTE, ("order", "2"))
    later = a_fact(id="more", interaction="one", email="ana@example.com", text="and?", at=START + HOUR)
    resolved = decided("cx.conversation.resolved.v1", settled, START + 2 * HOUR)
    found = conversations(one, settled, later, resolved, contact("again", START + 3 * HOUR))
    assert [[j["interaction"] for j in c["joined"]] for c in found] == [["one", "again"], ["settled"]]
