"""Make JSON Schemas of msgspec structs as generators of clients take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from cx_events.envelope import Data
from cx_events.event_schema import cloud_event_schema
from cx_events.json_types import Json
from cx_events.schema_shapes import FREE, ref

_EMPTY: tuple[object, ...] = ("", None, [], {})
"""Defaults that go without saying: every absent field means empty."""


def schemas_of(
    structs: Sequence[type[Struct]], prefix: str = "", names: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Json]:
    """Return the schemas of some structs and of all that is named within them, by name.

    ``prefix``: put before each name, where structs of several modules are called alike. ``names``: others for some.
    """
    _, components = msgspec.json.schema_components(structs, ref_template="{name}")

    def renamed(name: str) -> str:
        return names.get(name, f"{prefix}{name}")

    return {renamed(name): _plain(component, renamed) for name, component in components.items()}


def cloud_event_schemas() -> dict[str, Json]:
    """Return the schemas of an event and of all that its data may hold, which are those of ``schemas/events``. The
    names of what is in its data begin with ``Event``."""
    return {"CloudEvent": cloud_event_schema(ref("EventData")), **schemas_of([Data], "Event")}


def _plain(schema: Any, renamed: Callable[[str], str]) -> Any:
    """Return a schema without titles, with objects that say that they are free, pairs as arrays of two, and patterns of
    ECMAScript: its ``$`` is only the end, which Python writes ``\\Z``."""
    if isinstance(schema, list):
        return [_plain(each, renamed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {**schema, **ref(renamed(schema["$ref"]))}
    if "prefixItems" in schema:
        return _pair(schema, renamed)
    if schema.get("type") == "object" and not schema.keys() & {"properties", "additionalProperties"}:
        return FREE
    plain = {
        key: _plain(each, renamed)
        for key, each in schema.items()
        if key not in ("title", "properties") and not (key in ("default", "required") and each in _EMPTY)
    }
    if isinstance(pattern := plain.get("pattern"), str) and pattern.endswith(r"\Z"):
        plain["pattern"] = pattern.removesuffix(r"\Z") + "$"
    if "properties" in schema:
        plain["properties"] = {name: _plain(each, renamed) for name, each in schema["properties"].items()}
    return plain


def _pair(schema: Json, renamed: Callable[[str], str]) -> Json:
    """Return the array of so many equal items that a tuple is; generators know no other tuples."""
    first, *others = schema["prefixItems"]
    if any(each != first for each in others):
        raise ValueError(f"no array has these items: {schema}")
    number = len(others) + 1
    return {"type": "array", "minItems": number, "maxItems": number, "items": _plain(first, renamed)}
