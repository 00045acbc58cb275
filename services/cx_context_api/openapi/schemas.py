"""Describe the answers, by the names that operations refer to."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.document_schema import context_schemas
from cx_context.sections.shapes import (
    FLAG,
    FREE,
    ID,
    ID_AND_NAME,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    array,
    members,
    or_none,
    ref,
)
from cx_context_api.openapi.brief_schemas import BRIEF_SCHEMAS
from cx_context_api.openapi.event_schemas import EVENT_SCHEMAS
from cx_context_api.openapi.explanation_schemas import EXPLANATION_SCHEMAS
from cx_context_api.openapi.identity_schemas import IDENTITY_SCHEMAS
from cx_context_api.openapi.shapes import NEXT
from cx_events.json_types import Json

SCHEMAS: Mapping[str, Json] = {
    **context_schemas(),
    **BRIEF_SCHEMAS,
    **EVENT_SCHEMAS,
    **IDENTITY_SCHEMAS,
    **EXPLANATION_SCHEMAS,
    "ContactAtHand": {
        **members({"interaction": TEXT, "assurance": ref("Sureness")}, {"alone": {"const": True}, "others": array(ID)}),
        "description": "The contact that the read names, and how sure it is now, or at `as_of`, who is at its other "
        "end. Don't read anything out unless its level is `proved` and unexpired. `alone`: only a claim ties the "
        "identifier to the customer, so that the body of this assured read holds the identifier's own history alone. "
        "`others`: customers who take part in it besides, where anybody can write in it: "
        "a thread of mails is its last writer's.",
    },
    "Problem": {
        **members(
            {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "reason": TEXT},
            {
                "candidates": array(ref("Possible")),
                "candidate": ref("Doubt"),
                "against": array(ref("Obstacle")),
                "contact": ref("ContactAtHand"),
                "url": {**TEXT, "description": "Where the provider keeps an attachment."},
            },
        ),
        "description": "RFC 9457. `reason` is the stable word to test; `detail` is for people.",
        "examples": [
            {
                "type": "urn:throughline:problem:unknown-customer",
                "title": "Not Found",
                "status": 404,
                "detail": "there is no such customer here (yet)",
                "reason": "unknown-customer",
            }
        ],
    },
    "Meta": {
        **members(
            {
                "version": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 1 << 53},
                "current_to": TIME_OR_NONE,
            },
            {"as_of": TIME_OR_NONE, "known_at": TIME_OR_NONE, "contact": ref("ContactAtHand")},
        ),
        "description": "`version` rises with every change and never falls (null for a past); `current_to`: when the "
        "projectors last moved on.",
    },
    "Assignment": {
        **members(
            {
                "interaction": TEXT,
                "channel": TEXT_OR_NONE,
                "customer": ID,
                "why": {"enum": ["offered", "answered", "accepted", "assigned", "handoff", "transfer", "queued"]},
                "since": TIME,
                "agent": or_none(ID_AND_NAME),
                "queue": or_none(ID_AND_NAME),
                "context": or_none(ref("Context")),
            }
        ),
        "description": "An interaction on a desk, why and since when; `context` as it was when this was told: follow "
        "the customer from its version on.",
    },
    "HandoffPacket": members(
        {
            "meta": ref("Meta"),
            "customer": ID,
            "conversation": ID,
            "request": or_none(ref("Handover")),
            "packet": {**or_none(FREE), "description": "As the asking side put it."},
            "summary": TEXT_OR_NONE,
            "tried": array({}),
            "slots": FREE,
            "open_questions": array({}),
            "verified": array(
                members(
                    {
                        "kind": TEXT,
                        "value": TEXT,
                        "method": TEXT,
                        "verified_at": TIME,
                        "expires_at": TIME,
                        "interaction": TEXT_OR_NONE,
                    },
                    {"scope": TEXT},
                ),
            ),
            "notes": array(FREE),
            "transcript": array(FREE),
            "next": NEXT,
        }
    ),
    "TakenToken": {
        **members(
            {
                "event": ref("EventName"),
                "events": array(ref("EventName")),
                "customer": ID,
                "conversation": ID,
                "token": {**TEXT, "description": "Its id; who knows it alone can use nothing."},
                "code": {"type": "string", "pattern": "^[0-9]{8}$"},
                "spoken": TEXT,
                "reply_to": TEXT_OR_NONE,
                "link": TEXT_OR_NONE,
                "link_token": TEXT,
                "expires_at": TIME,
                "single_use": FLAG,
            }
        ),
        "description": "Durable. The code, the address and the link are told here and nowhere else.",
    },
    "Context": members({"meta": ref("Meta"), "body": ref("ContextBody")}),
    "TimelinePage": members({"meta": ref("Meta"), "customer": ID, "items": array(ref("TimelineEntry")), "next": NEXT}),
    "ConversationPage": members(
        {"meta": ref("Meta"), "customer": ID, "items": array(ref("Conversation")), "next": NEXT}
    ),
    "Thread": members(
        {
            "meta": ref("Meta"),
            "customer": ID,
            "conversation": ref("Conversation"),
            "items": array(ref("ThreadEntry")),
            "next": NEXT,
        }
    ),
    "Taken": {
        **members({"event": ref("EventName"), "events": array(ref("EventName"))}, {"customer": ID, "conversation": ID}),
        "description": "The decision is durable. Read with `at_least` of `event` to see what it does.",
        "examples": [
            {
                "event": {"source": "//throughline/acme/decisions", "id": "note-1"},
                "events": [{"source": "//throughline/acme/decisions", "id": "note-1"}],
            }
        ],
    },
    "Vcon": {
        **members({"uuid": TEXT}, {name: array(FREE) for name in ("parties", "dialog", "analysis", "attachments")}),
        "description": "The unsigned form of draft-ietf-vcon-vcon-core. One that was imported, and to which nothing "
        "was added, has the syntax that it came in.",
    },
}
