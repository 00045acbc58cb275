"""Tell JSON Schemas in words, with links to those that have a name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from cx_events.json_types import Json
from cx_events.schema_shapes import REFERENCE
from cx_hub.pages.html import code, link, prose


def type_words(schema: Any) -> str:
    """Return the type of a value as HTML: ``array of Profile``, ``string or null``."""
    if not isinstance(schema, dict) or not schema:
        return "any value"
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(REFERENCE)
        return link(f"#schema-{name}", escape(name))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(type_words(each) for each in schema[several])
    if "enum" in schema:
        return " or ".join(code(json.dumps(each)) for each in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    kind = schema.get("type", "any value")
    if kind == "array":
        return f"array of {type_words(schema.get('items'))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_words(schema['additionalProperties'])}"
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return escape(f"{words} ({schema['format']})" if "format" in schema else words)


def members_table(schema: Json) -> str:
    """Return the members of an object as a table, empty for what is none."""
    members = schema.get("properties")
    if not members:
        return f"<p>{type_words(schema)}</p>"
    required = set(schema.get("required", ()))
    rows = [
        (code(name) + ("" if name in required else " (optional)"), type_words(each), about(each))
        for name, each in members.items()
    ]
    return table(("member", "type", "meaning"), rows)


def about(schema: Any) -> str:
    """Return what a schema means, and its bounds, as HTML."""
    if not isinstance(schema, dict):
        return ""
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (
            ("minimum", "from"),
            ("maximum", "to"),
            ("maxLength", "characters at most:"),
            ("maxItems", "items at most:"),
            ("default", "default"),
        )
        if key in schema
    ]
    text = prose(schema.get("description", ""))
    return " ".join([text, escape(f"({', '.join(bounds)})") if bounds else ""]).strip()


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; the cells are HTML."""
    top = "".join(f'<th scope="col">{each}</th>' for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
