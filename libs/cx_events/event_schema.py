"""Make the JSON Schema of an event type, from the catalogue and the structs.

A schema describes the event as it lies on the log. What intake stamps (``tenantid``, ``recordedtime``,
``partitionkey``, ``writer``) is optional, so that the schema also fits the event that a client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from cx_events.envelope import Data
from cx_events.event_type import EventType
from cx_events.json_types import Json

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TIME = "RFC 3339 with an offset"
_ENVELOPE: Mapping[str, Json] = MappingProxyType(
    {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "description": "Unique within the source; a retry keeps it."},
        "source": {
            "type": "string",
            "minLength": 1,
            "format": "uri-reference",
            "description": "The system that sends the event.",
        },
        "time": {
            "type": "string",
            "format": "date-time",
            "description": f"When it happened, {_TIME}; without it, when the hub received it.",
        },
        "subject": {"type": "string"},
        "datacontenttype": {"type": "string"},
        "dataschema": {"type": "string", "format": "uri-reference"},
        "sequence": {
            "type": ["string", "integer"],
            "pattern": "^[0-9]{1,18}$",
            "minimum": 0,
            "description": "The source's own counter within the interaction; settles the order of equal times.",
        },
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
        "causationid": {"type": "string"},
        "correlationid": {"type": "string"},
        "tenantid": {"type": "string", "readOnly": True, "description": "Stamped by the hub: the key's tenant."},
        "recordedtime": {
            "type": "string",
            "format": "date-time",
            "readOnly": True,
            "description": "Stamped by the hub, once: when it received the event.",
        },
        "partitionkey": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "readOnly": True,
            "description": "Stamped by the hub: the event's stream.",
        },
        "writer": {
            "type": "string",
            "readOnly": True,
            "description": "Stamped by the hub: who sent it, key/ID or connection/ID.",
        },
    }
)


def schema_of(event_type: EventType) -> Json:
    """Return the JSON Schema (2020-12) of one type, self-contained."""
    needs: list[Json] = [_needed(need) for need in event_type.needs]
    return {
        "$schema": _DIALECT,
        "$id": f"urn:throughline:{event_type.name}",
        "title": event_type.name,
        "description": event_type.summary,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "type": {"const": event_type.name},
            **_ENVELOPE,
            "data": {"$ref": "#/$defs/Data", **({"allOf": needs} if needs else {})},
        },
        "examples": [event_type.example],
        "$defs": struct_schemas(Data, "#/$defs/{name}"),
    }


def cloud_event_schema(data: Json) -> Json:
    """Return the schema of an event of any type. ``data``: the schema of its data, or a reference to it."""
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"type": "string", "enum": ["1.0"]},
            **{name: schema for name, schema in _ENVELOPE.items() if name != "specversion"},
            "type": {
                "type": "string",
                "minLength": 1,
                "description": "`cx.FAMILY.WHAT.vN`, see docs/events.md, or a type of your own.",
            },
            "data": data,
        },
        "description": "A CloudEvent 1.0. Further attributes are extensions.",
    }


def struct_schemas(struct: type[Struct], ref_template: str) -> Json:
    """Return the schemas of a struct and of all structs in it, by name.

    Titles and defaults are left out: every absent field means empty.
    """
    _, components = msgspec.json.schema_components([struct], ref_template=ref_template)
    return {
        name: {
            **{key: value for key, value in component.items() if key != "title" and value != []},
            "properties": {
                field: {key: value for key, value in shape.items() if key != "default"}
                for field, shape in component["properties"].items()
            },
        }
        for name, component in components.items()
    }


def _needed(need: str) -> Json:
    """Return what ``catalogue.missing_fields`` checks, as a schema of ``data``."""
    ways = [_path(Data, path.split(".")) for path in need.split("|")]
    return ways[0] if len(ways) == 1 else {"anyOf": ways}


def _path(struct: type[Struct], steps: list[str]) -> Json:
    """Return the schema of a struct in which the field at the end of ``steps`` is present."""
    first, *rest = steps
    field = next(field for field in msgspec.structs.fields(struct) if field.name == first)
    return {"required": [first], "properties": {first: _inner(field.type, rest)}}


def _inner(annotation: Any, rest: list[str]) -> Json:
    """Return the schema of a field that is present and not empty, or of what ``rest`` leads to inside."""
    kind = msgspec.inspect.type_info(annotation)
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next(member for member in kind.types if not isinstance(member, msgspec.inspect.NoneType))
    match kind:
        case msgspec.inspect.StructType(cls=cls):
            return {"type": "object", **(_path(cls, rest) if rest else {})}
        case msgspec.inspect.StrType():
            return {"type": "string", "minLength": 1}
        case msgspec.inspect.ListType():
            return {"type": "array", "minItems": 1}
        case msgspec.inspect.DictType():
            return {"type": "object", "minProperties": 1}
        case msgspec.inspect.FloatType() | msgspec.inspect.IntType():
            return {"type": "number"}
        case _:
            raise TypeError(f"a need can't name a field of the type {annotation}")
