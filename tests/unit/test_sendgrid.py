"""SendGrid: its signature, what it says of a sender, and mails that read alike by whichever way they come."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cx_channels.email.sendgrid import PROVIDER
from cx_channels.email.sendgrid.dkim import signers_in
from cx_channels.email.sendgrid.mapping import vendor_id
from cx_channels.email.sendgrid.signature import HEADER, SIGNATURE, TIME_HEADER
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.provider import Connection, Request
from cx_events.errors import Fatal, Refused

VECTOR = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "sendgrid"
SECOND = 1_000_000
NOW = 1_795_850_000 * SECOND
EVENTS = b'[{"event":"delivered","sg_event_id":"ZXZlbnQ","smtp-id":"<m-1@acme.example>"}]\r\n'
KEY, NEW_KEY, _ = SIGNATURE.example_secrets


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("acme-sendgrid", "acme", "email/sendgrid", secrets, settings=settings)


def signed(body: bytes = EVENTS, secret: str = KEY) -> Request:
    request = Request(body, headers={"content-type": "application/json"}, received=NOW)
    assert PROVIDER.sign is not None
    return PROVIDER.sign(request, connection(), secret)


def refusal(request: Request, given: Connection) -> str:
    assert PROVIDER.verify is not None
    try:
        PROVIDER.verify(request, given)
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    return ""


def test_the_vendors_own_vector_holds() -> None:
    path = VECTOR / "sendgrid-ecdsa-official.json"
    if not path.is_file():
        assert not os.environ.get("CI"), f"the vectors {path} are missing"
        pytest.skip("the vectors are not here")
    vector = json.loads(path.read_bytes())
    headers = {TIME_HEADER.lower(): vector["timestamp"], HEADER.lower(): vector["expected"]}
    at = int(vector["timestamp"]) * SECOND
    request = Request(vector["body"].encode(), headers=headers, received=at)
    known = connection(vector["public_key_b64_der"])
    assert refusal(request, known) == ""
    assert refusal(replace(request, body=request.body.rstrip()), known) == "bad-signature"
    assert refusal(replace(request, received=at + 86_401 * SECOND), known) == "too-old"


@pytest.mark.parametrize("lines", [1, 2], ids=["on one line", "in lines"])
def test_a_key_may_stand_in_pem_lines(lines: int) -> None:
    half = len(KEY) // lines
    pem = "\n".join(["-----BEGIN PUBLIC KEY-----", KEY[:half], KEY[half:], "-----END PUBLIC KEY-----"])
    assert refusal(signed(), connection(pem)) == ""


def test_two_keys_hold_while_one_replaces_the_other() -> None:
    both = connection(NEW_KEY, KEY)
    assert [refusal(signed(secret=each), both) for each in (KEY, NEW_KEY)] == ["", ""]
    assert refusal(signed(), connection(NEW_KEY)) == "bad-signature"


def test_a_body_written_anew_is_refused() -> None:
    request = signed()
    assert refusal(replace(request, body=json.dumps(json.loads(EVENTS)).encode()), connection(KEY)) == "bad-signature"


def test_a_password_proves_nothing_where_signatures_are_expected() -> None:
    request = Request(EVENTS, headers={"authorization": "Basic aHViOmEgc2VjcmV0"}, received=NOW)
    assert refusal(request, connection("hub:a secret")) == "missing-signature"
    assert refusal(request, connection("hub:a secret", authentication="basic")) == ""
    assert refusal(signed(), connection("hub:a secret", authentication="basic")) == "no-credentials"


@pytest.mark.parametrize(
    ("secret", "settings", "told"),
    [
        ("hub:a secret", {}, "secret 1 is no public key"),
        ("bm8ga2V5", {}, "secret 1 is no public key"),
        (KEY, {"authentication": "basic"}, "secret 1 is not NAME:PASSWORD"),
        (KEY, {"authentication": "oauth"}, "authentication is signature or basic"),
        (KEY, {"purposes": ["newsletter"]}, "purposes is not a map"),
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(secret: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(Fatal, match=told) as stopped:
        PROVIDER.warnings(connection(secret, **settings))
    assert secret not in str(stopped.value)


def headers(*signers: str) -> Headers:
    return Headers([("dkim-signature", f"v=1; a=rsa-sha256; d={each}; s=one; b=".encode()) for each in signers])


@pytest.mark.parametrize(
    ("told", "signers", "found"),
    [
        ("{@example.com : pass}", ["example.com"], ("example.com",)),
        ("{@Example.COM : pass}", ["example.com"], ("example.com",)),
        ("{@example.com : fail}", ["example.com"], ()),
        ("{@a.example : fail, @b.example : pass}", ["a.example", "b.example"], ("b.example",)),
        ("{@example.com : pass}", [], ()),
        ("{@example.com : pass}", ["mailer.example"], ()),
        ("{@example.com : pass, @mailer.example : fail}", ["example.com : pass, @mailer.example"], ()),
        ("{@example.com : pass, @mailer.example : fail}", ["mailer.example"], ()),
        ("{@example.com : pass}", ["example.com; d=mailer.example"], ()),
        ("none", ["example.com"], ()),
        ("", ["example.com"], ()),
        ("{@example.com : pass}" * 200, ["example.com"], ()),
    ],
)
def test_only_a_plain_domain_of_own_signatures_vouches(told: str, signers: list[str], found: tuple[str, ...]) -> None:
    assert signers_in(told, headers(*signers)) == found


@pytest.mark.parametrize(
    ("message", "id"),
    [
        ("LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0", "LRzXl_NHStOGhQ4kofSm_A"),
        ("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce93.dfd.64b469"),
        ("Second0000000000000000.recvd-5b7-abc-1-5F5FC76C-9.0", "Second0000000000000000"),
        ("filter0093p1las1.9128.5717FB8127.0", ""),
        ("", ""),
    ],
)
def test_a_mails_id_begins_its_copys(message: str, id: str) -> None:
    assert vendor_id(message) == id
