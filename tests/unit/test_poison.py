"""What anybody may put on the log ends as stored, marked and told of, and never holds a partition up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cx_context.document import encode_body
from cx_context.fold import apply, new_part
from cx_context.parts.model import Part
from cx_context.reference_definition import define_bodies
from cx_events.envelope import Identifier
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, event_key
from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, a_fact, an_event, fact_of
from cx_identity.evidence import links_of
from cx_identity.rules import DEFAULT
from cx_projectors.classify import read_event
from cx_projectors.records import Batch, read_batch

UNSHOWN = "(too large to be shown)"
FEELING = "cx.insight.found.v1"
PROFILE = "cx.customer.attributes.v1"


def ids_of(tenant: str) -> IdSpace | None:
    return ACME if tenant == "acme" else None


def records(*events: StampedEvent) -> list[LogRecord]:
    return [LogRecord(INTERACTIONS, 0, offset, event.key, event.raw, 0) for offset, event in enumerate(events)]


def read(*events: StampedEvent) -> Batch:
    return read_batch(records(*events), ids_of)


def kept(*facts: Fact) -> Part:
    """The part of some facts of one stream and interaction, after a round through the store's bytes."""
    part = new_part(facts[0])
    for fact in facts[1:]:
        apply(part, fact)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=Part)


def body_of(*facts: Fact) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, 72 * HOUR).values()
    encode_body(body)
    return body


def with_json(event: StampedEvent, value: bytes) -> StampedEvent:
    """The event with JSON text that no builder would write in place of ``"HERE"``."""
    return StampedEvent(event.source, event.id, event.key, event.raw.replace(b'"HERE"', value))


@pytest.mark.parametrize("score", [1e300, 1e308, -1e300, 1.5])
def test_a_sentiment_beyond_its_scale_is_skipped_and_marked(score: float) -> None:
    event = an_event(
        FEELING,
        id="e",
        email="ana@example.com",
        data={"insight": {"producer": "m", "version": "1", "sentiment": score, "topic": "billing"}},
    )
    batch = read(event)
    (incoming,) = batch.events.values()
    assert incoming.problem == "a sentiment is not within -1 to 1"
    assert [letter.reason for letter in batch.letters] == ["unusable-data"]
    part = kept(incoming.fact)
    assert part.sentiment == {}
    assert [topic for _, topic in part.topics] == ["billing"]


def test_a_sentiment_beyond_the_scale_leaves_other_lines() -> None:
    lines = [
        {"role": "customer", "text": "hi", "sentiment": 1e300},
        {"role": "customer", "text": "yes", "sentiment": 0.5},
    ]
    event = an_event("cx.call.transcript.v1", id="e", interaction="call-1", data={"transcript": lines})
    (incoming,) = read(event).events.values()
    assert incoming.problem == "a sentiment is not within -1 to 1"
    part = kept(incoming.fact)
    assert [score for _, (score, _) in part.sentiment.values()] == [500]
    assert [text for _, _, _, text, _ in part.latest_messages] == ["yes", "hi"]


def test_a_survey_score_beyond_any_scale_is_skipped() -> None:
    event = an_event(
        "cx.survey.answered.v1", id="e", email="ana@example.com", data={"survey": {"metric": "nps", "score": 1e300}}
    )
    (incoming,) = read(event).events.values()
    assert incoming.problem == "data.survey.score is not within -1000 to 1000"
    assert kept(incoming.fact).events == 1


@pytest.mark.parametrize(
    "value",
    [b"[" * 600 + b"]" * 600, str(2**64).encode(), str(-(2**63) - 1).encode(), b'{"a":[' + b"9" * 40 + b"]}"],
    ids=["deep", "beyond uint64", "below int64", "inside"],
)
def test_a_value_that_no_part_holds_is_not_shown(value: bytes) -> None:
    event = with_json(an_event(PROFILE, id="e", email="ana@example.com", data={"attributes": {"x": "HERE"}}), value)
    (incoming,) = read(event).events.values()
    assert kept(incoming.fact).attributes["x"][1] == UNSHOWN
    assert body_of(incoming.fact)["customer"]["attributes"] == {"x": UNSHOWN}


