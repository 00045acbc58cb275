"""Describe the answers, by the names that operations refer to."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.document_schema import context_schemas
from cx_context.sections.journey import JOURNEY_CONTACT
from cx_context.sections.notes import NOTE
from cx_context.sections.timeline import DELIVERY
from cx_context_api.openapi.brief_schemas import BRIEF_SCHEMAS
from cx_context_api.openapi.event_schemas import EVENT_SCHEMAS
from cx_context_api.openapi.explanation_schemas import EXPLANATION_SCHEMAS
from cx_context_api.openapi.identity_schemas import IDENTITY_SCHEMAS
from cx_context_api.openapi.listing_schemas import LISTING_SCHEMAS
from cx_context_api.openapi.shapes import META_MEMBERS, META_OPTIONAL, NEXT
from cx_events.json_types import Json
from cx_events.schema_shapes import (
    FLAG,
    FREE,
    ID,
    ID_AND_NAME,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    array,
    members,
    named,
    or_none,
    ref,
    values,
)
from cx_runtime.openapi.operation import problem_more
from cx_runtime.openapi.struct_schemas import cloud_event_schemas
from cx_vcon.vcon_schemas import VCON

_LINE = named(
    "TranscriptEntry",
    {
        "event": ref("EventName"),
        "time": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT_OR_NONE,
        "role": TEXT_OR_NONE,
        "name": TEXT_OR_NONE,
        "text": TEXT_OR_NONE,
        "transcript": or_none(array(ref("EventTranscriptLine"))),
    },
    {"subject": TEXT, "attachments": array(ref("Attachment")), "delivery": DELIVERY},
)

_DIRECTORY_ENTRY: Json = {
    "id": TEXT,
    "name": TEXT,
    "ids": array(ref("DirectoryId")),
    "told_by": {"enum": ["configuration", "event"]},
    "event": or_none(ref("DirectoryEvent")),
}

SCHEMAS: Mapping[str, Json] = {
    **cloud_event_schemas(),
    **context_schemas(),
    **BRIEF_SCHEMAS,
    **EVENT_SCHEMAS,
    **LISTING_SCHEMAS,
    **IDENTITY_SCHEMAS,
    **EXPLANATION_SCHEMAS,
    "ContactAtHand": {
        **members({"interaction": TEXT, "assurance": ref("Sureness")}, {"alone": FLAG, "others": array(ID)}),
        "description": "The contact that the read names, and how sure it is now, or at `as_of`, who is at its other "
        "end. Don't read anything out unless its level is `proved` and unexpired. `alone`: only a claim ties the "
        "identifier to the customer, so that the body of this assured read holds the identifier's own history alone. "
        "`others`: customers who take part in it besides, where anybody can write in it: "
        "a thread of mails is its last writer's.",
    },
    "ContextProblem": problem_more(
        "ContextProblem",
        {
            "candidates": array(ref("Possible")),
            "candidate": ref("Doubt"),
            "against": array(ref("Obstacle")),
            "contact": ref("ContactAtHand"),
            "conversation": {
                "type": ["string", "null"],
                "format": "uuid",
                "description": "Where the contact can be handed over.",
            },
            "accepted_by": ID_AND_NAME,
            "url": {**TEXT, "description": "Where the provider keeps an attachment."},
        },
        "RFC 9457, with what it is about. `reason` is the stable word to test; `detail` is for people.",
    ),
    "DirectoryId": members({"system": TEXT, "id": TEXT}),
    "DirectoryEvent": {
        **members({"source": TEXT, "id": TEXT, "recorded_at": TIME}),
        "description": "The event that tells of it, the last one.",
    },
    "DirectoryQueue": members(_DIRECTORY_ENTRY),
    "DirectoryAgent": members({**_DIRECTORY_ENTRY, "teams": array(TEXT), "queues": array(TEXT)}),
    "DirectoryUnheeded": {
        **members({"kind": {"enum": ["agent", "queue"]}, "entry": TEXT, "system": TEXT, "id": TEXT, "reason": TEXT}),
        "description": "What an event tells in vain: `id` in `system` is somebody else's; with neither, the whole "
        "entry is overruled.",
    },
    "Directory": {
        **members(
            {
                "agents": array(ref("DirectoryAgent")),
                "queues": array(ref("DirectoryQueue")),
                "unheeded": array(ref("DirectoryUnheeded")),
            }
        ),
        "description": "By id. `name` is empty where the vendors' names are shown. `system`: a connection, the source "
        "of a client's events, or `any`. `told_by`: the configuration counts before events.",
    },
    "Meta": {
        **members(META_MEMBERS, META_OPTIONAL),
        "description": "`version` rises with every change and never falls (null for a past); `current_to`: when the "
        "projectors last moved on.",
    },
    "PresenceTaken": members({"seconds": {"type": "integer", "description": "How long it lasts; 0 where it ended."}}),
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
            },
            {
                "context": or_none(ref("Context")),
                "late": {**FLAG, "description": "True: it began over an hour before it came here; don't pop it up."},
            },
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
            "others": {**array(ref("Handover")), "description": "Other contacts' requests, open ones first."},
            "packet": {**or_none(FREE), "description": "As the asking side put it."},
            "summary": TEXT_OR_NONE,
            "tried": array({}),
            "slots": FREE,
            "open_questions": array({}),
            "verified": array(
                named(
                    "HandoffProof",
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
            "notes": array(NOTE),
            "transcript": array(_LINE),
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
    "TimelinePage": members(
        {
            "meta": ref("Meta"),
            "customer": ID,
            "items": array(ref("TimelineEntry")),
            "next": {**NEXT, "description": "Of a filtered timeline also where a page holds fewer items, or none."},
        },
        {"more": {**values(TEXT), "description": "With `per_channel`: by channel the cursor of what is older there."}},
    ),
    "JourneyContact": JOURNEY_CONTACT,
    "JourneyPage": members({"meta": ref("Meta"), "customer": ID, "items": array(ref("JourneyContact")), "next": NEXT}),
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
        **members(
            {"event": ref("EventName"), "events": array(ref("EventName"))},
            {
                "customer": ID,
                "conversation": ID,
                "warnings": {
                    **array(named("ActWarning", {"place": TEXT, "nearest": TEXT, "detail": TEXT})),
                    "description": "What is probably misspelt of what may hold anything, as a handoff's packet: a name "
                    "near one that the hub knows. It was kept as it is.",
                },
            },
        ),
        "description": "The decision is durable. Read with `at_least` of `event` to see what it does.",
        "examples": [
            {
                "event": {"source": "//throughline/acme/decisions", "id": "note-1"},
                "events": [{"source": "//throughline/acme/decisions", "id": "note-1"}],
            }
        ],
    },
    "Vcon": VCON,
}
