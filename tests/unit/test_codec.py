"""Bytes to events and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_events.codec import decode, decode_data_leniently, decode_leniently, encode, same_content
from cx_events.envelope import Data, Draft
from cx_events.errors import Refused
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME, MINUTE, SECOND, START, an_event
from cx_events.testing.histories import histories

ASKED = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice").raw


def changed(raw: bytes = ASKED, /, **attributes: Any) -> bytes:
    return json.dumps({**json.loads(raw), **attributes}).encode()


def with_data(**fields: Any) -> bytes:
    return changed(data={**json.loads(ASKED)["data"], **fields})


def lacking(name: str) -> bytes:
    event = json.loads(ASKED)
    del event[name]
    return json.dumps(event).encode()


@settings(deadline=None)
@given(histories(max_size=8))
def test_canonical_bytes_come_back_from_a_round_trip(history: list[Any]) -> None:
    for stamped in history:
        assert encode(decode(stamped.raw)) == stamped.raw


def test_an_event_says_what_its_bytes_say() -> None:
    event = decode(ASKED)
    assert (event.id, event.type, event.tenantid) == ("m-1", "cx.message.received.v1", "acme")
    assert event.data.channel == "chat"
    assert event.data.message is not None
    assert event.data.message.text == "I was charged twice"


def test_what_the_provider_sent_is_kept_to_the_byte() -> None:
    sent = b'{"b": 1.0,\n "a": [1e2, "\\u00e9"], "a": 2}'
    draft = Draft(type="acme.custom.thing", id="r-1", data=Data(raw=msgspec.Raw(sent)))
    stamped = stamp(draft, source="//acme.example/chat", recorded=START, ids=ACME)
    assert sent in stamped.raw
    assert decode(stamped.raw).data.raw == msgspec.Raw(sent)


def test_unknown_attributes_and_fields_are_accepted() -> None:
    raw = changed(with_data(mood={"deep": [1, {"er": None}]}), acmeshard="7", dataref="https://acme.example/1")
    event, problems = decode_leniently(raw)
    assert event == decode(raw) == decode(ASKED)
    assert problems == []


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "tenantid", "recordedtime", "data"])
def test_an_envelope_without_a_required_attribute_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(lacking(name))
    assert refused.value.reason == "undecodable"
    assert f"`{name}`" in refused.value.detail


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        ASKED + b"x",
        ASKED.replace(b"charged", b"\xc3\x28"),
        ASKED.replace(b"charged", b"\\ud800"),
        ASKED.replace(b'"message":', b'"raw":' + b"[" * 100_000 + b"]" * 100_000 + b',"message":'),
    ],
    ids=["empty", "null", "list", "cut", "no-utf8", "trailing", "bad-utf8", "surrogate", "deep"],
)
def test_an_invalid_event_is_refused(raw: bytes) -> None:
    for read in (decode, decode_leniently):
        with pytest.raises(Refused, match="undecodable"):
            read(raw)


def test_a_field_of_wrong_shape_is_refused_by_path() -> None:
    with pytest.raises(Refused, match=r"\$\.data\.message\.text"):
        decode(with_data(message={"text": 42}))


def test_a_lenient_reader_leaves_out_only_wrongly_shaped_fields() -> None:
    event, problems = decode_leniently(with_data(message="just words", survey={"metric": "stars"}, topic="billing"))
    assert (event.data.message, event.data.survey, event.data.topic) == (None, None, "billing")
    assert event.data.interaction == "chat-42"
    assert event.data.participants == decode(ASKED).data.participants
    assert len(problems) == 2
    assert "$.message" in problems[0]
    assert "$.survey" in problems[1]


@pytest.mark.parametrize(("data", "problems"), [(["a"], 1), ("words", 1), (7, 1), (None, 0)])
def test_a_lenient_reader_takes_any_data(data: object, problems: int) -> None:
    event, found = decode_leniently(changed(data=data))
    assert event.data == Data()
    assert len(found) == problems


def test_a_lenient_reader_does_without_data() -> None:
    event, problems = decode_leniently(lacking("data"))
    assert (event.id, event.data, problems) == ("m-1", Data(), [])


def test_a_lenient_reader_keeps_every_attribute() -> None:
    attributes = {"subject": "s", "sequence": "3", "traceparent": "t", "correlationid": "c", "dataschema": "urn:x"}
    event, _ = decode_leniently(changed(data="words", **attributes))
    assert {name: getattr(event, name) for name in attributes} == attributes


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(Data.__struct_fields__), _json, max_size=4))
def test_a_lenient_reader_names_each_field_left_out(value: dict[str, Any]) -> None:
    data, problems = decode_data_leniently(value)
    read = 0
    for name in value.keys() - {"raw"}:
        try:
            alone = msgspec.convert({name: value[name]}, Data)
        except msgspec.ValidationError:
            assert sum(f"$.{name}" in problem for problem in problems) == 1
        else:
            read += 1
            assert getattr(data, name) == getattr(alone, name)
    assert len(problems) == len(value.keys() - {"raw"}) - read


def test_copies_that_differ_only_in_recorded_time_are_equal() -> None:
    again = an_event(
        id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice", recorded=START + MINUTE
    ).raw
    assert again != ASKED
    assert same_content(ASKED, again)


def test_copies_with_fields_in_another_order_are_equal() -> None:
    assert same_content(ASKED, json.dumps(dict(reversed(json.loads(ASKED).items())), indent=1).encode())


def test_copies_without_a_time_of_their_own_are_equal() -> None:
    draft = Draft(type="cx.message.read.v1", id="r-1", data=Data(interaction="chat-42"))
    one, other = (
        stamp(draft, source="//acme.example/chat", recorded=START + at, ids=ACME).raw for at in (0, 5 * SECOND)
    )
    assert same_content(one, other)


@pytest.mark.parametrize(
    "other",
    [
        with_data(topic="billing"),
        with_data(rating=1.0),
        with_data(unknown=1),
        changed(time="2026-11-22T09:59:59Z"),
        changed(partitionkey="0" * 32),
        changed(sequence="1"),
    ],
    ids=["field", "number", "unknown-field", "time", "home", "sequence"],
)
def test_copies_with_other_content_differ(other: bytes) -> None:
    assert not same_content(ASKED, other)
    assert not same_content(other, ASKED)


def test_copies_nested_too_deeply_count_as_different() -> None:
    one, other = (b'{"id":"%d","data":' % n + b"[" * 100_000 + b"]" * 100_000 + b"}" for n in (1, 2))
    assert not same_content(one, other)
