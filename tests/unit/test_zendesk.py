"""Zendesk: which proof each product has, and one message that two doors tell of."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from cx_channels.chat.zendesk import PROVIDER
from cx_channels.chat.zendesk.people import app_user
from cx_channels.chat.zendesk.signature import HEADER, KEY_HEADER, OF_TESTS, TIME_HEADER
from cx_channels.provider import Connection, Request
from cx_events.envelope import Draft
from cx_events.errors import Fatal, Refused
from cx_events.timestamps import parse_time

AT = "2026-11-19T10:00:00Z"
NOW = parse_time(AT)
MINUTE = 60_000_000
MESSAGE = "60a1b2c3d4e5f60718293001"
CONVERSATION = "0a1b2c3d4e5f60718293a4b5"


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("acme-zendesk", "acme", "chat/zendesk", secrets, settings=settings)


def signed(body: bytes, secret: str) -> Request:
    made = b64encode(hmac.digest(secret.encode(), AT.encode() + body, "sha256")).decode()
    return Request(body, headers={TIME_HEADER.lower(): AT, HEADER.lower(): made}, received=NOW)


def refusal(request: Request, given: Connection) -> str:
    assert PROVIDER.verify is not None
    try:
        PROVIDER.verify(request, given)
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    return ""


def ticket_event(kind: str, event: dict[str, Any], channel: str = "email") -> dict[str, Any]:
    return {
        "type": f"zen:event-type:{kind}", "id": "01HNXX001", "account_id": 12514403, "subject": "zen:ticket:141",
        "time": AT, "detail": {"id": "999", "requester_id": "8447", "via": {"channel": channel}}, "event": event,
    }  # fmt: skip


def mapped(body: dict[str, Any]) -> Draft:
    (draft,) = PROVIDER.map(Request(json.dumps(body).encode(), received=NOW), connection()).drafts
    return draft


def test_support_signs_time_and_body() -> None:
    known = connection("new", "old", webhooks="support")
    request = signed(b"{}", "old")
    assert refusal(request, known) == ""
    assert refusal(signed(b"", "new"), known) == ""
    assert refusal(replace(request, body=b"{ }"), known) == "bad-signature"
    assert refusal(replace(request, received=NOW + 6 * MINUTE), known) == "too-old"
    assert refusal(replace(request, received=NOW - 6 * MINUTE), known) == "too-old"


@pytest.mark.parametrize("webhooks", ["support", "conversations"])
def test_the_other_products_proof_is_none(webhooks: str) -> None:
    known = connection("a secret", webhooks=webhooks)
    with_key = Request(b"{}", headers={KEY_HEADER.lower(): "a secret"}, received=NOW)
    found = [refusal(each, known) for each in (signed(b"{}", "a secret"), with_key)]
    assert found == (["", "missing-signature"] if webhooks == "support" else ["missing-signature", ""])


def test_the_secret_that_everybody_knows_is_taken_nowhere() -> None:
    assert refusal(signed(b"{}", OF_TESTS), connection(OF_TESTS, webhooks="support")) == "bad-signature"
    with pytest.raises(Fatal, match="everybody knows"):
        PROVIDER.warnings(connection(OF_TESTS))
    with pytest.raises(Fatal, match="webhooks"):
        PROVIDER.warnings(connection("a secret", webhooks="targets"))


def test_one_message_through_two_doors_has_one_id() -> None:
    author = {"type": "user", "userId": "7494535b"}
    message = {"id": MESSAGE, "author": author, "content": {"type": "text", "text": "Hello"}}
    payload = {"conversation": {"id": CONVERSATION}, "message": message}
    conversation = {"app": {"id": "5fb2"}, "events": [{"id": "1", "type": "conversation:message", "payload": payload}]}
    line = {"actor": {"type": "end_user", "id": "8447"}, "conversation_id": CONVERSATION}
    messaging = ticket_event("messaging_ticket.message_added", {**line, "message": {"id": MESSAGE, "body": "Hello"}})
    one, other = mapped(conversation), mapped(messaging)
    assert (one.id, one.data.interaction, one.type) == (other.id, other.data.interaction, other.type)
    assert [each.value for each in other.data.references] == ["ticket/141"]


@pytest.mark.parametrize(
    ("channel", "weight"), [("email", "claimed"), ("web", "claimed"), ("native_messaging", "proved")]
)
def test_only_the_messenger_proves_its_users(channel: str, weight: str) -> None:
    comment = {"id": "1", "body": "Hello", "is_public": True, "author": {"id": "8447", "is_staff": False}}
    draft = mapped(ticket_event("ticket.comment_added", {"comment": comment}, channel))
    assert [each.weight for each in draft.data.participants[0].identifiers] == [weight]
    assert draft.data.interaction == "acme-zendesk/ticket/141"


def numbers(identities: list[str], external: str = "", kind: str = "whatsapp") -> list[tuple[str, str]]:
    source = {"client": {"type": kind, "externalId": external}} if external else {}
    user = {"id": "7001", "identities": [{"type": "phone_number", "value": each} for each in identities]}
    return [(each.value, each.weight) for each in app_user(user, "app-1", source).identifiers if each.kind == "phone"]


def test_a_noted_number_stays_as_it_was_noted() -> None:
    """With a plus before it, a number of Virginia would be one of Austria."""
    assert numbers(["(434) 555-0177"]) == [("(434) 555-0177", "claimed")]
    assert numbers(["+14345550177"]) == [("+14345550177", "claimed")]
    assert numbers(["14345550177"], "14345550177") == [("+14345550177", "proved")]
    assert numbers(["14345550188"], "+14345550177", "twilio") == [
        ("14345550188", "claimed"), ("+14345550177", "claimed"),
    ]  # fmt: skip
