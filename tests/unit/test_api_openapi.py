"""The OpenAPI documents: current, valid, of the routes that there are, with nothing that a generator has to guess."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.openapi_files import COMMAND, ROOT, documents, files
from tests.openapi_files import hub_app as make_hub_app

from cx_context_api.conversations.agent_actions import AGENT_ACTIONS
from cx_context_api.identity.decision_commands import DECISION_COMMANDS
from cx_context_api.requests.bodies import read
from cx_events.catalogue import catalogue
from cx_events.event_schema import schema_of
from cx_runtime.fast_routes import FastRouteApp

DOCUMENTS = documents()
HUB = DOCUMENTS["hub"]
OPERATIONS = [
    (path, method, operation) for path, methods in HUB["paths"].items() for method, operation in methods.items()
]
NOT_DESCRIBED = {
    *("/openapi.json", "/v1/chat/{connection}", "/", "/docs", "/docs/pages.css"),
    *("/desk", "/desk/{rest:path}", "/console", "/console/{rest:path}", "/assets/{version}/{path:path}"),
}
"""Paths that the document leaves out: its own, a socket's, those of pages."""

JSON = "application/json"
SENT = [each for each in OPERATIONS if JSON in each[2].get("requestBody", {}).get("content", {})]


@pytest.fixture(scope="module")
def hub_app() -> FastRouteApp:
    return make_hub_app()


@pytest.mark.parametrize("path", files())
def test_the_files_are_current(path: str) -> None:
    assert (ROOT / path).read_bytes() == files()[path], f"run: {COMMAND}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_validator_takes_every_document(name: str) -> None:
    faults = OpenAPIV31SpecValidator(DOCUMENTS[name]).iter_errors()
    assert [(list(each.absolute_path), each.message) for each in faults] == []


def test_every_route_is_described_and_nothing_else(hub_app: FastRouteApp) -> None:
    served = {(path, method.lower()) for path, methods in routes(hub_app.router.routes) for method in methods}
    described = {(path, method) for path, method, _ in OPERATIONS}
    assert described <= served
    assert {path for path, method in served - described if method not in ("head", "options")} == NOT_DESCRIBED


def routes(found: list[Any]) -> Iterator[tuple[str, set[str]]]:
    for route in found:
        inner = getattr(route, "original_router", None)  # how the framework keeps a router that was included
        if inner is not None:
            yield from routes(inner.routes)
        else:
            yield route.path, getattr(route, "methods", None) or {"GET"}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda value: str(value)[:40])
def test_every_operation_has_id_summary_and_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
    assert operation["summary"]
    (tag,) = operation["tags"]
    assert tag in {each["name"] for each in HUB["tags"]}
    problems = {status for status in operation["responses"] if status >= "400"}
    if operation["x-scope"]:
        assert {"401", "403", "405", "429", "503"} <= problems
    elif operation["security"]:
        assert "401" in problems
    named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
    assert named == set(re.findall(r"\{(\w+)\}", path))


def test_ids_of_operations_are_the_same_in_all_documents() -> None:
    by_place = {(path, method): operation["operationId"] for path, method, operation in OPERATIONS}
    for document in DOCUMENTS.values():
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                assert by_place[path, method] == operation["operationId"]


def test_problems_are_problem_documents() -> None:
    for path, method, operation in OPERATIONS:
        for status, answer in operation["responses"].items():
            if status >= "400" and path != "/mcp":
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
            if status in ("429", "503") and operation["x-scope"]:
                assert "Retry-After" in answer["headers"], (method, path, status)


def test_what_can_be_unchanged_has_a_tag() -> None:
    for path, method, operation in OPERATIONS:
        answers = operation["responses"]
        if "304" in answers:
            assert "content" not in answers["304"]
            assert "ETag" in answers["200"]["headers"], (method, path)


