"""Test what the hub asks of AWS, and from where it reads a stream: signatures, settings, shards."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.reading import asks, notes_of, reading_settings, warnings_of
from cx_channels.kit.aws.signing import AwsKey, signed_headers
from cx_channels.pollers.aws.cursor import Cursor, ShardPlace, read_cursor
from cx_channels.pollers.aws.shards import begin, readable, resume
from cx_channels.provider import Connection
from cx_channels.registry import provider
from cx_events.errors import Fatal
from cx_events.timestamps import parse_time

KEY = AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = parse_time("2015-08-30T12:36:00Z")
QUEUE, STREAM = "arn:aws:sqs:eu-west-1:123456789012:contacts", "arn:aws:kinesis:eu-west-1:123456789012:stream/records"
ROLE = "arn:aws:iam::210987654321:role/teams/acme-hub"
GOOD = {
    "queues": [QUEUE],
    "streams": [STREAM],
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": "a+secret",
}


def connection(**settings: Any) -> Connection:
    return Connection("calls", "acme", "voice/amazon-connect", settings=settings)


# --- signatures -------------------------------------------------------------------------------------------------------


def test_the_signature_of_the_vendors_suite_holds() -> None:
    """``post-vanilla`` of AWS's own test suite for Signature Version 4."""
    signed = signed_headers(KEY, "service", "us-east-1", {"host": "example.amazonaws.com"}, b"", AT)
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


@pytest.mark.parametrize("token", ["", "a session/token+="])
@pytest.mark.parametrize("body", [b"", b'{"QueueUrl": "\xc3\xa9"}'])
def test_the_vendors_library_signs_the_same(token: str, body: bytes) -> None:
    headers = {
        "host": "sqs.eu-west-1.amazonaws.com",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "a  b",
    }
    ours = signed_headers(AwsKey(KEY.id, KEY.secret, token), "sqs", "eu-west-1", headers, body, AT)
    theirs = AWSRequest("POST", "https://sqs.eu-west-1.amazonaws.com/", data=body, headers=dict(headers))
    theirs.headers["x-amz-date"] = ours["x-amz-date"]
    theirs.context["timestamp"] = ours["x-amz-date"]
    if token:
        theirs.headers["x-amz-security-token"] = token
    auth = SigV4Auth(Credentials(KEY.id, KEY.secret), "sqs", "eu-west-1")
    told = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    assert ours["authorization"].endswith(f"Signature={auth.signature(told, theirs)}")
    assert KEY.secret not in repr(ours)


def test_a_key_does_not_show_its_secret() -> None:
    assert KEY.secret not in repr(AwsKey("AKID", KEY.secret, "token of a session"))
    assert "session" not in repr(AwsKey("AKID", KEY.secret, "token of a session"))


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_read() -> None:
    found = reading_settings(connection(**GOOD))
    assert [each.host("sqs") for each in found.queues] == ["https://sqs.eu-west-1.amazonaws.com"]
    assert (found.streams[0].account, found.streams[0].name) == ("123456789012", "records")
    assert (found.since, found.receives, found.endpoint) == ("now", 20, "")
    assert notes_of(connection(**GOOD)) == (f"it reads {QUEUE}", f"it reads {STREAM}")
    assert asks(connection(**GOOD))
    assert not asks(connection())


def test_china_has_hosts_of_its_own() -> None:
    given = {**GOOD, "queues": ["arn:aws-cn:sqs:cn-north-1:123456789012:q.fifo"]}
    assert reading_settings(connection(**given)).queues[0].host("sqs") == "https://sqs.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"queues": ["https://sqs.eu-west-1.amazonaws.com/123456789012/contacts"]}, "queues"),
        ({"queues": QUEUE}, "queues"),
        ({"queues": [STREAM]}, "queues"),
        ({"streams": [7]}, "streams"),
        ({"access_key_id": "nobody's"}, "access_key_id"),
        ({"access_key_id": ""}, "access_key_id"),
        ({"secret_access_key": ""}, "secret_access_key"),
        ({"secret_access_key": 7}, "secret_access_key"),
        ({"session_token": "a b"}, "session_token"),
        ({"endpoint": "http://sqs.example.com"}, "endpoint"),
        ({"since": "yesterday"}, "since"),
        ({"receives": 0}, "receives"),
        ({"role_arn": "acme-hub"}, "role_arn"),
        ({"role_arn": ROLE, "external_id": "two words"}, "external_id"),
        ({"external_id": "acme"}, "external_id"),
        ({"own_identity": "yes"}, "own_identity"),
        ({"own_identity": True, "access_key_id": None}, "access_key_id"),
    ],
)
@pytest.mark.parametrize("name", ["voice/amazon-connect", "voice/genesys-cloud"])
def test_wrong_settings_stop_a_start(name: str, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Fatal, match=rf"calls: settings\.{named} is") as error:
        provider(name).warnings(connection(**{**GOOD, **wrong}))
    assert "a+secret" not in str(error.value)
    assert "'a b'" not in str(error.value)


