"""Build JSON Schemas (2020-12) of what the hub's HTTP services answer, from small pieces.

Objects get a name where they are built, which ``components_of`` makes a component of the document: generators of
clients make a class of each, and give those that have none a name by their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_events.json_types import Json

TEXT: Json = {"type": "string"}
TEXT_OR_NONE: Json = {"type": ["string", "null"]}
WHOLE: Json = {"type": "integer", "minimum": 0}
FLAG: Json = {"type": "boolean"}
NUMBER: Json = {"type": "number"}
TIME: Json = {"type": "string", "format": "date-time"}
TIME_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}
ID: Json = {"type": "string", "format": "uuid"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}

NAME = "x-name"
"""The keyword of a schema's name, until ``components_of`` takes it away."""

_HERE = "x-here"
"""The keyword of what a named schema means at one place."""

REFERENCE = "#/components/schemas/"


def members(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    """Return an object's schema."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def named(name: str, required: Mapping[str, Json], optional: Mapping[str, Json] | None = None, about: str = "") -> Json:
    """Return the schema of an object that becomes a component of this name. ``about``: its description."""
    return {NAME: name, **members(required, optional), **({"description": about} if about else {})}


def values(of: Json) -> Json:
    """Return the schema of an object whose members have any names and values of one schema."""
    return {"type": "object", "additionalProperties": of}


def array(items: Json) -> Json:
    """Return an array's schema."""
    return {"type": "array", "items": items}


def words(*allowed: str, default: str | None = None) -> Json:
    """Return the schema of a word that is enumerated."""
    return {"type": "string", "enum": list(allowed), **({"default": default} if default is not None else {})}


def ref(name: str) -> Json:
    """Return a reference to a component."""
    return {"$ref": f"{REFERENCE}{name}"}


def or_none(schema: Json) -> Json:
    """Return a schema that also allows null."""
    return {"anyOf": [schema, {"type": "null"}]}


def meaning(schema: Json, text: str) -> Json:
    """Return a named schema with what it means at this place, beside its own description."""
    return {**schema, _HERE: text}


FREE: Json = {
    NAME: "JsonObject",
    "type": "object",
    "additionalProperties": True,
    "description": "An object whose members are its sender's choice.",
}

ID_AND_NAME = named("AgentOrQueue", {"id": TEXT, "name": TEXT})
EVENT_NAME = named("EventName", {"source": TEXT, "id": TEXT}, about="Names one event; `SOURCE#ID` in one text.")


def components_of(schemas: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schemas with those that have a name within them as components of their own.

    Raises ``ValueError`` where two schemas have one name and differ.
    """
    found: dict[str, Json] = {}
    for name, schema in schemas.items():
        _put(found, name, _without_named({key: value for key, value in schema.items() if key != NAME}, found))
    return found


def hoisted(value: Any, into: dict[str, Json]) -> Any:
    """Return a schema, or what holds schemas, with references in place of named schemas, which are put ``into``."""
    if isinstance(value, Mapping) and NAME in value:
        name = value[NAME]
        own = {key: each for key, each in value.items() if key not in (NAME, _HERE)}
        _put(into, name, _without_named(own, into))
        return {**ref(name), **({"description": value[_HERE]} if _HERE in value else {})}
    return _without_named(value, into)


def _without_named(value: Any, into: dict[str, Json]) -> Any:
    if isinstance(value, Mapping):
        return {key: hoisted(each, into) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [hoisted(each, into) for each in value]
    return value


def _put(found: dict[str, Json], name: str, schema: Json) -> None:
    if found.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas have the name {name} and differ")
