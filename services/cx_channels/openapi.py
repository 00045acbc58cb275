"""The OpenAPI descriptions of the routes for events and vCons."""

from __future__ import annotations

from typing import Any

from cx_events.http_binding import BATCH, STRUCTURED
from cx_events.typos import MOST, MOST_OF_REQUEST
from cx_vcon.reading import MEDIA_TYPE

_PROBLEMS: dict[str, Any] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": {"type": "object"}}}}
    for status, text in {
        "400": "The body or a header can't be read.",
        "401": "The key is missing or unknown.",
        "403": "The key lacks a scope.",
        "408": "The body came too slowly.",
        "413": "The body is too large.",
        "415": "No event comes in this content type or coding.",
        "422": "No event was acceptable; `rejected` or `detail` says why.",
        "429": "More than the key may send; `Retry-After` says when it may again. A batch costs its events.",
        "503": "The hub is full and took nothing, or the outcome is unknown; sending again is safe.",
    }.items()
}
_STORED = {"type": "object", "required": ["source", "id"]}
_REJECTED = {"type": "object", "required": ["index", "reason"]}
_WARNING = {
    "type": "object",
    "required": ["index", "place", "nearest", "detail"],
    "properties": {
        "index": {"type": "integer", "description": "Which event of the batch, from 0."},
        "place": {"type": "string", "description": "What is probably misspelt, as `data.mesage`."},
        "nearest": {"type": "string", "description": "The known name or word that it may stand for."},
        "detail": {"type": "string"},
    },
}
_WARNINGS = {
    "type": "array",
    "maxItems": MOST_OF_REQUEST,
    "description": (
        "What accepted events probably misspell: unknown members of `data`, attributes, types and kinds of identifiers "
        f"and references that are near a known one. They were kept as they are. Absent where there is none; {MOST} of "
        "an event at most."
    ),
    "items": _WARNING,
}
EVENTS: dict[str, Any] = {
    "parameters": [
        {
            "name": "dry_run",
            "in": "query",
            "required": False,
            "description": "Check the events as ever, answer 200 with what would be stored, and store nothing.",
            "schema": {"type": "boolean", "default": False},
        }
    ],
    "requestBody": {
        "required": True,
        "description": "A CloudEvent 1.0, a batch of them, or in binary mode the data, with attributes as ce- headers.",
        "content": {
            STRUCTURED: {"schema": {"type": "object", "required": ["specversion", "id", "source", "type"]}},
            BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    },
    "description": (
        "Needs a key with the scope `events:write`. Some types need another one beside it (docs/events.md), so does "
        "an identifier that is said to be proved (`identity:prove`) or asserted (`identity:assert`): without it that "
        "event is rejected with `missing-scope`, and the others are taken."
    ),
    "security": [{"key": []}],
    "x-scope": ["events:write"],
    "responses": {
        "200": {
            "description": "Of a dry run: what would be accepted, and in `events` each as it would be stored.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["accepted", "rejected", "events"],
                        "properties": {
                            "accepted": {"type": "array", "items": _STORED},
                            "rejected": {"type": "array", "items": _REJECTED},
                            "warnings": _WARNINGS,
                            "events": {"type": "array", "items": {"type": "object"}},
                        },
                    }
                }
            },
        },
        "202": {
            "description": "All that could be accepted is durable; an empty batch is accepted as it is.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["accepted", "rejected"],
                        "properties": {
                            "accepted": {"type": "array", "items": _STORED},
                            "rejected": {"type": "array", "items": _REJECTED},
                            "warnings": _WARNINGS,
                        },
                    }
                }
            },
        },
        **_PROBLEMS,
    },
}
VCONS: dict[str, Any] = {
    "parameters": [
        {
            "name": "unverified",
            "in": "query",
            "required": False,
            "description": "Of a signed vCon take the payload without checking the signature; else it is refused.",
            "schema": {"type": "boolean", "default": False},
        }
    ],
    "requestBody": {
        "required": True,
        "description": "A vCon of the syntax 0.0.1 to 0.4.0, unsigned; `application/vcon+gzip` is taken, too.",
        "content": {media_type: {"schema": {"type": "object"}} for media_type in (MEDIA_TYPE, "application/json")},
    },
    "description": (
        "Needs a key with the scope `events:write`; for a vCon with a subject also `conversations:write`, since that "
        "says what the conversation is about."
    ),
    "security": [{"key": []}],
    "x-scope": ["events:write"],
    "responses": {
        "202": {
            "description": "All its events are durable. The same vCon again is the same events.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["uuid", "conversation", "interaction", "accepted", "rejected"],
                        "properties": {
                            "uuid": {"type": "string"},
                            "conversation": {"type": "string", "format": "uuid"},
                            "interaction": {"type": "string"},
                            "verified": {"type": ["boolean", "null"]},
                            "accepted": {"type": "array", "items": {"type": "object", "required": ["source", "id"]}},
                            "rejected": {"type": "array", "maxItems": 0},
                        },
                    }
                }
            },
        },
        **_PROBLEMS,
    },
}
