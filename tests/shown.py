"""Hold bodies of contexts against what the sections declare that they show: these members, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from cx_context.document_schema import context_schemas

SCHEMAS = context_schemas()
Member = tuple[str, ...]
"""A member that a schema declares: the name of the component, then the names of members on the way."""


def _closed(schema: Any) -> Any:
    """Return a schema of which objects have no members but those that it declares."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return {**closed, "additionalProperties": False} if "properties" in closed else closed


_BODY = jsonschema_rs.Draft202012Validator(
    {"$ref": "#/components/schemas/ContextBody", "components": {"schemas": _closed(SCHEMAS)}}, validate_formats=True
)


def faults_of(body: Any) -> list[str]:
    """Return what of a body no section declares, or is not as it is declared."""
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in _BODY.iter_errors(body)]


def declared_members() -> set[Member]:
    """Return all members that the schemas declare."""
    return {member for name, schema in SCHEMAS.items() for member in _declared(schema, (name,))}


def _declared(schema: Any, place: Member) -> Iterator[Member]:
    for name, each in schema.get("properties", {}).items():
        yield (*place, name)
        yield from _declared(each, (*place, name))
    for each in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from _declared(each, place)


def shown_members(body: Any) -> set[Member]:
    """Return those of them that a body shows with another value than null."""
    return set(_shown(SCHEMAS["ContextBody"], body, ("ContextBody",)))


def _shown(schema: Any, value: Any, place: Member) -> Iterator[Member]:
    if value is None:
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _shown(SCHEMAS[name], value, (name,))
    for each in schema.get("anyOf", ()):
        yield from _shown(each, value, place)
    if "items" in schema and isinstance(value, list):
        for item in value:
            yield from _shown(schema["items"], item, place)
    for name, each in schema.get("properties", {}).items():
        if value.get(name) is not None:
            yield (*place, name)
            yield from _shown(each, value[name], (*place, name))
