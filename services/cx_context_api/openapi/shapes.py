"""Describe values that several answers hold as JSON Schemas, beside those of ``cx_events.schema_shapes``."""

from __future__ import annotations

from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, TIME_OR_NONE, named, ref

STANDING = named("Standing", {"state": TEXT, "by": TEXT_OR_NONE})
NEXT: Json = {**TEXT_OR_NONE, "description": "The cursor of the next page; null after the last."}
META_MEMBERS: Json = {
    "version": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 1 << 53},
    "current_to": TIME_OR_NONE,
}
META_OPTIONAL: Json = {"as_of": TIME_OR_NONE, "known_at": TIME_OR_NONE, "contact": ref("ContactAtHand")}
"""The members of ``meta``."""
