"""Twilio's messages: vectors of its signature, whose a message is, and what a copy of one becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.provider import Connection, Mapped, Request
from cx_channels.registry import provider
from cx_events.errors import Refused

TWILIO = provider("chat/twilio")
FORM, JSON = {"content-type": "application/x-www-form-urlencoded"}, {"content-type": "application/json"}
VECTORS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "twilio"
HOOK = "https://hub.example.com/v1/hooks/acme-sms?a=1&b=%20x"
ACCOUNT = "AC00000000000000000000000000000001"
BODY = (
    "ToCountry=US&MessageSid=SM00000000000000000000000000000001&AccountSid=AC00000000000000000000000000000001"
    "&From=%2B14155550100&To=%2B14155550199&Body=caf%C3%A9+%2B1&NumMedia=0&FromCity="
)
SMS = {"MessageSid": "SM1", "From": "+14155550123", "To": "+14155550199", "Body": "Hi", "SmsStatus": "received"}


def mapped(fields: dict[str, str], **settings: Any) -> Mapped:
    request = Request(urlencode(fields).encode(), headers=FORM)
    return TWILIO.map(request, Connection("try", "acme", "chat/twilio", settings=settings))


def passes(request: Request, signature: str, token: str = "example-auth-token", **settings: Any) -> bool:
    connection = Connection("try", "acme", "chat/twilio", secrets=(token,) if token else (), settings=settings)
    headers = {**request.headers, "x-twilio-signature": signature}
    assert TWILIO.verify is not None
    try:
        TWILIO.verify(Request(request.body, "POST", request.url, headers=headers), connection)
    except Refused as refused:
        assert refused.status == 401
        return False
    return True


def test_an_empty_parameter_is_part_of_the_signature() -> None:
    request = Request(BODY.encode(), url=HOOK, headers=FORM)
    assert passes(request, "LRnGx8t1NL9NRTMJQmR/Z9GFeJQ=")
    assert not passes(request, "BFXmOAVUBGahKbtc7TVxTqBQC0o=")
    without = Request(BODY.removesuffix("&FromCity=").encode(), url=HOOK, headers=FORM)
    assert not passes(without, "LRnGx8t1NL9NRTMJQmR/Z9GFeJQ=")


def test_repeated_parameters_count_once_each_value() -> None:
    assert passes(Request(b"Tag=b&Tag=a&Tag=b&X=1", url=HOOK, headers=FORM), "G8bvXO089sX4Pl0/k16NRAOR2nc=")
    assert not passes(Request(b"Tag=b&Tag=c&X=1", url=HOOK, headers=FORM), "G8bvXO089sX4Pl0/k16NRAOR2nc=")


def test_a_json_body_is_covered_by_its_digest() -> None:
    digest = "48d78f5c5b957756ad675de989a4c474ed4c834a1deb77a42671d7723240bcb4"
    url = f"https://hub.example.com/v1/hooks/acme-conv?bodySHA256={digest}"
    body = b'{"EventType":"onMessageAdded","Body":"hi"}'
    assert passes(Request(body, url=url, headers=JSON), "lPorQEgpj/0FTtqsIfLAV8LFGXg=")
    assert not passes(Request(body + b" ", url=url, headers=JSON), "lPorQEgpj/0FTtqsIfLAV8LFGXg=")
    assert not passes(Request(body, url=url.partition("?")[0], headers=JSON), "lPorQEgpj/0FTtqsIfLAV8LFGXg=")


def test_a_shared_key_signs_where_the_header_names_it() -> None:
    named = {"x-twilio-webhooks-signature-settings": "key=webhooks_sharedkey_example,algorithm=HMAC_SHA256"}
    keys = {"webhooks_sharedkey_example": "example-shared-key"}
    signature = "RJDq7nDWvtOxBiRd5T7HS52dz6mfdCR56EiacbQ5UbM="
    request = Request(BODY.encode(), url=HOOK, headers=FORM | named)
    assert passes(request, signature, "", shared_keys=keys)
    assert not passes(Request(BODY.encode(), url=HOOK, headers=FORM), signature, "", shared_keys=keys)


@pytest.mark.parametrize("name", ["basic", "https-nonstandard-port-ignored", "json-body"])
def test_a_recorded_signature_holds(name: str) -> None:
    path = VECTORS / f"twilio-{name}.json"
    if not path.is_file():
        pytest.skip("there are no recordings")
    vector = json.loads(path.read_text(encoding="utf-8"))
    body = vector.get("body") or urlencode(vector["params"])
    request = Request(body.encode(), url=vector["url"], headers=JSON if "body" in vector else FORM)
    assert passes(request, vector["expected"], vector["auth_token"])
    assert not passes(request, vector["expected"], "another")


def cases() -> list[Any]:
    return [
        pytest.param(case, id=case.name) for case in cases_of(TWILIO) if case.file_name.endswith((".form", ".json"))
    ]


@pytest.mark.parametrize("case", cases())
def test_what_an_event_keeps_becomes_that_event_again(case: Case) -> None:
    connection = case.connection(TWILIO)
    try:
        drafts = TWILIO.map(case.request(TWILIO), connection).drafts
    except Refused:
        return
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert draft in TWILIO.map(Request(bytes(draft.data.raw), headers=JSON), connection).drafts


def test_the_second_attempt_of_a_message_is_the_first() -> None:
    again = {**SMS, "ErrorCode": "11205", "ErrorUrl": "https://hub.example.com/"}
    assert mapped(again).drafts == mapped(SMS).drafts
    said = {"EventType": "onMessageAdded", "ConversationSid": "CH1", "MessageSid": "IM1", "Author": "ben"}
    assert mapped({**said, "RetryCount": "1"}).drafts == mapped({**said, "RetryCount": "0"}).drafts


@pytest.mark.parametrize(
    ("sender", "identifiers"),
    [
        ("+14155550123", ["phone:+14155550123:claimed"]),
        ("whatsapp:+14155550123", ["phone:+14155550123:proved"]),
        ("rcs:+14155550123", ["phone:+14155550123:asserted"]),
        ("messenger:2000", ["facebook-psid:2000:proved"]),
        ("whatsapp:US.1", ["whatsapp-bsuid:US.1:proved"]),
        ("ACMEBANK", []),
        ("384387", []),
        ("telegram:5", []),
    ],
)
def test_a_sender_is_as_sure_as_its_channel(sender: str, identifiers: list[str]) -> None:
    (draft,) = mapped({**SMS, "From": sender}).drafts
    person = draft.data.participants[0]
    assert person.role == "customer"
    assert [f"{each.kind}:{each.value}:{each.weight}" for each in person.identifiers] == identifiers


def test_a_message_and_its_answer_are_one_thread() -> None:
    turned = {"MessageSid": "SM2", "MessageStatus": "delivered", "From": SMS["To"], "To": SMS["From"]}
    assert mapped(SMS).drafts[0].data.interaction == mapped(turned).drafts[0].data.interaction


def test_only_a_message_is_answered_with_twiml() -> None:
    for fields, content in ((SMS, b"<Response/>"), ({"MessageSid": "SM1", "MessageStatus": "sent"}, b"")):
        request = Request(urlencode(fields).encode(), headers=FORM)
        answer = TWILIO.answer(Mapped(), request)
        assert (answer.status, answer.body[-len(b"<Response/>") :]) == (200, content)


def test_a_stream_tells_the_events_of_webhooks() -> None:
    webhook = {"MessageSid": "SM1", "MessageStatus": "delivered", "From": "+14155550199", "To": "+14155550123"}
    (told,) = mapped(webhook).drafts
    data = {"messageSid": "SM1", "messageStatus": "DELIVERED", "from": "+14155550199", "to": "+14155550123"}
    event = {"type": "com.twilio.messaging.message.delivered", "data": {**data, "timestamp": "2026-11-22T09:55:00Z"}}
    request = Request(json.dumps([event]).encode(), headers=JSON)
    (streamed,) = TWILIO.map(request, Connection("try", "acme", "chat/twilio")).drafts
    assert (streamed.id, streamed.type, streamed.data.interaction) == (told.id, told.type, told.data.interaction)
    assert streamed.time is not None
