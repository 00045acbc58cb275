"""Test what an agent sees at a glance: each line of the right source, the same in any order of events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from tests.unit.test_acts import DESK, WINDOW, act, outcome, promised, said

from cx_context.document import context_body
from cx_context.explain.counterfactual import CustomerHistory
from cx_context.explain.lineage import explain_value
from cx_context.reference_definition import define, define_bodies
from cx_context.sections.assured_read import assured_facts
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, MINUTE, START, a_fact
from cx_identity.rules import DEFAULT


def body_of(facts: Sequence[Fact]) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, WINDOW).values()
    return body


def glance_of(*facts: Fact) -> dict[str, Any]:
    found: dict[str, Any] = body_of(facts)["glance"]
    return found


def why(*facts: Fact) -> tuple[str, str, str] | None:
    """(from, text, event id), which is the same in any order."""
    found = [glance_of(*order)["why_now"] for order in permutations(facts)]
    assert all(other == found[0] for other in found)
    return (found[0]["from"], found[0]["text"], found[0]["event"]["id"]) if found[0] is not None else None


def answered(number: int, text: str = "Soon", interaction: str = "chat-1") -> Fact:
    return act(number, "message.sent", interaction, direction="outbound", message={"id": f"a-{number}", "text": text})


TOPIC = act(1, "conversation.topic", topic="billing")
INTENT = act(2, "bot.turn", bot={"intent": "refund", "text": "Which order?"})
ASKED = act(3, "handoff.requested", reason="can't refund", handoff={"packet": {"summary": "charged\n twice"}})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([said(0)], ("message", "line 0", "e-0")),
        ([said(0), said(1)], ("message", "line 0", "e-0")),
        ([said(0), answered(1), said(2)], ("message", "line 2", "e-2")),
        ([said(0), answered(1)], None),
        ([said(0), act(1, "interaction.ended")], None),
        ([said(0), TOPIC], ("topic", "billing", "e-1")),
        ([said(0), TOPIC, INTENT], ("intent", "refund", "e-2")),
        ([said(0), TOPIC, INTENT, ASKED], ("handoff", "charged twice", "e-3")),
        ([said(0), act(3, "handoff.requested", reason="angry")], ("handoff", "angry", "e-3")),
        ([said(0), act(3, "handoff.requested"), TOPIC], ("topic", "billing", "e-1")),
        ([said(0), INTENT, ASKED, act(4, "handoff.accepted")], ("intent", "refund", "e-2")),
        ([said(0), ASKED, act(4, "conversation.resolved")], None),
    ],
)
def test_why_now_is_the_first_line_there_is(facts: list[Fact], expected: tuple[str, str, str] | None) -> None:
    assert why(*facts) == expected


def test_the_last_words_are_of_each_side() -> None:
    glance = glance_of(said(0), answered(1, "Which order?"), said(500, "call-1"), answered(2, "Hello?"))
    customer, business = glance["last_words"]["customer"], glance["last_words"]["business"]
    assert (customer["text"], customer["interaction"], customer["event"]["id"]) == ("line 500", "call-1", "e-500")
    assert (business["text"], business["name"], business["event"]["id"]) == ("Hello?", "Ben", "e-2")
    assert glance_of(said(0))["last_words"]["business"] is None


def test_deleted_words_are_not_the_last() -> None:
    gone = act(2, "message.deleted", message={"id": "e-1"})
    assert glance_of(said(0), said(1), gone)["last_words"]["customer"]["text"] == "line 0"


def test_open_promises_stand_in_the_order_they_are_due() -> None:
    soon, late = "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"
    story = [promised(1, "undated"), promised(2, "late", late), promised(3, "soon", soon), promised(4, "kept")]
    found = glance_of(said(0), *story, outcome(5, 4, True))["promises"]
    assert [promise["text"] for promise in found] == ["soon", "late", "undated"]


def test_known_is_what_was_learned_and_proved() -> None:
    slots = [act(n, "bot.slot", bot={"slots": each}) for n, each in ((1, {"order": "1"}), (2, {"order": "2", "n": 3}))]
    login = a_fact(
        "cx.identity.verified.v1", id="v", at=START + MINUTE, interaction="chat-1", data={"evidence": "login"},
        identifiers=[Identifier(kind="email", value="ana@example.com", verified=True)],
    )  # fmt: skip
    known = glance_of(said(0), *slots, login)["known"]
    assert [(each["name"], each["value"], each["from"], each["event"]["id"]) for each in known] == [
        ("email", "ana@example.com", "proof", "v"),
        ("order", "2", "bot", "e-2"),
        ("n", 3, "bot", "e-2"),
    ]
    assert (known[0]["method"], known[0]["expires_at"]) == ("login", "2026-11-23T10:01:00Z")


def test_moods_have_a_history_of_twenty() -> None:
    moods = [
        act(n, "insight.found", agent=None, insight={"producer": "p", "version": "1", "sentiment": -n / 100})
        for n in range(1, 25)
    ]
    mood = body_of([said(0), *moods])["sentiment"]
    assert [each["score"] for each in mood["history"]] == [-n / 100 for n in range(5, 25)]
    assert mood["history"][-1]["event"] == {"source": DESK, "id": "e-24"}
    assert mood["current"] == -0.195


def test_a_glance_tells_where_each_line_comes_from() -> None:
    facts = [
        said(0),
        TOPIC,
        INTENT,
        ASKED,
        answered(4),
        promised(5, "a refund"),
        act(6, "bot.slot", bot={"slots": {"a": 1}}),
    ]
    (known,) = define(facts, ACME, DEFAULT).known.values()
    history = CustomerHistory(known, facts, WINDOW)
    for path, events in {
        ("glance", "why_now", "text"): {"e-3"},
        ("glance", "last_words", "customer", "text"): {"e-0"},
        ("glance", "promises", f"{DESK}#e-5", "text"): {"e-5"},
        ("glance", "known", "a", "value"): {"e-6"},
    }.items():
        assert {fact.event.id for fact in explain_value(history, path).facts} == events, path


def test_an_assured_glance_leaves_out_what_a_claim_ties() -> None:
    crm = [Identifier(kind="crm", value="C-1"), Identifier(kind="email", value="ana@example.com")]
    known = a_fact("cx.identity.asserted.v1", id="crm", identifiers=crm, weight="asserted")
    mail = a_fact(id="own", at=START + MINUTE, interaction="mail-1", channel="email", email="ana@example.com",
                  weight="asserted", text="mine")  # fmt: skip
    claim = a_fact(id="claim", at=START + 2 * MINUTE, interaction="chat-9", email="ana@example.com", cookie="c-9",
                   weight="claimed", text="not mine")  # fmt: skip
    (facts,) = define([known, mail, claim], ACME, DEFAULT).known.values()
    plain = context_body(facts, WINDOW)["glance"]["last_words"]["customer"]["text"]
    assured = context_body(assured_facts(facts, WINDOW), WINDOW)["glance"]["last_words"]["customer"]["text"]
    assert (plain, assured) == ("not mine", "mine")
