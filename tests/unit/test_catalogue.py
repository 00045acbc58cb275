"""The event types: complete, exemplary, and at one with the shapes of the envelope."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from cx_events.catalogue import TYPE_NAME, catalogue, missing_fields
from cx_events.codec import decode_data_leniently
from cx_events.envelope import Data, Draft, Event
from cx_events.event_type import EventType
from cx_events.facts import stream_id_of
from cx_events.identifiers import normalise
from cx_events.ids import text_of
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME, HOUR, START
from cx_events.timestamps import parse_time
from cx_events.types import FAMILIES, story

TYPES = tuple(catalogue().values())


def example_data(event_type: EventType) -> Data:
    return msgspec.convert(event_type.example["data"], Data)


def example_event(data: Data, **attributes: Any) -> Event:
    time = "2026-11-22T10:00:00Z"
    fields = {"type": "cx.message.received.v1", "tenantid": "acme", "recordedtime": time, "partitionkey": ""}
    return Event(specversion="1.0", id="e", source="//acme.example/chat", time=time, data=data, **(fields | attributes))


def test_every_family_has_types_and_every_type_a_family() -> None:
    assert {event_type.family for event_type in TYPES} == {family.__name__.rpartition(".")[2] for family in FAMILIES}


def test_decisions_and_insights_are_told_apart_from_what_happened() -> None:
    kinds = {event_type.name.removeprefix("cx.").removesuffix(".v1"): event_type.kind for event_type in TYPES}
    decisions = {name for name, kind in kinds.items() if kind == "decision"}
    assert {name for name in decisions if name.startswith("conversation.")} == {
        name for name in kinds if name.startswith("conversation.")
    }
    assert {name for name in decisions if not name.startswith("conversation.")} == {
        "identity.attributed",
        "identity.merged",
        "identity.unmerged",
        "identity.candidate_dismissed",
        "identity.rules_changed",
        "operations.dead_letters_discarded",
        "operations.contexts_rebuilt",
        "operations.dead_letters_retried",
        "operations.hub_backed_up",
        "operations.hub_restored",
        "operations.log_exported",
        "operations.log_imported",
        "operations.log_replayed",
        "operations.subscription_changed",
        "operations.topics_changed",
        "customer.erased",
        "directory.agent_removed",
        "directory.agent_set",
        "directory.queue_removed",
        "directory.queue_set",
    }
    assert [name for name, kind in kinds.items() if kind == "insight"] == ["insight.found", "media.stored"]


@pytest.mark.parametrize("event_type", TYPES, ids=lambda t: t.name)
def test_an_example_is_what_a_client_sends(event_type: EventType) -> None:
    example = event_type.example
    assert set(example) == {"specversion", "id", "source", "type", "time", "data"}
    assert example["type"] == event_type.name
    assert parse_time(example["time"]) > 0
    assert decode_data_leniently(example["data"])[1] == []
    assert set(example["data"]) <= set(Data.__struct_fields__)


@pytest.mark.parametrize("event_type", TYPES, ids=lambda t: t.name)
def test_an_example_has_all_that_its_type_needs(event_type: EventType) -> None:
    assert missing_fields(example_event(example_data(event_type)), event_type.needs) == []


@pytest.mark.parametrize("event_type", TYPES, ids=lambda t: t.name)
def test_an_example_passes_intake_with_normalised_identifiers(event_type: EventType) -> None:
    data = example_data(event_type)
    given = [i for participant in data.participants for i in participant.identifiers]
    given += [identifier for pair in data.links for identifier in pair]
    assert [normalise(identifier) for identifier in given] == given
    draft = Draft(type=event_type.name, id=event_type.example["id"], data=data, time=START)
    assert stamp(draft, source="//acme.example/chat", recorded=START, ids=ACME).raw


@pytest.mark.parametrize("event_type", TYPES, ids=lambda t: t.name)
def test_a_summary_is_one_sentence(event_type: EventType) -> None:
    assert re.fullmatch(r"[A-Z][^.|]+\.", event_type.summary)
    assert len(event_type.summary) <= 120


def test_examples_have_ids_of_their_own() -> None:
    names = [(event_type.example["source"], event_type.example["id"]) for event_type in TYPES]
    assert len(set(names)) == len(names)


def test_the_ids_in_the_story_are_the_example_tenants() -> None:
    email, phone = story.ANA_IN_CHAT["identifiers"][0], story.PHONE
    by_email = ACME.profile("email", "", email["value"])
    by_phone = ACME.profile("phone", "", phone["value"])
    assert text_of(by_email) == story.ANA_BY_EMAIL
    assert text_of(by_phone) == story.ANA_BY_PHONE
    at_ten = (START // HOUR).to_bytes(8, "big", signed=True)
    assert text_of(ACME.part_id(by_email, ACME.interaction(story.CHAT), at_ten)) == story.CHAT_THREAD
    assert text_of(ACME.part_id(by_phone, ACME.interaction(story.CALL), at_ten)) == story.CALL_THREAD
    asked = catalogue()["cx.message.received.v1"]
    assert stream_id_of(example_event(example_data(asked)), ACME) == by_email


def test_missing_fields_are_named() -> None:
    event = example_event(Data(interaction="chat-42"))
    assert missing_fields(event, ("message.id", "interaction", "agent")) == ["message.id", "agent"]


def test_one_of_several_alternatives_is_enough() -> None:
    event = example_event(Data(interaction="chat-42"))
    assert missing_fields(event, ("conversation.id|interaction",)) == []
    assert missing_fields(event, ("conversation.id|topic",)) == ["conversation.id|topic"]


@pytest.mark.parametrize("empty", [Data(), Data(topic=""), Data(participants=[]), Data(attributes={})])
def test_an_empty_field_is_missing(empty: Data) -> None:
    assert missing_fields(example_event(empty), ("topic|participants|attributes",)) == ["topic|participants|attributes"]


def test_a_refused_consent_is_not_missing() -> None:
    refused = msgspec.convert({"consent": {"purpose": "marketing", "granted": False}}, Data)
    assert missing_fields(example_event(refused), ("consent.granted",)) == []


@pytest.mark.parametrize("name", ["cx.message.received", "cx.message.received.v0", "cx.Message.received.v1", "cx.m.v1"])
def test_a_wrong_name_is_no_type(name: str) -> None:
    assert TYPE_NAME.fullmatch(name) is None
