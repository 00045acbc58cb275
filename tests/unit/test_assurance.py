"""Test how sure a context is of its customer, and what was proved in a conversation: nobody is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from cx_context.document import encode_body
from cx_context.fold import apply, new_part
from cx_context.parts.values import KEYS_KEPT
from cx_context.reference_definition import define_bodies
from cx_context.sections.assurance import PROOFS_SHOWN
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, a_fact
from cx_identity.rules import DEFAULT

PHONE, EMAIL, CRM = "+15550100123", "ana@example.com", "C-1009"
VERIFIED, ASSERTED = "cx.identity.verified.v1", "cx.identity.asserted.v1"


def body_of(facts: Sequence[Fact]) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, 72 * HOUR).values()
    return body


def ringing() -> Fact:
    return a_fact("cx.interaction.started.v1", id="r", interaction="call-7", channel="voice", phone=PHONE)


def pin(id: str = "pin", at: int = START + MINUTE, evidence: str = "ivr-pin") -> Fact:
    who = [Identifier(kind="phone", value=PHONE), Identifier(kind="crm", value=CRM)]
    return a_fact(
        VERIFIED, id=id, at=at, interaction="call-7", channel="voice", identifiers=who, data={"evidence": evidence}
    )


def test_a_caller_who_passed_the_ivr_is_verified_there() -> None:
    body = body_of([ringing(), pin()])
    (conversation,) = body["conversations"]
    crm, phone = conversation["verified"]
    assert (crm["kind"], crm["value"], phone["kind"], phone["value"]) == ("crm", CRM, "phone", PHONE)
    assert {k: phone[k] for k in ("method", "at", "expires_at", "channel", "interaction", "event")} == {
        "method": "ivr-pin",
        "at": "2026-11-22T10:01:00Z",
        "expires_at": "2026-11-23T10:01:00Z",
        "channel": "voice",
        "interaction": "call-7",
        "event": {"source": "//acme.example/chat", "id": "pin"},
    }
    assert body["now"]["verified"] == crm
    assert [i["verified_by"] for i in body["customer"]["identifiers"]] == ["ivr-pin", "ivr-pin"]
    assert all(i["verified_at"] == "2026-11-22T10:01:00Z" for i in body["customer"]["identifiers"])
    assert body["customer"]["assurance"] == {
        "level": "proved",
        "verified": crm,
        "confidence": 0.95,
        "weakest": {"profile": body["customer"]["identifiers"][0]["profile"], "rule": "ivr-pin"},
    }


def test_a_caller_known_only_by_number_is_claimed() -> None:
    body = body_of([ringing()])
    assert body["customer"]["assurance"] == {"level": "claimed", "verified": None, "confidence": 1.0, "weakest": None}
    assert body["now"]["verified"] is None
    assert body["conversations"][0]["verified"] == []


def test_a_contact_that_names_nobody_vouches_for_nobody() -> None:
    body = body_of([a_fact("cx.interaction.started.v1", id="r", interaction="call-7", channel="voice")])
    assert body["customer"]["assurance"] == {"level": "none", "verified": None, "confidence": 0.0, "weakest": None}


def test_a_crms_verified_flag_proves_nothing_in_a_conversation() -> None:
    screen_pop = a_fact(
        ASSERTED, id="pop", at=START + MINUTE, interaction="call-7", channel="crm", phone=PHONE, crm=CRM, verified=True
    )
    body = body_of([ringing(), screen_pop])
    assert body["conversations"][0]["verified"] == []
    assert body["customer"]["assurance"]["level"] == "asserted"
    assert [i["verified_at"] for i in body["customer"]["identifiers"]] == ["2026-11-22T10:01:00Z"] * 2
    assert [i["verified_by"] for i in body["customer"]["identifiers"]] == [None, None]


def test_a_login_outside_contacts_verifies_identifiers_alone() -> None:
    login = a_fact(VERIFIED, id="login", channel="web", phone=PHONE, email=EMAIL, data={"evidence": "login"})
    body = body_of([ringing(), login])
    assert body["conversations"][0]["verified"] == []
    assert body["now"]["verified"] is None
    assert body["customer"]["assurance"]["level"] == "claimed"
    assert body["customer"]["assurance"]["verified"] is None
    assert [i["verified_by"] for i in body["customer"]["identifiers"]] == ["login", "login"]


def test_only_the_identifiers_that_a_verification_flags_are_verified() -> None:
    who = [Identifier(kind="email", value=EMAIL, verified=True), Identifier(kind="cookie", value="c-7")]
    code = a_fact(VERIFIED, id="v", interaction="chat-1", identifiers=who, data={"evidence": "one-time-code"})
    (conversation,) = body_of([code])["conversations"]
    assert [(p["kind"], p["method"]) for p in conversation["verified"]] == [("email", "one-time-code")]


def test_identifiers_of_links_are_verified_where_they_are_flagged() -> None:
    links = [[{"kind": "email", "value": EMAIL, "verified": True}, {"kind": "cookie", "value": "c-7"}]]
    code = a_fact(VERIFIED, id="v", interaction="chat-1", email=EMAIL, data={"links": links})
    (conversation,) = body_of([code])["conversations"]
    assert [(p["kind"], p["method"]) for p in conversation["verified"]] == [("email", "verified")]


def test_an_identifier_checked_by_its_channel_is_verified() -> None:
    said = a_fact(id="m-1", interaction="chat-1", email=EMAIL, verified=True, text="Hello")
    (conversation,) = body_of([said])["conversations"]
    assert [(p["kind"], p["method"]) for p in conversation["verified"]] == [("email", "channel")]


def test_the_latest_proof_per_method_is_listed_newest_first() -> None:
    facts = [ringing(), pin(), pin("again", START + 2 * MINUTE), pin("code", START + 3 * MINUTE, "one-time-code")]
    bodies = {encode_body(body_of(order)) for order in permutations(facts)}
    assert len(bodies) == 1
    (conversation,) = body_of(facts)["conversations"]
    assert [(p["kind"], p["method"], p["event"]["id"]) for p in conversation["verified"]] == [
        ("crm", "one-time-code", "code"),
        ("phone", "one-time-code", "code"),
        ("crm", "ivr-pin", "again"),
        ("phone", "ivr-pin", "again"),
    ]


@pytest.mark.parametrize("reverse", [False, True])
def test_proofs_are_bounded_and_the_latest_stay(reverse: bool) -> None:
    facts = [
        a_fact(
            VERIFIED, id=f"v-{n}", at=START + n * SECOND, interaction="chat-1", email=EMAIL, data={"evidence": f"m-{n}"}
        )
        for n in range(2 * KEYS_KEPT)
    ]
    first, *rest = reversed(facts) if reverse else facts
    part = new_part(first)
    for fact in rest:
        apply(part, fact)
    assert len(part.proofs) == KEYS_KEPT
    assert f"email\n\n{EMAIL}\nm-{2 * KEYS_KEPT - 1}" in part.proofs
    assert len(body_of(facts)["conversations"][0]["verified"]) == PROOFS_SHOWN
