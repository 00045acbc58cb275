"""Put the OpenAPI document of a process together from what its services describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cx_events.json_types import Json
from cx_events.schema_shapes import REFERENCE, components_of, hoisted
from cx_runtime.openapi.operation import KEY, Operation

_KEY: Json = {"type": "http", "scheme": "bearer", "description": "A key of the tenant, with its scopes."}


@dataclass(frozen=True, slots=True)
class Description:
    """A service's part of the document. ``operations``: by path and method. ``schemas``: those that operations
    refer to by name. ``security``: schemes beside the tenant's key. ``tags``: each with a sentence."""

    operations: Mapping[tuple[str, str], Operation]
    schemas: Mapping[str, Json] = field(default_factory=dict)
    security: Mapping[str, Json] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def document(descriptions: Iterable[Description]) -> Json:
    """Return the document. Of the schemas those stand in it that an operation leads to.

    Raises ``ValueError`` where two operations, or two schemas that differ, have one name.
    """
    schemas: dict[str, Json] = {}
    security: dict[str, Json] = {KEY: _KEY}
    tags: dict[str, str] = {}
    paths: dict[str, Json] = {}
    for each in descriptions:
        tags |= each.tags
        security |= each.security
        for name, schema in components_of(each.schemas).items():
            _put(schemas, name, schema)
        for (path, method), operation in each.operations.items():
            named: dict[str, Json] = {}
            _put(paths.setdefault(path, {}), method, hoisted(operation.described(), named))
            for name, schema in named.items():
                _put(schemas, name, schema)
    _check_ids(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Throughline",
            "version": "1",
            "summary": "Events of all channels in, one context per customer out.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": paths,
        "components": {"schemas": _reached(paths, schemas), "securitySchemes": _used(paths, security)},
    }


def _put(found: dict[str, Json], name: str, value: Json) -> None:
    if found.setdefault(name, value) != value:
        raise ValueError(f"two things have the name {name} and differ")


def _check_ids(paths: Mapping[str, Json]) -> None:
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ValueError(f"operations have the same id: {sorted(twice)}")


def _reached(paths: Mapping[str, Json], schemas: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the schemas that operations refer to, directly or not, by name. Raises ``KeyError`` for one that lacks."""
    found: dict[str, Json] = {}
    waiting = set(references(paths))
    while waiting:
        name = waiting.pop()
        found[name] = schemas[name]
        waiting |= set(references(schemas[name])) - found.keys()
    return dict(sorted(found.items()))


def references(value: Any) -> Iterable[str]:
    """Yield the name of each schema that a value refers to."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each.removeprefix(REFERENCE)
            else:
                yield from references(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from references(each)


def _used(paths: Mapping[str, Json], security: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the schemes that operations name."""
    named = {
        name
        for methods in paths.values()
        for operation in methods.values()
        for each in operation["security"]
        for name in each
    }
    return {name: scheme for name, scheme in security.items() if name in named}
