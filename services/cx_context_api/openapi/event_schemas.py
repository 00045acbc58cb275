"""Describe answers about events, messages and files."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context_api.openapi.shapes import (
    FREE,
    NAMED,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    array,
    members,
    or_none,
    ref,
)
from cx_events.json_types import Json

_FLAG: Json = {"type": "boolean"}
_ATTACHED: Mapping[str, Json] = {
    "attachments": array(ref("Attachment")),
    "more_attachments": {"type": "integer", "minimum": 1, "description": "How many others the message has."},
}
MESSAGE = members(
    {
        "time": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT,
        "role": TEXT,
        "name": TEXT_OR_NONE,
        "text": TEXT,
    },
    _ATTACHED,
)
EVENT_SCHEMAS: Mapping[str, Json] = {
    "TimelineEntry": members(
        {
            "event": ref("EventName"),
            "type": TEXT,
            "time": TIME,
            "channel": TEXT_OR_NONE,
            "interaction": TEXT_OR_NONE,
            "direction": TEXT_OR_NONE,
            "role": TEXT_OR_NONE,
            "name": {**TEXT_OR_NONE, "description": "Of whose words or act it is; of a note its author."},
            "agent": or_none(NAMED),
            "text": TEXT_OR_NONE,
        },
        {
            "subject": TEXT,
            "automatic": {**TEXT, "description": "What says that a machine wrote it: `auto-reply`, `report`."},
            "distribution": {**TEXT, "description": "How a mail came, whoever wrote it: `list`, `bulk`."},
            "signature_at": {
                "type": "integer",
                "description": "Where in `text` the signature begins, in Unicode characters; only where it shows one.",
            },
            **_ATTACHED,
            "delivery": members(
                {"state": {"enum": ["sent", "delivered", "read", "failed"]}, "message": TEXT_OR_NONE},
                {"code": TEXT_OR_NONE, "reason": TEXT_OR_NONE},
            ),
            "insight": members(
                {"producer": TEXT, "version": TEXT},
                {"sentiment": {"type": "number"}, "topic": TEXT, "intent": TEXT, "summary": TEXT},
            ),
            "survey": members({"metric": {"enum": ["nps", "csat", "ces"]}, "score": {"type": "number"}}),
            "rating": {"type": "number"},
            "reaction": TEXT,
            "consent": members({"purpose": TEXT, "channel": TEXT_OR_NONE, "granted": _FLAG}),
            "queue": NAMED,
            "transfer": members({"to": TEXT_OR_NONE, "agent": or_none(NAMED), "queue": or_none(NAMED)}),
            "recording": members(
                {"id": TEXT_OR_NONE, "url": TEXT_OR_NONE, "duration_ms": {"type": ["integer", "null"]}}
            ),
        },
    ),
    "Attachment": {
        **members(
            {
                "id": {**TEXT, "description": "What `GET /v1/attachments/{id}` takes."},
                "name": TEXT_OR_NONE,
                "content_type": {**TEXT_OR_NONE, "description": "As its sender says."},
                "bytes": {"type": ["integer", "null"], "minimum": 0},
                "place": {
                    "enum": ["hub", "provider", None],
                    "description": "Where the content is: the hub serves it, or the provider does, at `url`.",
                },
            },
            {
                "url": {**TEXT, "description": "The provider's, of at most 500 characters; the event has any whole."},
                "cid": {**TEXT, "description": "Its Content-ID; the message's HTML names it as `cid:`."},
                "inline": {"const": True, "description": "The message shows it in its text."},
            },
        ),
        "description": "A file that came with a message.",
    },
    "File": {"description": "The bytes. Their type is the file's own only where no browser executes that."},
    "Event": members(
        {
            "event": {**FREE, "description": "The CloudEvent as it lies on the log."},
            "attachments": array(ref("Attachment")),
            "original": or_none(
                {
                    **members(
                        {
                            "id": {**TEXT, "description": "What `GET /v1/attachments/{id}` takes."},
                            "content_type": TEXT_OR_NONE,
                            "bytes": {"type": ["integer", "null"], "minimum": 0},
                            "place": {
                                "enum": ["event", "hub", None],
                                "description": "null: it lay apart; gone.",
                            },
                            "encoding": {
                                "enum": ["json", "none", "base64url", None],
                                "description": "How `content` stands: a value, text, bytes; null: not told.",
                            },
                            "content": {"description": "Left out (null) above 4 MiB: fetch it by its id."},
                        }
                    ),
                    "description": "What the provider sent.",
                }
            ),
            "problem": {**TEXT_OR_NONE, "description": "What of it no context can use."},
        }
    ),
    "ThreadEntry": {
        "allOf": [
            ref("TimelineEntry"),
            members(
                {
                    "message": or_none(FREE),
                    "transcript": or_none(array(FREE)),
                }
            ),
        ]
    },
}
