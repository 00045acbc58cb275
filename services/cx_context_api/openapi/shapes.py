"""Build JSON Schemas from small pieces."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json

TEXT: Json = {"type": "string"}
TEXT_OR_NONE: Json = {"type": ["string", "null"]}
WHOLE: Json = {"type": "integer", "minimum": 0}
TIME: Json = {"type": "string", "format": "date-time"}
TIME_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}
ID: Json = {"type": "string", "format": "uuid"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}


def members(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    """Return an object's schema."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def array(items: Json) -> Json:
    """Return an array's schema."""
    return {"type": "array", "items": items}


def ref(name: str) -> Json:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_none(schema: Json) -> Json:
    """Return a schema that also allows null."""
    return {"anyOf": [schema, {"type": "null"}]}


NAMED = members({"id": TEXT, "name": TEXT})
FREE: Json = {"type": "object"}
EVENT_NAME = members({"source": TEXT, "id": TEXT})
STANDING = members({"state": TEXT, "by": TEXT_OR_NONE})
NEXT: Json = {**TEXT_OR_NONE, "description": "The cursor of the next page; null after the last."}
