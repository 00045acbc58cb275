"""LINE: its signature over bytes, what differs between attempts, and what an event keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.provider import Connection, Request
from cx_channels.registry import provider
from cx_events.errors import Refused

LINE = provider("social/line")
VECTORS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "line"
EMPTY = b'{"destination":"U00000000000000000000000000000000","events":[]}'
LETTERS = '{"events":[{"type":"message","message":{"type":"text","text":"こんにちは"}}]}'
VECTOR = "cdiAysOR577wMEviizvw+CJZsfATG6AlFnRiMc7Gd+g="


def passes(body: bytes, signature: str, *secrets: str) -> bool:
    assert LINE.verify is not None
    connection = Connection("try", "acme", "social/line", secrets=secrets)
    try:
        LINE.verify(Request(body, headers={"x-line-signature": signature}), connection)
    except Refused as refused:
        assert refused.status == 401
        return False
    return True


def test_the_signature_covers_the_bytes_as_sent() -> None:
    assert passes(LETTERS.encode(), VECTOR, "a new secret", "example-channel-secret")
    assert passes(EMPTY, "J5mlsgbKHPIjIgNs0RWD+BzS812GbRJ+2A9OclAJl04=", "example-channel-secret")
    assert not passes(json.dumps(json.loads(LETTERS)).encode(), VECTOR, "example-channel-secret")
    assert not passes(LETTERS.encode(), VECTOR)


def test_the_signature_of_the_vendors_example_holds() -> None:
    if not VECTORS.is_dir():
        pytest.skip("there are no recordings")
    (path,) = VECTORS.glob("*.json")
    vector = json.loads(path.read_text(encoding="utf-8"))
    assert passes(vector["body"].encode(), vector["expected"], vector["channel_secret"])
    for wrong in vector["negative"]:
        assert not passes(vector["body"].encode(), wrong, vector["channel_secret"])


def test_a_redelivery_is_the_same_event() -> None:
    event: dict[str, Any] = {
        "type": "postback", "timestamp": 1795000000000, "source": {"type": "user", "userId": "U1"},
        "webhookEventId": "01H", "postback": {"data": "yes"},
    }  # fmt: skip
    drafts = []
    for again, token in ((False, "one"), (True, "another")):
        sent = {**event, "replyToken": token, "deliveryContext": {"isRedelivery": again}}
        body = json.dumps({"destination": "Ub", "events": [sent]}).encode()
        drafts.append(LINE.map(Request(body), Connection("try", "acme", "social/line")).drafts)
    assert drafts[0] == drafts[1]
    assert len(drafts[0]) == 1


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases_of(LINE)])
def test_what_an_event_keeps_becomes_that_event_again(case: Case) -> None:
    ours = case.connection(LINE)
    try:
        drafts = LINE.map(case.request(LINE), ours).drafts
    except Refused:
        return
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert draft in LINE.map(Request(bytes(draft.data.raw)), ours).drafts
