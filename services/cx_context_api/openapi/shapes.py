"""JSON Schemas of values that several answers hold, beside those of ``cx_context.sections.shapes``."""

from __future__ import annotations

from cx_context.sections.shapes import TEXT, TEXT_OR_NONE, members
from cx_events.json_types import Json

STANDING = members({"state": TEXT, "by": TEXT_OR_NONE})
NEXT: Json = {**TEXT_OR_NONE, "description": "The cursor of the next page; null after the last."}
