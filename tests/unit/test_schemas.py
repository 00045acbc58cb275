"""The generated files: current, valid, and as strict as the hub itself."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from cx_events.asyncapi import asyncapi
from cx_events.catalogue import catalogue, missing_fields
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.event_schema import schema_of
from cx_events.event_type import EventType
from cx_events.schemas import COMMAND, differing, files, main
from cx_events.testing.builders import a_decision, an_event

ROOT = Path(__file__).parents[2]
TYPES = tuple(catalogue().values())
NEEDS = [(event_type, need) for event_type in TYPES for need in event_type.needs]
STAMPED = {"tenantid": "acme", "recordedtime": "2026-11-22T10:00:00Z", "partitionkey": "0" * 32}


def is_valid(schema: dict[str, Any], event: object) -> bool:
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return bool(validator.is_valid(event))


def without(data: dict[str, Any], path: str) -> dict[str, Any]:
    data = copy.deepcopy(data)
    at = data
    *way, last = path.split(".")
    for step in way:
        at = at.get(step, {})
    at.pop(last, None)
    return data


def test_the_files_below_the_root_are_those_generated() -> None:
    assert list(differing(ROOT)) == [], f"run: {COMMAND}"


def test_every_schema_in_the_folder_has_a_known_type() -> None:
    known = {event_type.name.rpartition(".v")[0] for event_type in TYPES}
    assert {folder.name for folder in (ROOT / "schemas/events").iterdir()} == known


def test_the_same_bytes_come_out_of_every_run() -> None:
    assert files() == files()


def test_check_names_what_differs_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert f"docs/events.md differs; run: {COMMAND}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_passes_the_check(tmp_path: Path) -> None:
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0


@pytest.mark.parametrize("event_type", TYPES, ids=lambda t: t.name)
def test_a_schema_is_a_schema_and_its_example_conforms(event_type: EventType) -> None:
    schema = schema_of(event_type)
    jsonschema_rs.meta.validate(schema)
    assert is_valid(schema, event_type.example)
    assert is_valid(schema, {**event_type.example, **STAMPED})


@pytest.mark.parametrize(("event_type", "need"), NEEDS, ids=lambda p: p.name if isinstance(p, EventType) else p)
def test_schemas_and_hub_agree_on_missing_data(event_type: EventType, need: str) -> None:
    example = dict(event_type.example)
    for way in need.split("|"):
        example["data"] = without(example["data"], way)
    assert not is_valid(schema_of(event_type), example)
    event = decode(json.dumps({**example, **STAMPED}).encode())
    assert need in missing_fields(event, event_type.needs)


@pytest.mark.parametrize("event_type", TYPES, ids=lambda t: t.name)
@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "fax"},
        {"direction": "sideways"},
        {"interaction": 42},
        {"participants": [{"role": "customer", "identifiers": [{"kind": "email"}]}]},
        {"participants": [{"role": "stranger"}]},
        {"message": {"attachments": [{"bytes": "many"}]}},
        {"survey": {"metric": "stars", "score": 5}},
        {"links": [[{"kind": "email", "value": "ana@example.com"}]]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_a_schema_refuses_the_hub_can_not_read(event_type: EventType, wrong: dict[str, Any]) -> None:
    example = {**event_type.example, "data": {**event_type.example["data"], **wrong}}
    assert not is_valid(schema_of(event_type), example)
    with pytest.raises(Refused):
        decode(json.dumps({**example, **STAMPED}).encode())


@pytest.mark.parametrize(
    "wrong",
    [{"specversion": "0.3"}, {"type": "cx.message.sent.v1"}, {"id": ""}, {"time": "yesterday"}, {"data": "text"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_envelope_does_not_conform(wrong: dict[str, Any]) -> None:
    asked = catalogue()["cx.message.received.v1"]
    assert not is_valid(schema_of(asked), {**asked.example, **wrong})


def test_unknown_fields_are_accepted() -> None:
    asked = catalogue()["cx.message.received.v1"]
    assert is_valid(schema_of(asked), {**asked.example, "acmeshard": "7", "data": {**asked.example["data"], "mood": 3}})


def test_what_the_hub_writes_conforms() -> None:
    written = an_event(id="m-1", text="hello", email="ana@example.com", interaction="chat-42", sequence=3)
    assert is_valid(schema_of(catalogue()["cx.message.received.v1"]), json.loads(written.raw))
    resolved = a_decision(
        "cx.conversation.resolved.v1", id="d-1", about=bytes(16), data={"conversation": {"id": "0" * 32}}
    )
    assert is_valid(schema_of(catalogue()["cx.conversation.resolved.v1"]), json.loads(resolved.raw))


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    made = files()
    document = yaml.safe_load(made["schemas/asyncapi.yaml"])
    assert document == asyncapi()

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            return [value["$ref"]] if "$ref" in value else [r for item in value.values() for r in references(item)]
        return [r for item in value for r in references(item)] if isinstance(value, list) else []

    found = references(document)
    assert len(found) > 2 * len(TYPES)
    for reference in found:
        if reference.startswith("./"):
            assert f"schemas/{reference[2:]}" in made
        else:
            at = document
            for step in reference.removeprefix("#/").split("/"):
                at = at[step]


def test_every_topic_is_described() -> None:
    made = files()
    for topic in ("cx.interactions", "cx.context-changes", "cx.dead-letters"):
        described = yaml.safe_load(made[f"schemas/topics/{topic}.yaml"])
        assert described["topic"] == topic
        assert {"key", "partitions", "retention", "producers", "consumers"} <= set(described)


def test_the_guide_names_every_type() -> None:
    guide = files()["docs/events.md"].decode()
    assert all(f"`{event_type.name}`" in guide and event_type.summary in guide for event_type in TYPES)
