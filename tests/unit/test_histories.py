"""The strategy for histories makes what it promises, so that properties held over it are worth something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cx_events.catalogue import catalogue, missing_fields
from cx_events.codec import same_content
from cx_events.facts import Fact
from cx_events.stamp import StampedEvent
from cx_events.testing.histories import facts_of, histories
from cx_events.timestamps import parse_time


@cache
def sample() -> tuple[tuple[Fact, ...], ...]:
    """Some hundred histories, the same in every run."""
    drawn: list[tuple[Fact, ...]] = []

    @settings(
        max_examples=500,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories())
    def draw(history: list[StampedEvent]) -> None:
        drawn.append(tuple(facts_of(history)))

    draw()
    return tuple(drawn)


def copies(history: tuple[Fact, ...]) -> list[tuple[Fact, Fact]]:
    return [(one, other) for at, one in enumerate(history) for other in history[:at] if one.key == other.key]


def named(history: tuple[Fact, ...], type: str) -> list[Fact]:
    return [fact for fact in history if fact.event.type == type]


CASES: dict[str, Callable[[tuple[Fact, ...]], bool]] = {
    "empty": lambda history: not history,
    "long": lambda history: len(history) >= 20,
    "copy that says the same": lambda history: any(
        one.raw != other.raw and same_content(one.raw, other.raw) for one, other in copies(history)
    ),
    "copy that says something else": lambda history: any(
        one.stream_id == other.stream_id and not same_content(one.raw, other.raw) for one, other in copies(history)
    ),
    "copy at home elsewhere": lambda history: any(one.stream_id != other.stream_id for one, other in copies(history)),
    "later copy that counts": lambda history: any(one.copy_order < other.copy_order for one, other in copies(history)),
    "fast clock": lambda history: any(parse_time(fact.event.time) > fact.recorded for fact in history),
    "tie": lambda history: max(Counter(fact.effective for fact in history).values(), default=0) > 1,
    "arrival out of order": lambda history: [f.recorded for f in history] != sorted(f.recorded for f in history),
    "nobody's event of an interaction": lambda history: any(
        fact.event.data.interaction and fact.stream_id == fact.interaction_node for fact in history
    ),
    "neither people nor interaction": lambda history: any(
        not fact.event.data.interaction and not fact.event.data.participants and not fact.event.subject
        for fact in history
    ),
    "one interaction, several homes": lambda history: any(
        one.interaction_node == other.interaction_node and one.stream_id != other.stream_id
        for one in history
        for other in history
    ),
    "ended before started": lambda history: any(
        one.interaction_node == other.interaction_node and one.order < other.order
        for one in named(history, "cx.interaction.ended.v1")
        for other in named(history, "cx.interaction.started.v1")
    ),
    "withdrawal of a decision that exists": lambda history: any(
        fact.event.data.identity is not None
        and fact.event.data.identity.decision in {f"{f.event.source}#{f.event.id}" for f in history}
        for fact in named(history, "cx.identity.unmerged.v1")
    ),
    "pair kept apart": lambda history: any(
        fact.event.data.identity is not None and fact.event.data.identity.a
        for fact in named(history, "cx.identity.unmerged.v1")
    ),
    "late link": lambda history: any(fact.event.data.links for fact in history),
}


@pytest.mark.parametrize("case", CASES)
def test_a_hard_case_is_among_the_histories(case: str) -> None:
    assert any(CASES[case](history) for history in sample())


def test_histories_contain_every_family_and_an_unknown_type() -> None:
    types = {fact.event.type for history in sample() for fact in history}
    families = {catalogue()[name].family for name in types if name in catalogue()}
    # What operators did, and who agents are, is in nobody's history.
    assert families == {event_type.family for event_type in catalogue().values()} - {"operations", "directory"}
    assert "acme.custom.thing" in types


def test_events_of_histories_have_the_data_their_types_need() -> None:
    for history in sample():
        for fact in history:
            event_type = catalogue().get(fact.event.type)
            lacking = missing_fields(fact.event, event_type.needs) if event_type is not None else []
            assert [need for need in lacking if not need.startswith("interaction")] == [], fact.event
