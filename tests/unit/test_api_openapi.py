"""The OpenAPI documents: current, valid, and of the routes that there are."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from tests.api import tenants
from tests.openapi_files import COMMAND, ROOT, files
from tests.stores import sqlite_store

from cx_context.store import open_store
from cx_context_api import openapi
from cx_context_api.app import ContextApi
from cx_context_api.conversations.agent_actions import AGENT_ACTIONS
from cx_context_api.identity.decision_commands import DECISION_COMMANDS
from cx_context_api.requests.bodies import read
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import START
from cx_runtime.metrics import Metrics

OPERATIONS = [
    (path, method, operation) for path, methods in openapi.paths().items() for method, operation in methods.items()
]


@pytest.mark.parametrize("path", files())
def test_the_files_are_current(path: str) -> None:
    assert (ROOT / path).read_bytes() == files()[path], f"run: {COMMAND}"


def test_every_route_is_described_and_nothing_else(tmp_path: Path) -> None:
    store = open_store(sqlite_store(tmp_path))
    api = ContextApi(store, SqliteLog(tmp_path / "log.db", 1), tenants(), Metrics(), now=lambda: START)
    routes = {
        (route.path, method.lower()) for route in api.routes for method in route.methods or () if method != "HEAD"
    }
    assert routes == {(path, method) for path, method, _ in OPERATIONS}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda value: str(value)[:40])
def test_every_operation_has_summary_problems_and_example(path: str, method: str, operation: dict[str, object]) -> None:
    described = json.loads(json.dumps(operation))
    assert described["summary"]
    assert {"401", "403", "503"} <= described["responses"].keys()
    names = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "path"}
    assert names == ({"id"} if "{id}" in path else set())
    assert ("requestBody" in described) == (method == "post")
    if method == "post":
        content = described["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": openapi.components()}
        jsonschema_rs.Draft202012Validator(schema).validate(content["example"])


@pytest.mark.parametrize("name", [*AGENT_ACTIONS, *DECISION_COMMANDS])
def test_the_examples_are_bodies_that_the_service_takes(name: str) -> None:
    shape = AGENT_ACTIONS[name].shape if name in AGENT_ACTIONS else DECISION_COMMANDS[name].shape
    (example,) = (
        operation["requestBody"]["content"]["application/json"]["example"]
        for _, _, operation in OPERATIONS
        if operation["operationId"] == name.replace("/", "_")
    )
    assert isinstance(read(json.dumps(example).encode(), "application/json", shape), shape)


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(openapi.document())
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= openapi.components()["schemas"].keys()