def test_large_values_are_bounded_in_part_and_context() -> None:
    long = "x" * 100_000
    fields: dict[str, Any] = {
        "agent": {"id": long, "name": long},
        "queue": {"id": long, "name": long},
        "attributes": {long: long, "list": [long]},
        "preferences": {long: long},
        "references": [{"kind": long, "value": long}],
        "bot": {"intent": long, "text": long, "slots": {long: long}},
        "insight": {"producer": long, "version": long, "sentiment": 0.5, "topic": long, "summary": long},
        "message": {"id": long, "text": long},
    }
    fact = a_fact(id="e", email="ana@example.com", name=long, interaction="chat-1", data=fields)
    assert len(msgspec.msgpack.encode(kept(fact))) < 20_000
    assert len(encode_body(body_of(fact))) < 24_000  # the glance repeats some of it


def test_long_ids_that_begin_alike_stay_different() -> None:
    long = "m" * 400
    facts = [
        a_fact(id=str(at), email="ana@example.com", interaction="chat-1", at=START + at, data={"message": message})
        for at, message in enumerate([{"id": long + "1", "text": "one"}, {"id": long + "2", "text": "two"}])
    ]
    gone = a_fact(
        "cx.message.deleted.v1",
        id="d",
        email="ana@example.com",
        interaction="chat-1",
        at=START + MINUTE,
        data={"message": {"id": long + "1"}},
    )
    messages = body_of(*facts, gone)["conversations"][0]["messages"]
    assert [message["text"] for message in messages] == ["two", "(deleted)"]


def test_the_attributes_of_many_contacts_are_bounded() -> None:
    facts = [
        a_fact(PROFILE, id=str(n), email="ana@example.com", interaction=f"i-{n}", at=START + n, data=data)
        for n in range(200)
        for data in [{"attributes": {f"k-{n}": n}}]
    ]
    attributes = body_of(*facts)["customer"]["attributes"]
    assert attributes == {f"k-{n}": n for n in sorted(range(136, 200), key=str)}


def test_the_unresolved_are_bounded() -> None:
    facts = [
        a_fact(id=str(n), email="ana@example.com", interaction=f"i-{n}", text="?", at=START + n * 100 * HOUR)
        for n in range(60)
    ]
    assert len(body_of(*facts)["unresolved"]) == 20


def test_a_transcript_line_never_has_another_events_id() -> None:
    spoken = a_fact(
        "cx.call.transcript.v1",
        id="t",
        interaction="call-1",
        email="ana@example.com",
        data={"transcript": [{"role": "customer", "text": "spoken"}]},
    )
    written = a_fact(id="t#0000", interaction="call-1", email="ana@example.com", text="written")
    assert kept(spoken, written) == kept(written, spoken)


def test_nul_is_read_as_a_replacement_character() -> None:
    """PostgreSQL's text can't hold it, and JSON's strings can (RFC 8259, section 7)."""
    event = an_event(
        "cx.identity.asserted.v1",
        id="e",
        identifiers=[Identifier(kind="email", value="ana@example.com"), Identifier(kind="crm", value="C-1")],
        weight="asserted",
        name="A\0na",
        data={"evidence": "log\0in", "attributes": {"a\0": ["b\0"]}, "raw": {"kept": "\0"}},
    )
    (incoming,) = read(event).events.values()
    fact = incoming.fact
    assert fact.raw == event.raw
    (edge,) = links_of(fact, ACME).edges
    assert edge.asserted_rule == "log\N{REPLACEMENT CHARACTER}in"
    assert fact.event.data.participants[0].name == "A\N{REPLACEMENT CHARACTER}na"
    assert kept(fact).attributes["a\N{REPLACEMENT CHARACTER}"][1] == ["b\N{REPLACEMENT CHARACTER}"]
    assert bytes(fact.event.data.raw) == b'{"kept":"\\u0000"}'


def test_a_backslash_before_u0000_is_no_nul() -> None:
    fact = a_fact(id="e", email="ana@example.com", text="\\u0000")
    assert kept(fact).latest_messages[0][3] == "\\u0000"


@pytest.mark.parametrize("field", ["id", "source"])
def test_an_events_name_with_nul_is_refused(field: str) -> None:
    """Names are joined by NUL where they are hashed: (a, NUL b) and (a NUL, b) would be one event."""
    assert event_key("acme", "a\0b", "c") == event_key("acme", "a", "b\0c")
    names = {"id": "e", "source": "//acme.example/chat", field: "a\0b"}
    event = an_event(email="ana@example.com", text="hi", **names)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="NUL"):
        fact_of(event)
    batch = read(event)
    assert not batch.events
    assert [(letter.stage, letter.reason) for letter in batch.letters] == [("decode", "undecodable")]


