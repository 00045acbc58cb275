"""A usual event is read at once, and becomes the same bytes as one that is looked at closely."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from cx_events.catalogue import catalogue
from cx_events.client_events import accept
from cx_events.continuity_tokens import recognise_tokens
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.timestamps import parse_time
from cx_events.typos import TypoFinder
from cx_events.usual_events import read_usual_event

IDS = IdSpace("acme", b"k" * 32)
NOW = parse_time("2026-11-22T10:05:00.000001Z")
TYPES = [each.name for each in catalogue().values() if not each.unsupported]
RARE = "comexampleshard"
"""An attribute of a client's own, for which an event is looked at closely."""

CODE = "4820 1937"


def outcome(value: dict[str, Any]) -> tuple[str, ...]:
    """The bytes that an event becomes without ``RARE``, or why it is refused."""
    try:
        raw = accept(
            value,
            ids=IDS,
            recorded=NOW,
            scopes=("events:write", "identity:assert"),
            writer="key/desk",
            recognise=lambda data: recognise_tokens(data, IDS),
        ).raw
    except Refused as refused:
        return refused.reason, refused.detail
    return (raw.decode().replace(f'"{RARE}":"3",', ""),)


def assert_read_alike(value: dict[str, Any]) -> bool:
    """Both ways come to the same; return whether the event was a usual one."""
    before = deepcopy(value)
    usual = outcome(value)
    assert value == before
    assert usual == outcome({RARE: "3", **value})
    read = read_usual_event(value)
    if read is not None:
        assert TypoFinder().typos_of(value) == []
    return read is not None


@pytest.mark.parametrize("name", TYPES)
def test_each_example_is_read_alike_both_ways(name: str) -> None:
    example = dict(deepcopy(catalogue()[name].example))
    is_usual = assert_read_alike(example)
    if name.startswith(("cx.message.", "cx.interaction.", "cx.call.")):
        assert is_usual


def test_a_code_in_a_usual_event_is_recognised() -> None:
    value = message(text=CODE)
    assert assert_read_alike(value)
    (raw,) = outcome(value)
    assert [each["kind"] for each in json.loads(raw)["data"]["references"]] == ["order", "token"]


def message(**changes: Any) -> dict[str, Any]:
    value = dict(deepcopy(catalogue()["cx.message.received.v1"].example))
    value["data"]["message"].update(changes)
    return value


@pytest.mark.parametrize(
    "changes",
    [
        {"subjetc": "s"},
        {"subject": None},
        {"subject": "a\u0085b"},
        {"subject": "x" * 4097},
        {"time": ""},
        {"time": None},
        {"time": "2026-11-22 10:02:11+01:00"},
        {"time": "2026-11-22T10:02:11\u2028Z"},
        {"id": ""},
        {"id": "x" * 513},
        {"source": "//throughline/acme/decisions"},
        {"source": "//ThroughLine/acme"},
        {"source": "two words"},
        {"type": "cx.message.recieved.v1"},
        {"type": ["cx.message.received.v1"]},
        {"tenantid": ""},
        {"writer": "key/other"},
        {"sequence": 3},
        {"data": None},
        {"specversion": "0.3"},
    ],
)
def test_an_odd_attribute_is_looked_at_closely(changes: dict[str, Any]) -> None:
    assert assert_read_alike({**message(), **changes}) == (changes == {"time": "2026-11-22 10:02:11+01:00"})


@pytest.mark.parametrize(
    "data",
    [
        {"agnet": {}},
        {"message": {"txet": "hi"}},
        {"references": [{"kind": "ordre", "value": "1"}]},
        {"participants": [{"role": "customer", "identifiers": [{"kind": "emial", "value": "a@b.example"}]}]},
        {"links": [[{"kind": "phone", "value": "+4930123456"}, {"kind": "emial", "value": "a@b.example"}]]},
        {"transcript": [{"role": "custmer", "text": "hi"}]},
        {"handoff": {"packet": {"sumary": "twice"}}},
    ],
)
def test_a_misspelt_event_is_looked_at_closely(data: dict[str, Any]) -> None:
    value = message()
    value["data"] |= data
    assert TypoFinder().typos_of(value) != []
    assert read_usual_event(value) is None


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each member and item below a value, with what holds it."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


ODD = st.sampled_from(
    [
        None,
        "",
        0,
        1.5,
        True,
        [],
        {},
        "emial",
        "x" * 600,
        CODE,
        "a\0b",
        "\u200bana",
        {"kind": "order", "value": "1"},
        [None],
    ]
)
NAMES = st.sampled_from(
    ["text", "txet", "identifiers", "kind", "weight", "verified", "scope", "raw", "own", "references"]
)


@examples(600)
@given(st.data())
def test_any_damaged_event_is_read_alike_both_ways(data: st.DataObject) -> None:
    value = dict(deepcopy(catalogue()[data.draw(st.sampled_from(TYPES))].example))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(list(places(value))))
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder[data.draw(NAMES)] = deepcopy(data.draw(ODD))
        elif data.draw(st.booleans()):
            holder[key] = deepcopy(data.draw(ODD))
        else:
            del holder[key]
    assert_read_alike(value)
