"""Test what SNS signs, against vectors that were made apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from tests.contract.provider_cases import RECORDINGS_FOLDER

from cx_channels.kit.aws import sns
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused
from cx_events.timestamps import parse_time

T = TypeVar("T")

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-in"
AT = parse_time("2026-11-28T09:00:01Z")
NOTICE = {
    "Type": "Notification",
    "MessageId": "00000000-0000-0000-0000-000000000001",
    "TopicArn": TOPIC,
    "Subject": "Amazon SES Email Receipt Notification",
    "Message": '{"notificationType":"Received"}\n',
    "Timestamp": "2026-11-28T09:00:00.000Z",
    "SignatureVersion": "2",
    "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "Signature": "Cn3ev1qP7L9WROlw3iYKlU/H8oqqq+6DH98pLBmUr36clmSYs8sQgdCKIgZYWLg8k7ukx8qJrbhpPabbdQRgv6FVxds5m2XO1pnK"
    "KdH7uXcVfOspTiI+dhgnTHkEaSJgOxhqHQ1n74U2EwhD0N23rknpwgnT2luYb9gI6J2XU5rgzkxB6uiBAwAkfRcpAe3Sr33BzV7f"
    "vjtLizCgeRJOUIDFyDf3oDKsiVAsg7yOmZxxV1z6uQc9yMt6XJhmhXLvaHQkuCWk3I9Cn+q4d/cPxmXjbJsCiZmwYl/TnrAhLf4k"
    "U5rzOr9ECWcjM2JJvgYHE8LQtRtW1AcxO/qkoXwT4Q==",
}
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "Message": "You have chosen to subscribe.",
    "MessageId": "00000000-0000-0000-0000-000000000002",
    "SubscribeURL": f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=EXAMPLETOKEN",
    "Timestamp": "2026-11-28T09:00:00.000Z",
    "Token": "EXAMPLETOKEN",
    "TopicArn": TOPIC,
}


class Example:
    """One key that all certificates are of."""

    def read(self, url: str, parse: Callable[[bytes], T]) -> T | None:
        path = RECORDINGS_FOLDER.parent / "providers" / "rsa-example-key.json"
        if not path.exists():
            pytest.skip("the example key is not here")
        key = load_pem_public_key(json.loads(path.read_text(encoding="utf-8"))["pem"].encode())
        assert isinstance(key, RSAPublicKey)
        found: Any = sns.Certificate(key, 0, AT * 2)
        return found  # type: ignore[no-any-return]

    def want(self, url: str) -> None:
        raise AssertionError(url)


def reason(value: dict[str, str], at: int = AT, headers: dict[str, str] | None = None, **settings: Any) -> str:
    known = Connection("acme-mail", "acme", "x", settings={"topics": [TOPIC], **settings}, keys=Example())
    try:
        sns.verify(Request(json.dumps(value).encode(), headers=headers or {}, received=at), known)
    except Refused as refused:
        return refused.reason
    return ""


def test_what_is_signed_ends_with_a_line_end() -> None:
    assert sha256(sns.signed_text(NOTICE)).hexdigest() == (
        "84074585a2343ac9844cd4d25165d2f9ebfd6fc12b7bf152170aa04b24858999"
    )
    assert sha256(sns.signed_text(CONFIRMATION)).hexdigest() == (
        "b916b728ea993f870a6931975321c17904f34279ed4df1a23e63e5143165eccc"
    )


def test_a_signature_of_another_library_passes() -> None:
    assert reason(NOTICE) == ""
    assert reason(NOTICE | {"UnsubscribeURL": "https://anything.example"}) == ""


def test_a_spoiled_message_is_refused() -> None:
    for name in ("Message", "MessageId", "Subject", "Timestamp"):
        assert reason(NOTICE | {name: NOTICE[name] + " "}) == "bad-signature", name
    assert reason({name: value for name, value in NOTICE.items() if name != "Subject"}) == "bad-signature"
    assert reason(NOTICE | {"SignatureVersion": "1"}) == "bad-signature"
    assert reason(NOTICE | {"Signature": NOTICE["Signature"] + "\n"}) == "bad-signature"
    assert reason(NOTICE, AT + 7_202 * 1_000_000) == "too-old"
    assert reason(NOTICE, AT + 7_202 * 1_000_000, max_age=86_400) == ""


def test_only_configured_topics_and_versions_pass() -> None:
    assert reason(NOTICE | {"TopicArn": TOPIC + "x"}) == "other-topic"
    assert reason(NOTICE, topics=[]) == "other-topic"
    assert reason(NOTICE, signature_versions=["1"]) == "bad-signature"
    assert reason(NOTICE, headers={"x-amz-sns-rawdelivery": "true"}) == "missing-signature"
