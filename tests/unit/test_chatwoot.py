"""Chatwoot's signature, and what a version that signs nothing may say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cx_channels.chat.chatwoot import PROVIDER
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused

AT = 1_795_860_000
REQUEST = Request(
    b'{"event":"message_created","id":"1"}',
    headers={
        "x-chatwoot-timestamp": str(AT),
        "x-chatwoot-signature": "sha256=7abcf4873e13453d1d29c10a6a239839f42f72ecb4852ab1c6aa6ef605ad96b3",
    },
    received=AT * 1_000_000,
)
UNSIGNED = Request(
    b'{"event":"message_created","id":1,"content":"hi","message_type":"incoming","account":{"id":3},'
    b'"conversation":{"id":42,"meta":{"hmac_verified":true,"sender":{"id":5,"identifier":"A-7"}}}}',
    query=(("token", "example-secret"),),
)


def connection(**settings: object) -> Connection:
    return Connection("acme-chatwoot", "acme", "chat/chatwoot", ("example-secret",), None, settings)


def verify(request: Request, connection: Connection) -> None:
    assert PROVIDER.verify is not None
    PROVIDER.verify(request, connection)


def test_a_known_signature_passes() -> None:
    verify(REQUEST, connection())


def test_a_time_of_another_form_is_refused() -> None:
    for wrong in ("", "1795860000.5", "+1795860000", "soon"):
        with pytest.raises(Refused):
            verify(replace(REQUEST, headers={**REQUEST.headers, "x-chatwoot-timestamp": wrong}), connection())


def test_unsigned_requests_need_a_setting_and_a_token() -> None:
    with pytest.raises(Refused):
        verify(UNSIGNED, connection())
    verify(UNSIGNED, connection(unsigned="accept"))
    for query in ((), (("token", "x"),), (("token", ""),)):
        with pytest.raises(Refused):
            verify(replace(UNSIGNED, query=query), connection(unsigned="accept"))


def test_a_wrong_signature_is_no_unsigned_request() -> None:
    signed = replace(UNSIGNED, headers={"x-chatwoot-signature": "sha256=00", "x-chatwoot-timestamp": str(AT)})
    with pytest.raises(Refused):
        verify(replace(signed, received=AT * 1_000_000), connection(unsigned="accept"))


@pytest.mark.parametrize(("setting", "weights"), [("refuse", ["proved", "proved"]), ("accept", ["claimed", "claimed"])])
def test_what_is_unsigned_is_a_claim(setting: str, weights: list[str]) -> None:
    mapped = PROVIDER.map(UNSIGNED, connection(unsigned=setting))
    (person,) = mapped.drafts[0].data.participants
    assert [each.weight for each in person.identifiers] == weights


@pytest.mark.parametrize(
    ("channel", "source", "weight"),
    [
        ("Channel::Whatsapp", "442079460101", "asserted"),
        ("Channel::TwilioSms", "whatsapp:+442079460101", "asserted"),
        ("Channel::TwilioSms", "+442079460101", "claimed"),
        ("Channel::Sms", "+442079460101", "claimed"),
        ("Channel::Voice", "+442079460101", "claimed"),
        ("Channel::WebWidget", "whatsapp:+442079460101", "claimed"),
    ],
)
def test_a_forgeable_number_is_a_claim(channel: str, source: str, weight: str) -> None:
    talk = {
        "id": 42, "channel": channel, "contact_inbox": {"source_id": source},
        "meta": {"sender": {"id": 5, "phone_number": "+442079460101"}},
    }  # fmt: skip
    notice = {
        "event": "message_created", "id": 1, "content": "hi", "message_type": "incoming", "account": {"id": 3},
        "conversation": talk,
    }  # fmt: skip
    (draft,) = PROVIDER.map(Request(json.dumps(notice).encode()), connection()).drafts
    assert [each.weight for each in draft.data.participants[0].identifiers if each.kind == "phone"] == [weight]
