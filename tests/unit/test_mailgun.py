"""Mailgun: the proof in the body, what it is worth, and whose signature vouches for a sender."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cx_channels.email.mailgun import PROVIDER
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Connection, Request
from cx_events.errors import Fatal, Refused

SHARED = Path(__file__).parents[2].parent / "shared" / "fixtures"
SECOND = 1_000_000
AT = 1_795_850_000
KEY, NEW_KEY = "an example signing key", "a newer signing key"
EVENT = {
    "event": "delivered",
    "recipient": "ana@example.com",
    "message": {"headers": {"message-id": "m-1@acme.example"}},
}


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("acme-mailgun", "acme", "email/mailgun", secrets, settings=settings)


def proof(token: str, key: str = KEY, at: int = AT) -> dict[str, str]:
    return {"timestamp": str(at), "token": token, "signature": hmac_of(key, f"{at}{token}".encode())}


def webhook(**body: Any) -> Request:
    return request(json.dumps({"event-data": EVENT, **body}).encode(), "application/json")


def request(body: bytes, content_type: str = "application/x-www-form-urlencoded", at: int = AT) -> Request:
    return Request(body, headers={"content-type": content_type}, received=at * SECOND)


def refusal(given: Request, known: Connection) -> str:
    assert PROVIDER.verify is not None
    try:
        PROVIDER.verify(given, known)
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    return ""


def event_id(given: Request, known: Connection) -> str:
    (draft,) = PROVIDER.map(given, known).drafts
    return draft.id


def test_the_recorded_vector_holds() -> None:
    path = SHARED / "signatures" / "mailgun" / "mailgun-hmac.json"
    body = SHARED / "email" / "mailgun" / "inbound-inbound_basics__1.multipart"
    if not path.is_file():
        assert not os.environ.get("CI"), f"the vectors {path} are missing"
        pytest.skip("the vectors are not here")
    vector = json.loads(path.read_bytes())
    content_type = "multipart/form-data; boundary=BoUnDaRyStRiNg"
    given = request(body.read_bytes(), content_type, int(vector["timestamp"]))
    assert refusal(given, connection(vector["signing_key"])) == ""
    assert (
        refusal(replace(given, received=given.received + 32_401 * SECOND), connection(vector["signing_key"]))
        == "too-old"
    )
    assert refusal(given, connection(KEY)) == "bad-signature"


def test_a_setting_says_whose_proof_counts() -> None:
    given = webhook(**{"signature": proof("a"), "parent-signature": proof("b", NEW_KEY)})
    assert [refusal(given, connection(each)) for each in (KEY, NEW_KEY)] == ["", "bad-signature"]
    parents = [refusal(given, connection(each, subaccounts=True)) for each in (KEY, NEW_KEY)]
    assert parents == ["bad-signature", ""]
    assert refusal(webhook(signature=proof("a")), connection(KEY, subaccounts=True)) == ""


def test_other_content_under_one_token_is_no_second_event() -> None:
    known = connection(KEY)
    other = {**EVENT, "recipient": "eve@example.com"}
    assert event_id(webhook(signature=proof("a")), known) == event_id(
        webhook(**{"event-data": other, "signature": proof("a")}), known
    )


def test_a_proof_put_beside_makes_no_new_id() -> None:
    known, forged = connection(), {"timestamp": str(AT), "token": "x", "signature": "0" * 64}
    assert event_id(webhook(**{"signature": proof("a"), "parent-signature": forged}), known) == "a/delivered"
    genuine, other = (encoded(each) for each in (proof("a"), forged))
    webhook_form = "event=delivered&recipient=ana@example.com&Message-Id=m-1@acme.example"
    before = request(f"{other}&{webhook_form}&{genuine}".encode())
    assert (refusal(before, connection(KEY)), event_id(before, known)) == ("", "a/delivered")
    assert refusal(request(f"{genuine}&{webhook_form}&{other}".encode()), connection(KEY)) == "bad-signature"


def encoded(fields: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in fields.items())


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_senders_own_fields_do_not_hide_the_proof(place: str) -> None:
    own, genuine = "timestamp=1&token=x&signature=y", encoded(proof("a"))
    pieces = [own, genuine] if place == "before" else [genuine, own]
    given = request("&".join([*pieces, "body-plain=Hello"]).encode())
    assert refusal(given, connection(KEY)) == ""


@pytest.mark.parametrize(
    "body", ["[]", '{"signature": "text"}', '{"signature": {}}', "", '{"signature": {"token": 1}}']
)
def test_a_body_without_a_proof_is_refused(body: str) -> None:
    assert refusal(request(body.encode(), "application/json"), connection(KEY)) == "missing-signature"


def test_a_time_keeps_its_microseconds() -> None:
    event = {**EVENT, "timestamp": 1534108637.153125}
    (draft,) = PROVIDER.map(webhook(**{"event-data": event}), connection()).drafts
    assert draft.time == 1_534_108_637_153_125


@pytest.mark.parametrize("settings", [{"dkim_check": "yes"}, {"subaccounts": 1}, {"purposes": "all"}])
def test_settings_that_cannot_be_meant_stop_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(Fatal, match=next(iter(settings))):
        PROVIDER.warnings(connection(KEY, **settings))
