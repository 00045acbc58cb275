"""Describe the answers, by the names that operations refer to."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context_api.openapi.event_schemas import EVENT_SCHEMAS, MESSAGE
from cx_context_api.openapi.explanation_schemas import EXPLANATION_SCHEMAS
from cx_context_api.openapi.identity_schemas import IDENTITY_SCHEMAS
from cx_context_api.openapi.shapes import (
    EVENT_NAME,
    FREE,
    ID,
    NAMED,
    NEXT,
    SHARE,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    WHOLE,
    array,
    members,
    or_none,
    ref,
)
from cx_events.json_types import Json

_PROOF = members(
    {
        "kind": TEXT,
        "value": TEXT,
        "method": TEXT,
        "at": TIME,
        "expires_at": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT_OR_NONE,
        "event": EVENT_NAME,
    },
    {"scope": TEXT},
)


SCHEMAS: Mapping[str, Json] = {
    **EVENT_SCHEMAS,
    **IDENTITY_SCHEMAS,
    **EXPLANATION_SCHEMAS,
    "Proof": {
        **_PROOF,
        "description": "An identifier that was proved: how, when, in which interaction; until when that counts.",
    },
    "Level": {
        "enum": ["proved", "asserted", "claimed", "none"],
        "description": "How sure it is who is at the other end of a contact. `none`: it names nobody.",
    },
    "Sureness": members(
        {
            "level": ref("Level"),
            "by": {**TEXT_OR_NONE, "description": "The method of the proof or assertion."},
            "identifier": or_none(members({"kind": TEXT, "value": TEXT}, {"scope": TEXT})),
            "expires_at": {**TIME_OR_NONE, "description": "Of the proof; once it is past, that counts as a claim."},
        }
    ),
    "ContactAtHand": {
        **members({"interaction": TEXT, "assurance": ref("Sureness")}, {"alone": {"const": True}, "others": array(ID)}),
        "description": "The contact that the read names, and how sure it is now, or at `as_of`, who is at its other "
        "end. Don't read anything out unless its level is `proved` and unexpired. `alone`: only a claim ties the "
        "identifier to the customer, so that the body of this assured read holds the identifier's own history alone. "
        "`others`: customers who take part in it besides, where anybody can write in it: "
        "a thread of mails is its last writer's.",
    },
    "Assurance": {
        **members(
            {
                "level": ref("Level"),
                "verified": or_none(ref("Proof")),
                "confidence": SHARE,
                "weakest": or_none(members({"profile": ID, "rule": TEXT})),
            }
        ),
        "description": "Level and latest proof of the contact that was active last, as if no proof ever expired; and "
        "how surely the identifiers are one person's, as the least sure of them is joined.",
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
    "EventName": {**EVENT_NAME, "description": "Names one event; `SOURCE#ID` in one text."},
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
                "agent": or_none(NAMED),
                "queue": or_none(NAMED),
                "context": or_none(ref("Context")),
            }
        ),
        "description": "An interaction on a desk, why and since when; `context` as it was when this was told: follow "
        "the customer from its version on.",
    },
    "Handover": members(
        {
            "requested_at": TIME,
            "by": {"enum": ["bot", "agent", "customer", None]},
            "requested_by": TEXT_OR_NONE,
            "to": TEXT_OR_NONE,
            "reason": TEXT_OR_NONE,
            "accepted_by": or_none(NAMED),
            "accepted_at": TIME_OR_NONE,
            "shown_at": TIME_OR_NONE,
            "shown_before_answer": {
                "type": ["boolean", "null"],
                "description": "Whether the context was on screen before who took over answered; null: not told yet.",
            },
        },
        {"event": ref("EventName")},
    ),
    "IssuedToken": members(
        {
            "id": TEXT,
            "issued_at": TIME,
            "expires_at": TIME,
            "single_use": {"type": "boolean"},
            "uses": array(
                members(
                    {
                        "interaction": TEXT,
                        "time": TIME,
                        "refused": {"enum": ["expired", "used-before", None], "description": "null: it joined."},
                    }
                )
            ),
        }
    ),
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
                "single_use": {"type": "boolean"},
            }
        ),
        "description": "Durable. The code, the address and the link are told here and nowhere else.",
    },
    "Conversation": members(
        {
            "id": ID,
            "aliases": array(ID),
            "topic": TEXT_OR_NONE,
            "state": {"enum": ["open", "resolved"]},
            "channels": array(TEXT),
            "opened_at": TIME,
            "last_at": TIME,
            "waiting_since": TIME_OR_NONE,
            "summary": TEXT_OR_NONE,
            "messages": array(MESSAGE),
            "agent": or_none(NAMED),
            "queue": or_none(NAMED),
            "disposition": TEXT_OR_NONE,
            "notes": array(FREE),
            "bot": or_none(FREE),
            "handoff": or_none(ref("Handover")),
            "tokens": array(ref("IssuedToken")),
            "references": array(FREE),
            "verified": array(ref("Proof")),
            "joined": array(
                members(
                    {
                        "interaction": TEXT,
                        "rule": TEXT,
                        "evidence": TEXT_OR_NONE,
                        "confidence": SHARE,
                        "level": ref("Level"),
                    },
                )
            ),
        }
    ),
    "ContextBody": {
        **members(
            {
                "customer": members(
                    {
                        "id": ID,
                        "aliases": array(ID),
                        "display": TEXT_OR_NONE,
                        "display_weight": {
                            "enum": ["proved", "asserted", "claimed", None],
                            "description": "What the name weighs; of a claimed one anybody may be the author. "
                            "null where `display` is an identifier.",
                        },
                        "identifiers": array(FREE),
                        "assurance": ref("Assurance"),
                        "attributes": FREE,
                        "consent": array(FREE),
                        "preferences": FREE,
                        "candidates": array(ref("RefusedClaim")),
                        "candidates_total": WHOLE,
                    }
                ),
                "now": or_none(FREE),
                "conversations": array(ref("Conversation")),
                "timeline": array(ref("TimelineEntry")),
                "counts": FREE,
                "sentiment": or_none(FREE),
                "last_agent": or_none(FREE),
                "unresolved": array(FREE),
            }
        ),
        "description": "Equal facts give an equal body, byte for byte.",
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
    "RefusedClaim": {
        **members(
            {
                "identifier": ref("Profile"),
                "other": ref("Profile"),
                "yours": {"enum": ["identifier", "other"]},
                "reason": {"enum": ["exclusive", "known", "kind", "shared"]},
                "evidence": ref("EventName"),
                "at": TIME,
            }
        ),
        "description": "Somebody claimed both identifiers, and they stand for two people: whose is `identifier`, the "
        "weaker one? Both customers show it until somebody merges or dismisses it. `yours`: which of the two is this "
        "customer's. The latest 20.",
    },
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