def test_a_problem_is_short_and_of_printable_text() -> None:
    event = with_json(
        an_event("cx.unknown.thing.v1", id="e", interaction="i-1", channel="chat", data={"attributes": {"x": "HERE"}}),
        b"1",
    )
    event = StampedEvent(
        event.source, event.id, event.key, event.raw.replace(b'"chat"', b'"a\\u0000' + b"b" * 100_000 + b'"')
    )
    batch = read(event)
    (incoming,) = batch.events.values()
    assert incoming.problem is not None and len(incoming.problem) <= 1000 and "\0" not in incoming.problem
    assert batch.letters[0].detail == incoming.problem


def test_the_names_of_a_dead_letter_fit_an_index() -> None:
    """PostgreSQL's B-trees take rows of 2704 bytes at most."""
    wide = "\N{LINEAR B SYLLABLE B008 A}" * 500
    event = an_event(
        FEELING,
        id=wide,
        source=f"//s/{wide}",
        email="ana@example.com",
        data={"insight": {"producer": "m", "version": "1", "sentiment": 7}},
    )
    (letter,) = read(event).letters
    assert len(f"{letter.tenant}{letter.source}{letter.id}{letter.stage}".encode()) < 2500
    other = an_event(
        FEELING,
        id=wide + "2",
        source=f"//s/{wide}",
        email="ana@example.com",
        data={"insight": {"producer": "m", "version": "1", "sentiment": 7}},
    )
    assert read(other).letters[0].id != letter.id


@pytest.mark.parametrize("value", [b"1e999", b"9" * 5000], ids=["1e999", "5000 digits"])
def test_copies_with_incomparable_raw_are_both_kept(value: bytes) -> None:
    event = an_event(id="e", email="ana@example.com", text="hi", data={"raw": "HERE"})
    one = with_json(event, value)
    other = StampedEvent(one.source, one.id, one.key, one.raw.replace(b'"hi"', b'"ho"'))
    batch = read(one, other)
    assert len(batch.events) == 1
    assert {raw for _, _, _, raw in batch.copies} == {one.raw, other.raw}


@pytest.mark.parametrize(
    "record",
    [
        LogRecord(INTERACTIONS, 0, 7, b"", b"junk", 10**17),
        LogRecord(INTERACTIONS, 0, 7, b"", b"junk", -(10**17)),
        LogRecord(INTERACTIONS, 0, 7, b"", b"", 0),
        LogRecord(INTERACTIONS, 0, 7, b"", b'{"x":' + b"[" * 100_000, 0),
        LogRecord(DEAD_LETTERS, 0, 7, b"", b'{"x":' + b"[" * 100_000, 0),
        LogRecord(DEAD_LETTERS, 0, 7, b"", b"null", 0),
    ],
    ids=["far future", "far past", "empty", "deep", "deep dead letter", "null"],
)
def test_a_record_that_is_nothing_becomes_a_dead_letter(record: LogRecord) -> None:
    batch = read_batch([record], ids_of)
    (letter,) = batch.letters
    assert letter.stage == "decode"
    assert letter.content == record.value
    assert list(batch.offsets.values()) == [8]


def test_a_nul_in_a_dead_letter_is_removed() -> None:
    raw = (
        b'{"tenant":"acme","source":"s\\u0000","id":"'
        + b"i" * 5000
        + b'","stage":"map","reason":"r","detail":"d\\u0000",'
        b'"recorded":"2026-11-22T10:00:00Z"}'
    )
    (letter,) = read_batch([LogRecord(DEAD_LETTERS, 0, 0, b"", raw, 0)], ids_of).letters
    assert "\0" not in f"{letter.tenant}{letter.source}{letter.id}{letter.stage}{letter.reason}{letter.detail}"
    assert len(letter.id) < 600


def test_a_summary_is_never_the_deleted_message() -> None:
    said = a_fact(id="m", email="ana@example.com", interaction="chat-1", text="my card is 4111")
    then = a_fact(id="n", email="ana@example.com", interaction="chat-1", text="hello?", at=START + 1)
    gone = a_fact(
        "cx.message.deleted.v1",
        id="d",
        email="ana@example.com",
        interaction="chat-1",
        at=START + MINUTE,
        data={"message": {"id": "m"}},
    )
    assert body_of(said, then, gone)["conversations"][0]["summary"] == "hello?"


def test_an_unusable_score_leaves_stream_and_part_unchanged() -> None:
    event = an_event(
        "cx.survey.answered.v1", id="e", email="ana@example.com", data={"survey": {"metric": "nps", "score": 1e300}}
    )
    incoming = read_event(event.raw, ids_of)
    assert incoming.stream_id == incoming.fact.stream_id == ACME.profile("email", "", "ana@example.com")