def test_settings_of_reading_without_anything_to_read_are_told() -> None:
    assert warnings_of(connection(since="now")) == ("neither queues nor streams: since do nothing",)
    assert "no request passes" in provider("voice/amazon-connect").warnings(connection())[0]
    assert not provider("voice/amazon-connect").warnings(connection(**GOOD))


def test_a_role_stands_in_place_of_a_key() -> None:
    reads: dict[str, Any] = {"queues": [QUEUE], "streams": [STREAM]}
    own = reading_settings(connection(**reads, own_identity=True)).logins
    assert own == {"eu-west-1": AwsLogin("acme", "calls", "eu-west-1", None)}
    role = reading_settings(connection(**reads, role_arn=ROLE, external_id="acme-7f3a")).logins["eu-west-1"]
    assert (role.key, role.role, role.external_id) == (None, ROLE, "acme-7f3a")
    both = reading_settings(connection(**GOOD, role_arn=ROLE)).logins["eu-west-1"]
    assert both.key is not None and both.role == ROLE
    with pytest.raises(Fatal, match="exclude each other"):
        reading_settings(connection(**GOOD, own_identity=True))


def test_the_hubs_identity_asks_no_address_but_of_aws() -> None:
    reads: dict[str, Any] = {"queues": [QUEUE], "own_identity": True}
    inside = "https://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com"
    assert reading_settings(connection(**reads, endpoint=inside)).endpoint == inside
    for outside in ("https://sqs.example.com", "https://amazonaws.com.example.com", "https://evilamazonaws.com"):
        with pytest.raises(Fatal, match="endpoint"):
            reading_settings(connection(**reads, endpoint=outside))


# --- shards -----------------------------------------------------------------------------------------------------------

NOTHING: frozenset[str] = frozenset()
DAY = 86_400.0


def test_children_wait_for_the_end_of_their_parents() -> None:
    listed = {"a": NOTHING, "b": NOTHING, "ab": frozenset({"a", "b"}), "c": frozenset({"gone"})}
    places = {**begin(listed, "beginning", 1000.0), "a": ShardPlace("9", done=True)}
    assert readable(places, listed) == ["b", "c"]
    assert readable({**places, "b": ShardPlace(done=True)}, listed) == ["ab", "c"]


def test_a_first_reading_begins_where_it_should() -> None:
    assert begin({"a": NOTHING}, "beginning", 5000.0)["a"] == ShardPlace()
    assert begin({"a": NOTHING}, "now", 5000.9)["a"] == ShardPlace(at=5000, read_to=5000)
    assert begin({"a": NOTHING}, "2026-11-29", 5000.0)["a"].at == parse_time("2026-11-29T00:00:00Z") // 1_000_000


def test_new_shards_are_read_from_their_first_record() -> None:
    resumed = resume({"a": ShardPlace("9", read_to=900)}, {"a": NOTHING, "b": frozenset({"a"})}, DAY, 1000.0)
    assert resumed.places == {"a": ShardPlace("9", read_to=900), "b": ShardPlace()}
    assert not resumed.gap


def test_what_was_trimmed_is_told_once() -> None:
    now = 10 * DAY
    found = resume({"a": ShardPlace("9", read_to=int(now - DAY - 7200))}, {"a": NOTHING}, DAY, now)
    assert "a was not read for so long that its records of 2.0 h are trimmed" in found.gap
    assert found.places["a"].after == "9"
    assert not resume(found.places, {"a": NOTHING}, DAY, now).gap


def test_a_shard_that_is_gone_is_told_unless_read() -> None:
    listed = {"c": NOTHING}
    found = resume({"a": ShardPlace("9"), "b": ShardPlace("8", done=True), "c": ShardPlace("7")}, listed, DAY, 1000.0)
    assert found.gap == "a is gone and was not read to its end"
    assert found.places == {"c": ShardPlace("7")}


def test_a_cursor_survives_its_storing() -> None:
    cursor = Cursor({STREAM: {"a": ShardPlace("49640000000000000000000000000000000000000000000000000001", 0, 7, True)}})
    assert read_cursor(cursor.stored()) == cursor
    assert read_cursor(b"") == Cursor()
    with pytest.raises(Fatal):
        read_cursor(b"[")
