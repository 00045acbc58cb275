"""Test who may send, as a declaration says: other vendors' vectors, and what no declaration lets pass."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
import yaml
from tests.contract.provider_cases import RECORDINGS_FOLDER

from cx_channels.provider import Answer, Connection, Request
from cx_channels.registry import providers
from cx_events.errors import Refused

PROVIDER = providers()["chat/generic"]
KINDS = {"kind": "$.kind", "kinds": {"said": {"type": "cx.message.received.v1", "message": {"text": "$.text"}}}}
SECOND = 1_000_000

STANDARD = yaml.safe_load(
    """
    hmac:
      header: webhook-signature
      encoding: base64
      separator: " "
      prefix: "v1,"
      signed: [$header.webhook-id, ".", $timestamp, ".", $body]
      timestamp: {header: webhook-timestamp}
      secret: {encoding: base64, prefix: whsec_}
    """
)
TIMED = {
    "hmac": {
        "header": "X-Sig",
        "separator": ",",
        "prefix": "v1=",
        "signed": ["$timestamp", ".", "$body"],
        "timestamp": {"header": "X-Sig", "prefix": "t="},
    }
}


def connection(scheme: Any, *secrets: str, **more: Any) -> Connection:
    mapping = {"authentication": scheme, **KINDS, **more}
    return Connection("try", "acme", PROVIDER.name, secrets, settings={"mapping": mapping})


def passes(request: Request, its: Connection) -> bool:
    assert PROVIDER.verify is not None
    try:
        PROVIDER.verify(request, its)
    except Refused as refused:
        assert refused.status == 401
        return False
    return True


@pytest.mark.skipif(not RECORDINGS_FOLDER.is_dir(), reason="the recordings are not here")
def test_the_vectors_of_standard_webhooks_hold() -> None:
    folder = RECORDINGS_FOLDER / "signatures" / "standard-webhooks"
    signed = json.loads((folder / "standard-webhooks-sign.json").read_text(encoding="utf-8"))
    several = json.loads((folder / "standard-webhooks-multi-signature-header.json").read_text(encoding="utf-8"))
    request = Request(signed["body"].encode(), headers=signed["headers"], received=signed["timestamp"] * SECOND)
    its = connection(STANDARD, signed["secret"])
    assert passes(request, its)
    assert not passes(Request(b"{}", headers=signed["headers"], received=request.received), its)
    value = " ".join([*several["before"], signed["headers"]["webhook-signature"], *several["after"]])
    headers = {**signed["headers"], "webhook-signature": value}
    assert passes(Request(request.body, headers=headers, received=request.received), its)
    late = Request(request.body, headers=headers, received=request.received + 301 * SECOND)
    assert not passes(late, its)


def test_time_and_signature_may_share_a_header() -> None:
    body, at = b'{"kind":"said","text":"Hi"}', 1_795_341_600
    good = hmac.digest(b"a secret", b"%d.%s" % (at, body), "sha256").hex()
    its = connection(TIMED, "a secret")
    for value, well in (
        (f"t={at},v1={good}", True),
        (f"t={at},v1={'0' * 64},v1={good}", True),
        (f"v1={good}", False),
        (f"t={at}", False),
        (f"t={at + 1},v1={good}", False),
        (f"t={at},t={at},v1={good}", False),
        (f"t=,v1={good}", False),
        (good, False),
    ):
        request = Request(body, headers={"x-sig": value}, received=at * SECOND)
        assert passes(request, its) is well, value


@pytest.mark.parametrize("encoding", ["text", "hex", "base64"])
def test_a_secret_written_otherwise_lets_nobody_in(encoding: str) -> None:
    scheme = {"hmac": {"header": "X-Sig", "secret": {"encoding": encoding}}}
    assert PROVIDER.sign is not None
    for secret, is_good in (("", False), (" ", False), ("not hex, nor base64!", encoding == "text")):
        its = connection(scheme, secret)
        assert passes(PROVIDER.sign(Request(b"{}"), its, secret), its) is is_good
        assert bool(PROVIDER.warnings(its)) is not is_good


def test_a_name_without_a_password_is_told() -> None:
    assert PROVIDER.warnings(connection({"basic": True}, "hub:a secret", "hub")) == (
        "secrets[1] is not written as the declared authentication needs it, and lets nobody in",
    )


HANDSHAKE = {"kind": "check", "answer": {"plain": "$.token", "signed": {"hmac": "$.token"}}}


def asked(body: bytes, secret: str = "a secret") -> Answer | None:
    its = connection({"hmac": {"header": "X-Sig"}}, "a secret", "an old secret", handshake=HANDSHAKE)
    assert PROVIDER.sign is not None
    return PROVIDER.challenge(PROVIDER.sign(Request(body), its, secret), its)


def test_a_signed_check_of_the_url_is_answered() -> None:
    answer = asked(b'{"kind":"check","token":"qgg8vlvZRS6UYooatFL8Aw"}')
    assert answer is not None
    signed = hmac.digest(b"a secret", b"qgg8vlvZRS6UYooatFL8Aw", "sha256").hex()
    assert json.loads(answer.body) == {"plain": "qgg8vlvZRS6UYooatFL8Aw", "signed": signed}
    assert asked(b'{"kind":"said","token":"check"}') is None
    assert asked(b'{"kind":"check') is None


@pytest.mark.parametrize("token", ["", "a b", '{"kind":"said"}', "v0:1:{}", "é", "x" * 200, None])
def test_nothing_that_could_be_a_request_is_signed(token: str | None) -> None:
    with pytest.raises(Refused, match="malformed"):
        asked(json.dumps({"kind": "check", "token": token}).encode())


def test_a_strangers_check_of_the_url_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        asked(b'{"kind":"check","token":"abc"}', "somebody else's secret")
    assert refused.value.status == 401
