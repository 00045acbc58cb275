"""Describe answers about events, messages and files."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.sections.attachments import BYTES
from cx_context.sections.timeline import ENTRY
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, array, members, named, or_none, ref
from cx_runtime.openapi.operation import BINARY

EVENT_SCHEMAS: Mapping[str, Json] = {
    "FileContent": {
        **BINARY,
        "description": "The bytes. Their type is the file's own only where no browser executes that.",
    },
    "Event": members(
        {
            "event": ref("CloudEvent"),
            "attachments": array(ref("Attachment")),
            "original": or_none(
                named(
                    "Original",
                    {
                        "id": {**TEXT, "description": "What `GET /v1/attachments/{id}` takes."},
                        "content_type": TEXT_OR_NONE,
                        "bytes": BYTES,
                        "place": {
                            "enum": ["event", "hub", None],
                            "description": "null: it lay apart; gone.",
                        },
                        "encoding": {
                            "enum": ["json", "none", "base64url", None],
                            "description": "How `content` stands: a value, text, bytes; null: not told.",
                        },
                        "content": {"description": "Left out (null) above 4 MiB: fetch it by its id."},
                    },
                    about="What the provider sent.",
                )
            ),
            "problem": {**TEXT_OR_NONE, "description": "What of it no context can use."},
        }
    ),
    "ThreadEntry": {
        **ENTRY,
        "required": [*ENTRY["required"], "message", "transcript"],
        "properties": {
            **ENTRY["properties"],
            "message": or_none(ref("EventMessage")),
            "transcript": or_none(array(ref("EventTranscriptLine"))),
        },
    },
}
