"""Build JSON Schemas (2020-12) from small pieces, for what sections show."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json

TEXT: Json = {"type": "string"}
TEXT_OR_NONE: Json = {"type": ["string", "null"]}
WHOLE: Json = {"type": "integer", "minimum": 0}
FLAG: Json = {"type": "boolean"}
TIME: Json = {"type": "string", "format": "date-time"}
TIME_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}
ID: Json = {"type": "string", "format": "uuid"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
FREE: Json = {"type": "object"}
"""An object whose members clients choose."""


def members(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    """Return an object's schema."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def values(of: Json) -> Json:
    """Return the schema of an object whose members have any names and values of one schema."""
    return {"type": "object", "additionalProperties": of}


def array(items: Json) -> Json:
    """Return an array's schema."""
    return {"type": "array", "items": items}


def ref(name: str) -> Json:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_none(schema: Json) -> Json:
    """Return a schema that also allows null."""
    return {"anyOf": [schema, {"type": "null"}]}


ID_AND_NAME = members({"id": TEXT, "name": TEXT})
"""An agent or a queue."""
EVENT_NAME = members({"source": TEXT, "id": TEXT})
