"""Events that AWS brings: one a request, in Firehose's records, inside notifications; and the answer to each door."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import pytest

from cx_channels.kit.aws.deliveries import Notice, read_notices
from cx_channels.kit.aws.doors import answer, verify
from cx_channels.provider import Connection, Mapped, Request
from cx_channels.registry import provider
from cx_events.errors import Refused

CONNECTION = Connection("calls", "acme", "voice/amazon-connect", ("new-key", "old-key"))
CONNECT = provider("voice/amazon-connect")


def batch(*records: bytes) -> bytes:
    data = [{"data": b64encode(each).decode()} for each in records]
    return json.dumps({"requestId": "r-1", "timestamp": 1, "records": data}).encode()


def values(body: bytes) -> list[object]:
    return [each.value if isinstance(each, Notice) else each.reason for each in read_notices(Request(body))]


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n \n"])
def test_a_record_may_hold_several_events(between: bytes) -> None:
    assert values(batch(b'{"a":1}' + between + b'{"a":2}' + between)) == [{"a": 1}, {"a": 2}]


def test_a_bad_record_holds_nobody_up() -> None:
    found = values(batch(b'{"a":1}', b"{", b'{"a":2}'))
    assert found[0] == {"a": 1}
    assert str(found[1]).startswith("malformed")
    assert found[2] == {"a": 2}


def test_a_notification_is_the_event_inside() -> None:
    sent = {"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": '{"a": 1}'}
    assert values(json.dumps(sent).encode()) == [{"a": 1}]
    assert values(json.dumps({**sent, "Message": "a test"}).encode()) == [{**sent, "Message": "a test"}]


def test_a_batch_is_answered_with_its_own_id() -> None:
    request = Request(batch(b"{}"), received=1_772_442_000_000_000)
    assert json.loads(answer(Mapped(), request).body) == {"requestId": "r-1", "timestamp": 1_772_442_000_000}
    named = replace(request, body=b'{"records"', headers={"x-amz-firehose-request-id": "r-2"})
    assert json.loads(answer(Mapped(), named).body)["requestId"] == "r-2"
    assert answer(Mapped(), Request(b"{}")).status == 204


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"x-api-key": "new-key"}, ""),
        ({"x-amz-firehose-access-key": "old-key"}, ""),
        ({"x-amz-firehose-access-key": "guessed", "x-api-key": "new-key"}, "bad-signature"),
        ({"authorization": "new-key"}, "missing-signature"),
        ({"x-api-key": "new-key "}, "bad-signature"),
    ],
)
def test_a_request_needs_a_key(headers: dict[str, str], reason: str) -> None:
    try:
        verify(Request(b"{}", headers=headers), CONNECTION)
    except Refused as refused:
        assert (refused.reason, refused.status) == (reason, 401)
    else:
        assert reason == ""


RECORD = {
    "AWSContactTraceRecordFormatVersion": "2017-03-10",
    "ContactId": "c-1",
    "Channel": "VOICE",
    "InitiationMethod": "INBOUND",
    "InitiationTimestamp": "2026-03-02T09:00:00Z",
    "DisconnectTimestamp": "2026-03-02T09:10:00Z",
    "CustomerEndpoint": {"Address": "+4915155501001", "Type": "TELEPHONE_NUMBER"},
    "Queue": {"ARN": "x/queue/q-1", "EnqueueTimestamp": "2026-03-02T09:01:00Z"},
    "Agent": {"ARN": "x/agent/a-1", "ConnectedToAgentTimestamp": "2026-03-02T09:02:00Z"},
    "Attributes": {"path": "7"},
    "LastUpdateTimestamp": "2026-03-02T09:12:00Z",
}


def mapped(record: object) -> Mapped:
    return CONNECT.map(Request(json.dumps(record).encode()), CONNECTION)


def test_an_updated_record_tells_the_same_events() -> None:
    agent = {**RECORD["Agent"], "AfterContactWorkDuration": 30}  # type: ignore[dict-item]
    later = {**RECORD, "Agent": agent, "Attributes": {"path": "8"}, "LastUpdateTimestamp": "2026-03-19T08:00:00Z"}
    assert mapped(RECORD) == mapped(later)
    assert len(mapped(RECORD).drafts) == 4


def test_a_third_party_is_no_customer() -> None:
    found = mapped({**RECORD, "InitiationMethod": "EXTERNAL_OUTBOUND", "PreviousContactId": "c-0"})
    assert not [p for draft in found.drafts for p in draft.data.participants if p.role == "customer"]


def test_whoever_asked_for_a_callback_gave_up_nothing() -> None:
    waited = {**RECORD, "Agent": None}
    assert [d.type for d in mapped(waited).drafts][-1] == "cx.interaction.abandoned.v1"
    assert [d.type for d in mapped({**waited, "NextContactId": "c-2"}).drafts][-1] == "cx.interaction.ended.v1"
