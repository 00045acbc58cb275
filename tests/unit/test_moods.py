"""The customer's mood is made of the customer's own words, each counted once."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from cx_context.reference_definition import define_bodies
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_fact
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
ANA = "ana@example.com"

Fields = dict[str, Any]


def mood(*facts: Fact) -> dict[str, Any] | None:
    bodies = define_bodies(facts, ACME, DEFAULT, WINDOW)
    anas = ACME.profile("email", "", ANA)
    found: dict[str, Any] | None = bodies[anas]["sentiment"]
    return {name: value for name, value in found.items() if name != "history"} if found is not None else None


def wrote(id: str, second: int = 0, **event: Any) -> Fact:
    return a_fact(id=id, interaction="chat-1", email=ANA, text="Charged twice", at=START + second * SECOND, **event)


def answered(id: str, second: int = 0) -> Fact:
    people = [{"role": "agent", "id": "ben"}, {"role": "customer", "identifiers": [{"kind": "email", "value": ANA}]}]
    data = {"direction": "outbound", "participants": people}
    at = START + second * SECOND
    return a_fact("cx.message.sent.v1", id=id, interaction="chat-1", text="Sorry", at=at, data=data)


def deleted(message: str, second: int) -> Fact:
    data = {"message": {"id": message}}
    id, at = f"deleted-{message}", START + second * SECOND
    return a_fact("cx.message.deleted.v1", id=id, interaction="chat-1", email=ANA, at=at, data=data)


def found(score: float, second: int, *messages: str, producer: str = "acme", **data: Any) -> Fact:
    references = [{"kind": "message", "value": message} for message in messages]
    return a_fact(
        "cx.insight.found.v1",
        id=f"found-{producer}-{second}",
        interaction="chat-1",
        email=ANA,
        at=START + second * SECOND,
        data={"insight": {"producer": producer, "version": "1", "sentiment": score}, "references": references, **data},
    )


def transcript(*lines: Fields, **data: Any) -> Fact:
    fields = {"transcript": list(lines), **data}
    return a_fact("cx.call.transcript.v1", id="t-1", interaction="call-1", email=ANA, channel="voice", data=fields)


def test_an_agents_transcript_lines_are_no_customers_mood() -> None:
    said = {"role": "customer", "text": "Charged twice", "sentiment": -0.5}
    ben = {"role": "agent", "text": "My pleasure!", "sentiment": 1.0}
    bot, system = {**ben, "role": "bot"}, {**ben, "role": "supervisor"}
    assert mood(transcript(said, ben, bot, system)) == {"current": -0.5, "trend": "steady", "source": "transcript"}
    assert mood(transcript(ben)) is None


def test_a_line_without_role_is_a_lone_customers() -> None:
    line = {"text": "Call me back", "sentiment": -0.5}
    two = [{"role": "customer", "identifiers": [{"kind": "email", "value": ANA}]}, {"role": "agent", "id": "ben"}]
    voicemail = mood(transcript(line))
    assert voicemail is not None
    assert voicemail["current"] == -0.5
    assert mood(transcript(line, participants=two)) is None


@pytest.mark.parametrize(
    "data",
    [
        {"direction": "outbound"},
        {"direction": "internal"},
        {"direction": None, "participants": [{"role": "agent", "id": "ben"}]},
    ],
)
def test_sentiment_of_others_words_is_no_customers_mood(data: Fields) -> None:
    assert mood(wrote("m-1"), found(0.9, 5, **data)) is None


def test_sentiment_of_agents_messages_is_no_customers_mood() -> None:
    for facts in permutations([wrote("m-1"), answered("m-2", 1), found(-0.5, 2, "m-1"), found(0.9, 3, "m-2")]):
        now = mood(*facts)
        assert now is not None
        assert now["current"] == -0.5


def test_a_messages_own_sentiment_belongs_to_its_writer() -> None:
    insight = {"producer": "acme", "version": "1", "sentiment": 0.9}
    people = [{"role": "agent", "id": "ben"}]
    sent = a_fact("cx.message.sent.v1", id="m-2", interaction="chat-1", text="Glad to help", data={
        "direction": "outbound", "participants": people, "insight": insight})  # fmt: skip
    away = wrote("m-3", data={"message": {"id": "m-3", "text": "Away", "automatic": "auto-reply"}, "insight": insight})
    assert mood(wrote("m-1"), sent, away) is None
    assert mood(wrote("m-1", data={"insight": insight})) == {"current": 0.9, "trend": "steady", "source": "acme/1"}


def test_a_deleted_message_loses_its_sentiment_in_any_order() -> None:
    story = [wrote("m-1"), found(-0.5, 1, "m-1"), deleted("m-1", 2), found(-0.9, 3, "m-1", producer="late")]
    for facts in permutations(story):
        assert mood(*facts) is None
    other = [*story, wrote("m-2", 4), found(0.5, 5, "m-2")]
    now = mood(*other)
    assert now is not None
    assert now["current"] == 0.5


def test_of_many_deleted_messages_none_keeps_its_sentiment() -> None:
    """More than a part keeps edits of."""
    many = range(30)
    facts = [found(-0.5, 100 + n, f"m-{n}") for n in many] + [deleted(f"m-{n}", 200 + n) for n in many]
    assert mood(wrote("m-x"), *facts) is None


def test_sentiment_without_an_interaction_belongs_to_its_message() -> None:
    lone = found(-0.5, 1, "m-1", interaction="")
    assert mood(wrote("m-1"), lone) is not None
    assert mood(wrote("m-1"), lone, deleted("m-1", 2)) is None


def test_two_producers_of_one_message_are_no_trend() -> None:
    story = [wrote("m-1"), found(-0.8, 1, "m-1", producer="old"), found(0.8, 2, "m-1", producer="new")]
    for facts in permutations(story):
        assert mood(*facts) == {"current": 0.8, "trend": "steady", "source": "new/1"}


def test_two_messages_are_a_trend() -> None:
    story = [wrote("m-1"), found(-0.8, 1, "m-1"), wrote("m-2", 60), found(0.8, 61, "m-2", producer="other")]
    for facts in permutations(story):
        assert mood(*facts) == {"current": 0.0, "trend": "improving", "source": "other/1"}


def test_findings_about_no_single_message_stand_by_themselves() -> None:
    now = mood(wrote("m-1"), found(-0.8, 1), found(0.8, 2, "m-1", "m-2"))
    assert now is not None
    assert now["trend"] == "improving"
