"""Test whose desks an interaction concerns: a function of its events, in whatever order they come."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given

from cx_context.fold import apply, new_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.routing_targets import (
    NOBODYS,
    UNASSIGNED,
    SideState,
    may_concern_desks,
    routing_state,
    routing_targets,
    targets_of,
)
from cx_events.facts import Fact
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, a_fact
from cx_events.testing.histories import facts_of, histories

BEN, CARLA = {"id": "ben", "name": "Ben"}, {"id": "carla", "name": "Carla"}
BILLING = {"id": "q-billing", "name": "Billing"}


def step(number: int, type: str, **data: object) -> Fact:
    at = START + number * SECOND
    return a_fact(f"cx.{type}.v1", id=f"e-{number}", interaction="call-1", email="ana@example.com", at=at, data=data)


STARTED = step(0, "interaction.started")
QUEUED = step(1, "interaction.queued", queue=BILLING)
OFFERED = step(2, "interaction.routed", queue=BILLING, agent=BEN)
ANSWERED = step(3, "interaction.answered", queue=BILLING, agent=BEN)
HANDED = step(4, "handoff.requested", agent=BEN, handoff={"to": "carla"})
ANYBODY = step(4, "handoff.requested", handoff={"by": "customer"})
TRANSFERRED = step(4, "interaction.transferred", transfer={"agent": CARLA, "queue": BILLING})
ACCEPTED = step(5, "handoff.accepted", agent=CARLA)
ENDED = step(8, "interaction.ended")
RESUMED = step(9, "interaction.resumed")
ASSIGNED = step(6, "conversation.assigned", agent=BEN, assignee=CARLA)
UNASSIGNED_AGAIN = step(7, "conversation.unassigned", agent=BEN)
RESOLVED = step(6, "conversation.resolved", agent=BEN)
PASSED_ON = step(4, "interaction.transferred", transfer={"agent": CARLA})
TOLD_ABOUT: list[tuple[str, dict[str, Any]]] = [
    ("conversation.disposition", {"disposition": "refund promised"}),
    ("conversation.note", {"note": "hm"}),
    ("conversation.topic", {"topic": "billing"}),
    ("call.recording", {"recording": {"id": "r-1"}}),
    ("insight.found", {"insight": {"producer": "p", "version": "1", "topic": "billing"}}),
    ("survey.answered", {"survey": {"metric": "csat", "score": 4}}),
]


def part_of(facts: Sequence[Fact]) -> Part:
    part = new_part(facts[0])
    for fact in facts[1:]:
        apply(part, fact)
    return part


CASES: list[tuple[list[Fact], dict[tuple[str, str], str]]] = [
    ([STARTED], {}),
    ([STARTED, QUEUED], {("queue", "q-billing"): "queued"}),
    ([STARTED, QUEUED, OFFERED], {("queue", "q-billing"): "queued", ("agent", "ben"): "offered"}),
    ([STARTED, QUEUED, OFFERED, ANSWERED], {("agent", "ben"): "answered"}),
    ([STARTED, ANSWERED, HANDED], {("agent", "ben"): "answered", ("agent", "carla"): "handoff"}),
    ([STARTED, ANSWERED, HANDED, ACCEPTED], {("agent", "carla"): "accepted"}),
    (
        [STARTED, ANSWERED, TRANSFERRED],
        {("agent", "ben"): "answered", ("agent", "carla"): "transfer", ("queue", "q-billing"): "transfer"},
    ),
    ([STARTED, ANSWERED, ENDED], {}),
    ([STARTED, ANSWERED, ENDED, RESUMED], {("agent", "ben"): "answered"}),
    ([STARTED, ANSWERED, RESOLVED], {}),
    ([STARTED, ANYBODY], {("queue", UNASSIGNED): "handoff"}),
    ([STARTED, step(4, "handoff.requested", reason="angry")], {("queue", UNASSIGNED): "handoff"}),
    ([STARTED, step(4, "bot.handoff_asked", reason="angry")], {("queue", UNASSIGNED): "handoff"}),
    ([STARTED, step(4, "bot.handoff_asked", queue=BILLING)], {("queue", "q-billing"): "handoff"}),
    ([STARTED, step(4, "bot.handoff_asked", handoff={"to": "carla"})], {("agent", "carla"): "handoff"}),
    ([STARTED, ANYBODY, ACCEPTED], {("agent", "carla"): "accepted"}),
    ([STARTED, ANYBODY, ENDED], {}),
    (
        [STARTED, QUEUED, ANSWERED, ANYBODY],
        {("agent", "ben"): "answered", ("queue", UNASSIGNED): "handoff"},
    ),
    ([STARTED, step(4, "interaction.transferred", transfer={"kind": "blind"})], {("queue", UNASSIGNED): "transfer"}),
    ([STARTED, step(1, "interaction.queued")], {("queue", UNASSIGNED): "queued"}),
    ([STARTED, step(1, "interaction.queued", queue={"name": "Billing"})], {("queue", UNASSIGNED): "queued"}),
    ([STARTED, QUEUED, ASSIGNED], {("agent", "carla"): "assigned"}),
    ([STARTED, QUEUED, OFFERED, ASSIGNED], {("agent", "carla"): "assigned"}),
    ([STARTED, ANSWERED, ASSIGNED], {("agent", "carla"): "assigned"}),
    (
        [STARTED, ASSIGNED, step(8, "conversation.note", agent=BEN, note="hm")],
        {("agent", "carla"): "assigned", ("agent", "ben"): "assigned"},
    ),
    (
        [STARTED, ASSIGNED, step(8, "interaction.queued", queue=BILLING)],
        {("agent", "carla"): "assigned", ("queue", "q-billing"): "queued"},
    ),
    ([STARTED, ASSIGNED, step(8, "handoff.accepted", agent=BEN)], {("agent", "ben"): "accepted"}),
    ([STARTED, QUEUED, ASSIGNED, UNASSIGNED_AGAIN], {("queue", "q-billing"): "unassigned"}),
    ([STARTED, ANSWERED, ASSIGNED, UNASSIGNED_AGAIN], {("queue", "q-billing"): "unassigned"}),
    ([STARTED, step(5, "interaction.ended"), ASSIGNED], {("agent", "carla"): "assigned"}),
    ([STARTED, step(5, "interaction.ended"), ASSIGNED, UNASSIGNED_AGAIN], {}),
    ([STARTED, ASSIGNED, ENDED], {}),
    ([STARTED, ASSIGNED, step(8, "conversation.resolved", agent=BEN)], {}),
    ([STARTED, step(7, "conversation.unassigned", agent=BEN)], {("queue", UNASSIGNED): "unassigned"}),
    ([STARTED, step(7, "conversation.note", agent=CARLA, note="hm")], {("agent", "carla"): "assigned"}),
    *(
        (
            [
                STARTED,
                ANSWERED,
                PASSED_ON,
                step(6, "interaction.answered", agent=CARLA),
                step(7, told, agent=BEN, **said),
            ],
            {("agent", "carla"): "answered"},
        )
        for told, said in TOLD_ABOUT
    ),
    ([STARTED, ANYBODY, ACCEPTED, step(7, "conversation.disposition", agent=BEN)], {("agent", "carla"): "accepted"}),
    (
        [STARTED, ANYBODY, ACCEPTED, step(6, "handoff.declined", agent=CARLA), step(7, "conversation.note", agent=BEN)],
        {("queue", UNASSIGNED): "handoff"},
    ),
]


@pytest.mark.parametrize(("facts", "expected"), CASES)
def test_routing_targets_are_the_same_in_any_order(facts: list[Fact], expected: dict[tuple[str, str], str]) -> None:
    for order in permutations(facts):
        found = routing_targets(part_of(order))
        assert {(desk.kind, desk.name): reason.why for desk, reason in found.items()} == expected


@given(histories())
def test_routing_targets_change_only_with_the_routing_state(history: list[StampedEvent]) -> None:
    """Whatever their type, and whatever the part holds: the matter is all that desks are made of."""
    parts: dict[bytes, Part] = {}
    for fact in facts_of(history):
        part = parts.get(fact.part_id)
        before = routing_state(part) if part is not None else routing_state(Part())
        was = routing_targets(part) if part is not None else {}
        assert targets_of(before) == was
        if part is None:
            part = parts[fact.part_id] = new_part(fact)
        else:
            apply(part, fact)
        assert routing_state(part) != before or routing_targets(part) == was


@given(histories())
def test_a_side_whose_parts_name_no_desk_concerns_none(history: list[StampedEvent]) -> None:
    """So the projector need not sum them up."""
    sides: dict[tuple[bytes, bytes], dict[bytes, Part]] = {}
    for fact in facts_of(history):
        parts = sides.setdefault((fact.stream_id, fact.interaction_node), {})
        if fact.part_id in parts:
            apply(parts[fact.part_id], fact)
        else:
            parts[fact.part_id] = new_part(fact)
    for parts in sides.values():
        state = routing_state(SideState.of(KeyedPart(*each) for each in parts.items()))
        assert state == NOBODYS or any(map(may_concern_desks, parts.values()))


def test_a_participating_agent_is_a_routing_target() -> None:
    told = step(
        1, "message.sent", participants=[{"role": "agent", "id": "ben"}], message={"id": "m-1", "text": "hello"}
    )
    part = part_of([STARTED])
    before = routing_state(part)
    apply(part, told)
    assert routing_state(part) != before
    assert [desk.name for desk in routing_targets(part)] == ["ben"]


def test_messages_do_not_change_the_routing_state() -> None:
    part = part_of([STARTED, ANSWERED])
    before = routing_state(part)
    heard = a_fact(id="m-1", email="ana@example.com", interaction="call-1", text="hello", at=START + 11 * SECOND)
    told = step(12, "message.sent", agent=BEN, message={"id": "m-2", "text": "hello"})
    for fact in (heard, told):
        apply(part, fact)
    assert routing_state(part) == before


def test_an_event_without_interaction_has_no_routing_target() -> None:
    fact = a_fact("cx.survey.answered.v1", id="s-1", email="ana@example.com", data={"agent": BEN})
    assert routing_targets(part_of([fact])) == {}
