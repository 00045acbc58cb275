"""What clients misspell is told with the nearest known word; what is merely unknown is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cx_context_api.requests import bodies
from cx_events.client_events import accept
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.spelling import nearest
from cx_events.timestamps import parse_time
from cx_events.typos import COMPARED, MOST, MOST_OF_REQUEST, TypoFinder

IDS = IdSpace("acme", b"k" * 32)
NOW = parse_time("2026-11-22T10:05:00.000001Z")
EXAMPLES = sorted((Path(__file__).parents[2] / "schemas" / "events").glob("*/*.example.json"))


def event(data: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "id": "m-1",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {"channel": "chat", "interaction": "c-1", "message": {"text": "hello"}, **(data or {})},
    }
    return {**whole, **changes}


def told(value: dict[str, Any]) -> list[tuple[str, str]]:
    return [(typo.place, typo.nearest) for typo in TypoFinder().typos_of(value)]


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("mesage", {"message", "member"}, "message"),
        ("contentType", {"content_type"}, "content_type"),
        ("emial", {"email", "phone"}, "email"),
        ("recieved", {"received", "sent"}, "received"),
        ("at", {"to", "id"}, None),
        ("ID", {"id"}, "id"),
        ("colour", {"message", "member"}, None),
        ("tex", {"text"}, None),
        ("text", {"text"}, None),
        ("messages", {"messages", "message"}, "message"),
        ("m" * 65, {"m" * 64}, None),
    ],
)
def test_the_nearest_word_is_found(word: str, known: set[str], found: str | None) -> None:
    assert nearest(word, known) == found


@pytest.mark.parametrize(
    ("value", "place", "near"),
    [
        (event({"agnet": {}}), "data.agnet", "agent"),
        (event({"message": {"txet": "hello"}}), "data.message.txet", "text"),
        (event({"message": {"inReplyTo": "m"}}), "data.message.inReplyTo", "in_reply_to"),
        (
            event({"participants": [{"role": "customer", "identifers": []}]}),
            "data.participants[0].identifers",
            "identifiers",
        ),
        (
            event({"participants": [{"role": "customer", "identifiers": [{"kind": "emial", "value": "a@b.example"}]}]}),
            "data.participants[0].identifiers[0].kind",
            "email",
        ),
        (event({"references": [{"kind": "ordre", "value": "1"}]}), "data.references[0].kind", "order"),
        (event(type="cx.message.recieved.v1"), "type", "cx.message.received.v1"),
        (event(subjetc="s"), "subjetc", "subject"),
    ],
)
def test_a_typo_names_the_nearest(value: dict[str, Any], place: str, near: str) -> None:
    assert told(value) == [(place, near)]


def test_what_is_merely_unknown_is_not_told() -> None:
    own = {"shop": "north", "message": {"text": "x", "mood": "good"}, "attributes": {"mesage": 1}, "raw": {"txet": 1}}
    assert told(event(own, type="com.example.order.placed", comexampleshard="3")) == []


def test_a_name_beside_the_known_one_is_meant() -> None:
    assert told(event({"agent": {"id": "ben"}, "agents": []})) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_no_example_has_a_typo(path: Path) -> None:
    assert told(json.loads(path.read_bytes())) == []


def test_typos_are_bounded_by_event_and_request() -> None:
    finder = TypoFinder()
    wrong = event({"participants": [{"role": "customer", "nmae": "Ana"} for _ in range(MOST + 5)]})
    found = [len(finder.typos_of(wrong)) for _ in range(MOST_OF_REQUEST)]
    assert found[0] == MOST
    assert sum(found) == MOST_OF_REQUEST


def test_comparing_is_bounded() -> None:
    strange = {f"messag{number}x": 1 for number in range(10 * COMPARED)}
    assert len(TypoFinder().typos_of(event({**strange, "message": None}))) <= MOST


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"channel": "voise"},
            "data.channel: Invalid enum value 'voise'; allowed are chat, crm, email, sms, social, survey, voice, web; "
            "did you mean 'voice'?",
        ),
        (
            {"participants": [{"role": "owner"}]},
            "data.participants[0].role: Invalid enum value 'owner'; allowed are agent, bot, business, customer, system",
        ),
        ({"message": "hello"}, "data.message: Expected `object | null`, got `str`"),
        ({"agent": "ben"}, "data.agent: Expected `object | null`, got `str`; an object with id, name"),
    ],
)
def test_enum_errors_list_what_is_allowed(data: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        accept(event(data), ids=IDS, recorded=NOW, scopes=("*",))
    assert refused.value.detail == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"by": "robot"}, "by: Invalid enum value 'robot'; allowed are agent, bot, customer"),
        ({"by": "bott"}, "by: Invalid enum value 'bott'; allowed are agent, bot, customer; did you mean 'bot'?"),
        ({"queue": "orders"}, "queue: Expected `object | null`, got `str`; an object with id, name"),
        ({"agent": {"id": 7}}, "agent.id: Expected `str`, got `int`"),
        ({"agent": {"name": "Ben"}}, "agent: Object missing required field `id`"),
        ({"reson": "late"}, "Object contains unknown field `reson`; did you mean 'reason'?"),
        ({"agent": {"id": "ben", "nmae": "Ben"}}, "agent: Object contains unknown field `nmae`; did you mean 'name'?"),
    ],
)
def test_errors_of_a_body_say_what_may_stand_there(body: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        bodies.read(json.dumps(body).encode(), "application/json", bodies.Handoff)
    assert (refused.value.reason, refused.value.detail) == ("bad-body", said)


def test_names_of_a_packet_are_told_in_events() -> None:
    packet = {"sumary": "charged twice", "openQuestions": ["which card?"], "mood": "calm", "tried": []}
    sent = event(type="cx.handoff.requested.v1", data={"handoff": {"to": "billing", "packet": packet}})
    assert sorted(told(sent)) == [
        ("data.handoff.packet.openQuestions", "open_questions"),
        ("data.handoff.packet.sumary", "summary"),
    ]
    assert told(event({"handoff": {"packet": {"summary": "x", "sumary": "y"}}})) == []


@pytest.mark.parametrize(
    ("body", "near"),
    [
        ({"agnet": {"id": "ben"}}, "agent"),
        ({"agent": {"id": "ben", "nmae": "Ben"}}, "name"),
        ({"agent": {"id": "ben", "colour": "red"}}, None),
    ],
)
def test_unknown_members_of_acts_are_refused_with_the_nearest(body: dict[str, Any], near: str | None) -> None:
    with pytest.raises(Refused) as refused:
        bodies.read(json.dumps(body).encode(), "application/json", bodies.Handoff)
    assert refused.value.detail.endswith(f"; did you mean {near!r}?") == (near is not None)
