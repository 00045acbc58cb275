"""Put the JSON Schemas of a context's body together from what each section declares that it shows."""

from __future__ import annotations

from cx_context.document import VIEWS
from cx_context.sections.registry import SECTIONS
from cx_events.json_types import Json
from cx_events.schema_shapes import components_of, members


def context_schemas() -> dict[str, Json]:
    """Return the schemas by name: that of the body, and those that sections name
    or that stand in them with a name. References are OpenAPI's, to
    ``#/components/schemas/NAME``."""
    found = {name: schema for section in SECTIONS.values() for name, schema in section.components.items()}
    body = {name: schema for name in VIEWS if (schema := SECTIONS[name].schema) is not None}
    found["ContextBody"] = {**members(body), "description": "Equal facts give an equal body, byte for byte."}
    return components_of(found)
