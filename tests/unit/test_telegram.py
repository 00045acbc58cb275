"""Telegram: its secret token, whose a message is, and what counts as the same message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.provider import Connection, Mapped, Request
from cx_channels.registry import provider
from cx_events.errors import Refused

TELEGRAM = provider("social/telegram")
ANA = {"id": 2000000001, "is_bot": False, "first_name": "Ana"}
CHAT = {"id": 2000000001, "type": "private"}


def mapped(field: str, value: dict[str, Any], number: int = 1, **settings: Any) -> Mapped:
    body = json.dumps({"update_id": number, field: value}).encode()
    return TELEGRAM.map(Request(body), Connection("try", "acme", "social/telegram", settings=settings))


def message(**more: Any) -> dict[str, Any]:
    return {"message_id": 7, "from": ANA, "chat": CHAT, "date": 1795000000, **more}


@pytest.mark.parametrize(
    ("token", "passes"),
    [("example_secret-1", True), ("an_older-one", True), ("example_secret-1 ", False), ("Example_secret-1", False),
     ("", False), ("example_secret", False)],
)  # fmt: skip
def test_only_a_secret_token_opens_the_door(token: str, passes: bool) -> None:
    connection = Connection("try", "acme", "social/telegram", secrets=("example_secret-1", "an_older-one"))
    request = Request(b"{}", headers={"x-telegram-bot-api-secret-token": token} if token else {})
    assert TELEGRAM.verify is not None
    if passes:
        TELEGRAM.verify(request, connection)
        return
    with pytest.raises(Refused) as caught:
        TELEGRAM.verify(request, connection)
    assert caught.value.status == 401


def test_one_message_under_two_numbers_is_one_event() -> None:
    assert mapped("message", message(text="Hi"), 1).drafts == mapped("message", message(text="Hi"), 2).drafts


@pytest.mark.parametrize("user", [2000000002, None, "2000000001x"])
def test_a_card_of_another_proves_no_number(user: Any) -> None:
    card = {"phone_number": "+12015550145", "first_name": "Eve", "user_id": user}
    (draft,) = mapped("message", message(contact=card)).drafts
    assert [each.kind for person in draft.data.participants for each in person.identifiers] == ["telegram"]


def test_two_accounts_chats_with_one_person_differ() -> None:
    own = mapped("message", message(text="Hi")).drafts[0]
    one, other = (
        mapped("business_message", message(text="Hi", business_connection_id=each)).drafts[0] for each in ("BC1", "BC2")
    )
    assert len({own.id, one.id, other.id}) == 3
    assert len({each.data.interaction for each in (own, one, other)}) == 3


def test_others_in_a_business_chat_write_for_it() -> None:
    owner = {"id": 2000000009, "is_bot": False, "first_name": "Ben"}
    (draft,) = mapped("business_message", message(text="We do", business_connection_id="BC1", **{"from": owner})).drafts
    assert (draft.type, draft.data.direction) == ("cx.message.sent.v1", "outbound")
    agent, customer = draft.data.participants
    assert (agent.role, customer.role, customer.identifiers[0].value) == ("agent", "customer", "2000000001")


def test_what_begins_a_topic_is_not_answered() -> None:
    group = {"id": -1001, "type": "supergroup", "is_forum": True}
    there = {"chat": group, "message_thread_id": 70, "is_topic_message": True, "text": "Where to?"}
    for answered, reply in ((70, ""), (72, "-1001:72")):
        (draft,) = mapped("message", message(reply_to_message={"message_id": answered}, **there)).drafts
        assert draft.data.message is not None
        assert draft.data.message.in_reply_to == reply


@pytest.mark.parametrize("text", ["/start", "/start ", "/start a b", "/started x", "/start ümlaut"])
def test_what_is_no_payload_is_no_token(text: str) -> None:
    (draft,) = mapped("message", message(text=text)).drafts
    assert draft.data.references == []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases_of(TELEGRAM)])
def test_what_an_event_keeps_becomes_that_event_again(case: Case) -> None:
    ours = case.connection(TELEGRAM)
    try:
        drafts = TELEGRAM.map(case.request(TELEGRAM), ours).drafts
    except Refused:
        return
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert draft in TELEGRAM.map(Request(bytes(draft.data.raw)), ours).drafts
