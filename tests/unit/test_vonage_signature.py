"""Vonage's signed webhooks: a token counts for one request alone, and only lately."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from hmac import digest

import msgspec
import pytest

from cx_channels.chat.vonage.signature import verify as verify_message
from cx_channels.kit.vonage_signature import payload_hash, sign, verify
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused
from cx_events.timestamps import Micros

SECRET = "example-signature-secret"
CONNECTION = Connection("a", "acme", "voice/vonage", ("another", SECRET))
HEADER = {"alg": "HS256", "typ": "JWT"}
AT: Micros = 1_764_324_000_000_000
REQUEST = Request(b'{"status":"answered"}', received=AT)


def token(claims: object, header: object = HEADER, secret: str = SECRET) -> str:
    signed = ".".join(urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=").decode() for part in (header, claims))
    proof = urlsafe_b64encode(digest(secret.encode(), signed.encode(), "sha256")).rstrip(b"=").decode()
    return f"Bearer {signed}.{proof}"


def claims(**more: object) -> dict[str, object]:
    return {"iat": AT // 1_000_000, "payload_hash": sha256(REQUEST.body).hexdigest(), **more}


def with_token(value: str) -> Request:
    return replace(REQUEST, headers={"authorization": value})


def test_a_query_is_hashed_as_json_in_order() -> None:
    query = (("to", "442079460000"), ("from", "447700900000"), ("conversation_uuid", "CON-1"), ("uuid", "u-1"))
    written = b'{"to":"442079460000","from":"447700900000","conversation_uuid":"CON-1","uuid":"u-1"}'
    assert payload_hash(Request(b"", "GET", query=query)) == sha256(written).hexdigest()


def test_a_token_of_another_library_passes() -> None:
    verify(with_token(token(claims(iss="Vonage", api_key="a1b2c3d4"))), CONNECTION)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (token(claims(payload_hash=sha256(b"{}").hexdigest())), "another body"),
        (token({"iat": AT // 1_000_000}), "another body"),
        (token(claims(), {"alg": "none"}), "none of the connection's secrets"),
        (token(claims(), {"alg": "HS512"}), "none of the connection's secrets"),
        (token(claims(), secret="guessed"), "none of the connection's secrets"),
        (token(claims(iat="now")), "no iat"),
        (token(claims(iat=None)), "no iat"),
        (token([]), "another body"),
        (token(claims(iat=AT // 1_000_000 - 301)), "300 s"),
        (token(claims(iat=AT // 1_000_000 + 301)), "300 s"),
        (token(claims()).replace("Bearer ", "Basic "), "no bearer token"),
        ("Bearer a.b", "no bearer token"),
    ],
)
def test_a_token_that_proves_nothing_is_refused(value: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        verify(with_token(value), CONNECTION)
    assert caught.value.status == 401


def test_an_application_is_held_against_the_token() -> None:
    ours = replace(CONNECTION, settings={"application": "ours"})
    verify(sign(REQUEST, ours, SECRET), ours)
    verify(sign(REQUEST, ours, SECRET), CONNECTION)
    with pytest.raises(Refused, match="another application"):
        verify(with_token(token(claims(application_id="theirs"))), ours)


# --- the older SMS API ------------------------------------------------------------------------------------------------

OLDER = {
    "messageId": "external1",
    "msisdn": "2349067554729",
    "nonce": "n1",
    "text": "Join",
    "timestamp": "1795860000",
    "to": "2020",
}
SIG = "59d6f85a83478df3cc1f23feea0e5a2c2d3623214185883d19c73f4d18d51725"
"""HMAC-SHA256 of ``OLDER`` under ``SECRET``, as Vonage's own library makes it (vonage-python-sdk, auth.py)."""


def older(**more: str) -> Request:
    query = tuple((OLDER | more).items())
    return Request(b"", "GET", query=query, received=1_795_860_000_000_000)


def verdict(request: Request, **settings: str) -> str:
    try:
        verify_message(request, replace(CONNECTION, provider="chat/vonage", settings=settings))
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    return "passes"


def test_an_older_message_is_signed_among_its_parameters() -> None:
    assert verdict(older(sig=SIG)) == "passes"
    assert verdict(older(sig=SIG.upper())) == "passes"
    assert verdict(older(sig=SIG, text="Leave")) == "bad-signature"
    assert verdict(older(sig=SIG), sms_signature="sha512") == "bad-signature"
    assert verdict(replace(older(sig=SIG), received=1_795_861_000_000_000)) == "too-old"


def test_an_unsigned_older_message_passes_only_where_allowed() -> None:
    assert verdict(older()) == "missing-signature"
    assert verdict(older(), unsigned="accept") == "passes"
    assert verdict(older(sig="x"), unsigned="accept") == "bad-signature"


def test_what_is_no_older_message_needs_a_token() -> None:
    message = Request(b'{"message_uuid":"m","channel":"sms","from":"1","to":"2"}', received=AT)
    assert verdict(message, unsigned="accept") == "missing-signature"
    assert verdict(Request(b"[", received=AT), unsigned="accept") == "missing-signature"