@pytest.mark.parametrize(("path", "method", "operation"), SENT, ids=lambda value: str(value)[:40])
def test_examples_of_bodies_are_valid(path: str, method: str, operation: dict[str, Any]) -> None:
    content = operation["requestBody"]["content"][JSON]
    if "example" in content:
        schema = {**content["schema"], "components": HUB["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(content["example"])
    else:
        assert path in ("/v1/vcons", "/v1/events", "/v1/session/events")


@pytest.mark.parametrize("name", [*AGENT_ACTIONS, *DECISION_COMMANDS])
def test_the_examples_are_bodies_that_the_service_takes(name: str) -> None:
    path = f"/v1/conversations/{{id}}/{name}" if name in AGENT_ACTIONS else f"/v1/identity/{name}"
    shape = AGENT_ACTIONS[name].shape if name in AGENT_ACTIONS else DECISION_COMMANDS[name].shape
    example = HUB["paths"][path]["post"]["requestBody"]["content"][JSON]["example"]
    assert isinstance(read(json.dumps(example).encode(), JSON, shape), shape)


# --- nothing is left to guess -----------------------------------------------------------------------------------------


def schemas_in(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema with its place, whatever holds it; examples are none."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from schemas_in(each, f"{place}/{number}")
    elif isinstance(value, dict):
        if "type" in value and place.rpartition("/")[2] != "properties":
            yield place, value
        for name, each in value.items():
            if name not in ("example", "examples", "default", "enum", "const", "required"):
                yield from schemas_in(each, f"{place}/{name}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_object_is_bare_or_without_a_name(name: str) -> None:
    bare, nameless = [], []
    for place, schema in schemas_in(DOCUMENTS[name]):
        if schema["type"] != "object":
            continue
        if not schema.keys() & {"properties", "additionalProperties"}:
            bare.append(place)
        if "properties" in schema and not re.fullmatch(r"/components/schemas/\w+", place):
            nameless.append(place)
    assert bare == [], "say what they hold, or that it is free: cx_events.schema_shapes.FREE"
    assert nameless == [], "give them names: cx_events.schema_shapes.named"


def test_an_object_without_a_name_is_found() -> None:
    found = dict(
        schemas_in({"components": {"schemas": {"A": {"type": "object", "properties": {"b": {"type": "object"}}}}}})
    )
    assert list(found) == ["/components/schemas/A", "/components/schemas/A/properties/b"]


def test_the_schemas_of_events_are_those_of_the_catalogue() -> None:
    """All types share one schema of data, of which ``schemas/events`` says per type what is needed."""

    def renamed(schema: Any) -> Any:
        text = json.dumps(schema).replace("#/components/schemas/Event", "#/$defs/")
        return json.loads(text)

    own = HUB["components"]["schemas"]
    for event_type in catalogue().values():
        for name, schema in schema_of(event_type)["$defs"].items():
            known = renamed(own[f"Event{name}"])
            assert known["properties"].keys() == schema["properties"].keys(), name
            assert known.get("required") == schema.get("required"), name


@pytest.mark.parametrize("name", catalogue())
def test_the_example_of_every_event_type_fits(name: str) -> None:
    schema = HUB["paths"]["/v1/events"]["post"]["requestBody"]["content"][JSON]["schema"]
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": HUB["components"]}, validate_formats=True)
    validator.validate(dict(catalogue()[name].example))


def test_members_that_people_ask_for_first_have_named_schemas() -> None:
    body = HUB["components"]["schemas"]["ContextBody"]["properties"]
    for member in ("customer", "now", "counts", "sentiment", "last_agent"):
        assert "#/components/schemas/" in json.dumps(body[member]), member
    assert body["unresolved"]["items"] == {"$ref": "#/components/schemas/UnresolvedConversation"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_schema_can_be_compiled(name: str) -> None:
    """Patterns are those of ECMAScript, which does not know what Python alone has."""
    components = DOCUMENTS[name]["components"]
    schemas = [{"$ref": f"#/components/schemas/{each}"} for each in components["schemas"]]
    jsonschema_rs.Draft202012Validator({"anyOf": schemas, "components": components}, validate_formats=True)


def test_no_schema_is_named_as_browsers_name_types() -> None:
    """A generated ``type File = Blob | File`` means itself, which TypeScript refuses."""
    assert HUB["components"]["schemas"].keys() & {"Blob", "Date", "Error", "File", "Map", "Record", "Response"} == set()
