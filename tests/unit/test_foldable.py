"""What senders may write can be folded, whatever it is; and the part of several events is the sum of theirs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_context import fold
from cx_context.document import encode_body
from cx_context.fold_faults import NOT_FOLDED, by_merging, fault_of, is_left_out, part_of
from cx_context.parts import merge
from cx_context.parts.event_kinds import makes_part
from cx_context.reference_definition import define, define_bodies
from cx_context.routing_targets import routing_targets
from cx_context.store.part_codec import decode_part, encode_part
from cx_events.catalogue import catalogue
from cx_events.client_events import accept
from cx_events.codec import decode_read_only
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.strict_json import decode
from cx_events.testing.builders import ACME, HOUR, START, a_fact, an_event
from cx_events.testing.histories import facts_of, histories
from cx_events.timestamps import parse_time
from cx_identity.rules import DEFAULT
from cx_projectors.records import read_batch

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode

NOW = parse_time("2026-11-28T00:00:00Z")

_texts = st.one_of(
    st.sampled_from(
        ("", " ", "\0", "a\0b", "\u202e\u200b", "\ufffd", "🏴", "x" * 5000, "é" * 300, "#", "\n", "%", "'")
    ),
    st.text(max_size=20),
)
_numbers = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from((0, -0.0, 1e308, -1e308, 5e-324, (1 << 63) - 1, -(1 << 63))),
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=4)),
    max_leaves=12,
)
_identifiers = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(("email", "phone", "crm", "account", "cookie", "facebook-psid", "x" * 40, "ß")),
            "value": st.one_of(_texts, st.sampled_from(("ana@example.com", "+15550100101", "C-1", "a" * 256))),
        },
        optional={"scope": _texts, "verified": st.booleans()},
    ),
    max_size=5,
)
_named = st.fixed_dictionaries({}, optional={"id": _texts, "name": _texts})
_times = st.sampled_from(
    ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z", "2026-11-22T10:00:00Z",
     "2026-11-22T10:00:60Z", "0001-01-01T00:00:00.000001Z")
)  # fmt: skip
_data = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(("voice", "chat", "email", "social", "sms", "web", "survey", "crm")),
        "interaction": st.sampled_from(("", "i-1", "ß", "x" * 512)),
        "direction": st.sampled_from(("inbound", "outbound", "internal")),
        "participants": st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(("customer", "agent", "bot", "system", "business"))},
                optional={"id": _texts, "name": _texts, "identifiers": _identifiers},
            ),
            max_size=3,
        ),
        "references": st.lists(
            st.fixed_dictionaries({"kind": st.sampled_from(("order", "token", "message", "")), "value": _texts}),
            max_size=4,
        ),
        "message": st.fixed_dictionaries({}, optional={"id": _texts, "text": _texts, "in_reply_to": _texts}),
        "queue": _named,
        "agent": _named,
        "reason": _texts,
        "transcript": st.lists(
            st.fixed_dictionaries(
                {}, optional={"role": _texts, "text": _texts, "at": st.one_of(_texts, st.floats(0, 1e308)),
                              "sentiment": st.floats(allow_nan=False, allow_infinity=False)}
            ),
            max_size=3,
        ),
        "bot": st.fixed_dictionaries(
            {}, optional={"intent": _texts, "text": _texts, "slots": st.dictionaries(_texts, _json, max_size=3)}
        ),
        "transfer": st.fixed_dictionaries({}, optional={"to": _texts, "agent": _named, "queue": _named}),
        "links": st.lists(_identifiers.filter(lambda some: len(some) > 1).map(lambda some: some[:2]), max_size=2),
        "evidence": _texts,
        "survey": st.fixed_dictionaries({"metric": st.sampled_from(("nps", "csat", "ces")), "score": _numbers}),
        "topic": _texts,
        "note": _texts,
        "disposition": _texts,
        "handoff": st.fixed_dictionaries({}, optional={"to": _texts, "queue": _named, "version": st.integers(0, 9)}),
        "consent": st.fixed_dictionaries({"purpose": _texts, "granted": st.booleans()}, optional={"channel": _texts}),
        "insight": st.fixed_dictionaries(
            {"producer": _texts, "version": _texts},
            optional={"sentiment": _numbers, "topic": _texts, "summary": _texts},
        ),
        "preferences": st.dictionaries(_texts, _json, max_size=3),
        "attributes": st.dictionaries(_texts, _json, max_size=3),
        "identity": st.fixed_dictionaries(
            {},
            optional={"a": _texts, "b": _texts, "profile": _texts, "interaction": _texts, "decision": _texts,
                      "candidate": _texts, "rules": st.dictionaries(
                          st.sampled_from(("shared_after", "exclusive", "never_link", "x")), _json, max_size=3)},
        ),
        "conversation": st.fixed_dictionaries({}, optional={"id": _texts, "other": _texts}),
        "token": st.fixed_dictionaries(
            {},
            optional={
                "id": st.sampled_from(("thr-aaaaaaaaaaaaaaaa", "", "x")),
                "lifetime_s": st.integers(-(1 << 63), (1 << 63) - 1),
            },
        ),
    },
)  # fmt: skip
_types = st.sampled_from((*sorted(catalogue()), "acme.custom", "cx.unknown.thing.v1", "cx.message.received.v9"))


@st.composite
def imported(draw: st.DrawFn) -> StampedEvent | None:
    """An event as a key of operators may bring it in; None where intake refuses it."""
    value: dict[str, Any] = {
        "specversion": "1.0",
        "id": draw(st.sampled_from(("e-1", "ß", "x" * 512))),
        "source": draw(st.sampled_from(("//acme.example/chat", "//throughline/acme/decisions"))),
        "type": draw(_types),
        "time": draw(_times),
        "recordedtime": draw(_times),
        "data": draw(_data),
    }
    if draw(st.booleans()):
        value["sequence"] = draw(st.sampled_from((0, 7, 10**18 - 1)))
    try:
        return accept(decode(msgspec.json.encode(value)), ids=ACME, recorded=NOW, importing=True, scopes=("*",))
    except Refused:
        return None


def read(event: StampedEvent) -> Fact | None:
    batch = read_batch(
        [LogRecord(INTERACTIONS, 0, 0, event.key, event.raw, 0)], lambda tenant: ACME if tenant == "acme" else None
    )
    assert not batch.undecodable
    (incoming,) = batch.events.values()
    assert incoming.left_out is None, incoming.problem
    return incoming.fact


@settings(max_examples=300)
@given(imported())
def test_accepted_events_can_be_folded_kept_and_shown(event: StampedEvent | None) -> None:
    if event is None:
        return
    fact = read(event)
    assert fact is not None
    assert fault_of(fact, ACME) is None
    bodies = define_bodies([fact], ACME, DEFAULT, 72 * HOUR)
    for body in bodies.values():
        encode_body(body)
    for known in define([fact], ACME, DEFAULT).known.values():
        for each in known.parts:
            assert _canonical(decode_part(encode_part(each.part))) == _canonical(each.part)
            routing_targets(each.part)


def test_a_hundred_thousand_identifiers_and_more_are_folded() -> None:
    many = [{"kind": "cookie", "value": f"c-{n}"} for n in range(20_000)]
    fact = a_fact(id="e", interaction="i-1", data={"participants": [{"role": "customer", "identifiers": many}] * 5})
    assert fault_of(fact, ACME) is None


@given(histories(min_size=1))
def test_adding_in_place_equals_merging(history: list[StampedEvent]) -> None:
    parts: dict[bytes, list[Fact]] = {}
    for fact in facts_of(history):
        if makes_part(fact.event.type):
            parts.setdefault(fact.part_id, []).append(fact)
    for facts in parts.values():
        merged = fold.new_part(facts[0])
        for fact in facts[1:]:
            merged = by_merging(merged, fact)
        assert _canonical(part_of(facts)) == _canonical(merged)
        assert _canonical(merge.combine(map(fold.new_part, facts))) == _canonical(merged)


def test_a_fault_has_the_same_text_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the error's message, which may hold an address."""

    def explode(part: object, data: object, at: object) -> None:
        raise ValueError(object())

    monkeypatch.setattr(fold, "HANDLERS", {"cx.message.received.v1": explode})
    fact = a_fact(id="e", email="ana@example.com", text="hello", at=START)
    assert fault_of(fact, ACME) == f"{NOT_FOLDED}ValueError in explode"
    assert is_left_out(fault_of(fact, ACME)) and not is_left_out(None) and not is_left_out("a sentiment")
    assert define([fact], ACME, DEFAULT).known == {}


def test_an_unreadable_decision_is_left_out_on_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    event = an_event("cx.identity.merged.v1", id="e", data={"identity": {"a": "x", "b": "y"}})
    monkeypatch.setattr("cx_identity.decisions.parse_node_id", lambda text: 1 // 0)
    (incoming,) = read_batch([LogRecord(INTERACTIONS, 0, 0, event.key, event.raw, 0)], lambda _: ACME).events.values()
    assert incoming.left_out == "unfoldable"
    assert incoming.problem == fault_of(Fact(decode_read_only(event.raw), event.raw, ACME), ACME)


@pytest.mark.parametrize("depth", [900, 990, 5_000, 200_000])
def test_deeply_nested_data_with_a_nul_blocks_nobody(depth: int) -> None:
    data = {"attributes": {"x": "HERE"}}
    event = an_event("cx.customer.attributes_changed.v1", id="e", email="ana@example.com", data=data)
    raw = event.raw.replace(b'"HERE"', b"[" * depth + b'"\\u0000"' + b"]" * depth)
    batch = read_batch([LogRecord(INTERACTIONS, 0, 0, event.key, raw, 0)], lambda _: ACME)
    assert len(batch.events) + len(batch.undecodable) == 1
