"""A record of the log as a line of an archive."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_events.archive.lines import decode_line, encode_line
from cx_events.blob.references import BlobReference, blobs_of_dead_letter, blobs_of_event
from cx_events.errors import Refused
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.log.headers import topic_headers
from cx_events.testing.builders import an_event

NAME = "sha256:" + "0f" * 32
OTHER = "sha256:" + "1a" * 32


def record(value: bytes, key: bytes = b"k") -> LogRecord:
    headers = topic_headers(INTERACTIONS, value)
    return LogRecord(INTERACTIONS, 3, 7, key, value, 1_764_410_000_000, headers=headers)


def braces(inside: bytes) -> bytes:
    return b"{" + inside + b"}"


JSON_OBJECTS = st.dictionaries(st.text(), st.one_of(st.none(), st.floats(allow_nan=False), st.text(), st.booleans()))


@given(
    st.one_of(
        st.binary(),
        st.binary().map(braces),
        JSON_OBJECTS.map(lambda value: json.dumps(value).encode()),
        JSON_OBJECTS.map(lambda value: json.dumps(value, indent=1, ensure_ascii=False).encode()),
    ),
    st.one_of(st.binary(), st.text().map(str.encode)),
)
def test_any_record_comes_back_byte_for_byte(value: bytes, key: bytes) -> None:
    line = encode_line(record(value, key))
    assert b"\n" not in line
    assert json.loads(line)["offset"] == 7
    assert decode_line(line + b"\n", INTERACTIONS, 3) == record(value, key)


@pytest.mark.parametrize(
    "value",
    [
        b'{"a":1}}',
        b'{"a":1},"offset":9,"x":{}',
        b'{"a":1,"a":2}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"a":1e999}',
        b"{ }",
        b'{"a":\r1}',
        b" {}",
    ],
)
def test_values_that_look_like_json_come_back(value: bytes) -> None:
    assert decode_line(encode_line(record(value)), INTERACTIONS, 3).value == value


def test_an_event_is_legible_in_its_line() -> None:
    event = an_event(id="m-1", text="charged twice")
    line = json.loads(encode_line(record(event.raw, event.key)))
    assert line["value"]["data"]["message"]["text"] == "charged twice"
    assert line["key"] == event.key.decode()


@pytest.mark.parametrize("line", [b"", b"{}", b'{"offset":1}', b'{"offset":1,"at":2,"value_base64":"?"}', b"\xff"])
def test_a_damaged_line_is_refused(line: bytes) -> None:
    with pytest.raises(Refused, match="damaged-line"):
        decode_line(line, INTERACTIONS, 3)


def test_blobs_of_originals_and_attachments_are_found() -> None:
    data = {"raw": {"blob": NAME, "headers": {}}, "message": {"attachments": [{"blob": OTHER}, {"blob": NAME}, {}, 3]}}
    value = msgspec.json.encode({"tenantid": "acme", "data": data})
    assert blobs_of_event(value) == [BlobReference("acme", NAME), BlobReference("acme", OTHER)]
    letter = msgspec.json.encode({"tenant": "acme", "blob": NAME})
    assert blobs_of_dead_letter(letter) == [BlobReference("acme", NAME)]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [NAME],
        {"raw": NAME},
        {"raw": {"blob": NAME + "0"}},
        {"raw": [{"blob": NAME}], "message": "sha256:"},
        {"message": {"text": f'"blob":"{NAME}"', "attachments": {"blob": NAME}}},
        {"note": {"blob": NAME}},
    ],
)
def test_a_name_elsewhere_is_no_blob(data: object) -> None:
    assert blobs_of_event(msgspec.json.encode({"tenantid": "acme", "data": data})) == []
    assert blobs_of_event(b"sha256: no event") == []
    assert blobs_of_dead_letter(msgspec.json.encode({"tenant": "acme", "detail": NAME})) == []
