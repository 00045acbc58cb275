"""Describe lists over all customers, and what search finds."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json
from cx_events.schema_shapes import (
    EVENT_NAME,
    FLAG,
    ID,
    ID_AND_NAME,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    WHOLE,
    array,
    members,
    named,
    or_none,
    ref,
)

_TRENDS = ["improving", "steady", "declining"]
_RANGES = {
    **array({"type": "array", "items": WHOLE, "minItems": 2, "maxItems": 2}),
    "description": "Where the words stand: [start, end) in characters (code points).",
}
_WAITING = {
    "waiting": {**WHOLE, "description": "Of them, those whose customer waits for an answer."},
    "waiting_since": TIME_OR_NONE,
}
_PAGE = {"meta": ref("ListMeta"), "next": {**TEXT_OR_NONE, "description": "The next page's `cursor`."}}

LISTING_SCHEMAS: Mapping[str, Json] = {
    "ListMeta": {
        **members({"current_to": TIME_OR_NONE, "complete": FLAG}),
        "description": "Lists follow contexts within moments. `current_to`: all that was applied by then is in; "
        "`complete`: false while a store's older history is still being listed.",
    },
    "ListedConversation": members(
        {
            "id": ID,
            "customer": ID,
            "display": TEXT_OR_NONE,
            "state": {"enum": ["open", "resolved"]},
            "topic": TEXT_OR_NONE,
            "interaction": TEXT,
            "channels": array(TEXT),
            "contacts": WHOLE,
            "opened_at": TIME,
            "last_at": TIME,
            "waiting_since": TIME_OR_NONE,
            "due_at": {
                **TIME_OR_NONE,
                "description": "By when its customer is to be answered, by `answer_within` of the queue; null without.",
            },
            "agent": or_none(ID_AND_NAME),
            "queue": or_none(ID_AND_NAME),
            "held_by": {
                **array(
                    named("Holder", {"kind": {"enum": ["agent", "queue"]}, "id": TEXT, "name": TEXT, "since": TIME})
                ),
                "description": "Whose desk it concerns now: who deals with it, is offered it, or in what it waits.",
            },
            "line": or_none(
                named(
                    "LastLine",
                    {"time": TIME, "role": TEXT, "name": TEXT_OR_NONE, "text": TEXT},
                    about="What was said last.",
                )
            ),
            "sentiment": or_none(
                named(
                    "ListedSentiment",
                    {"current": {"type": "number", "minimum": -1, "maximum": 1}, "trend": {"enum": _TRENDS}},
                    about="The customer's mood in this conversation, of their own words alone.",
                )
            ),
        }
    ),
    "ListedConversationPage": members({**_PAGE, "items": array(ref("ListedConversation"))}),
    "QueueList": members(
        {
            "meta": ref("ListMeta"),
            "items": array(
                named(
                    "QueueStanding",
                    {
                        "id": TEXT,
                        "name": TEXT,
                        "queued": WHOLE,
                        "queued_since": TIME_OR_NONE,
                        **_WAITING,
                        "answer_within": {
                            **or_none(WHOLE),
                            "description": "Seconds that a customer may wait, as configured; null without a bound.",
                        },
                        "overdue": {**WHOLE, "description": "Waits of this queue that were found to be longer."},
                        "overdue_since": {**TIME_OR_NONE, "description": "When the longest of them began."},
                    },
                )
            ),
        }
    ),
    "AgentList": members(
        {
            "meta": ref("ListMeta"),
            "items": array(
                named(
                    "AgentStanding",
                    {
                        "id": TEXT,
                        "name": TEXT,
                        "held": WHOLE,
                        "held_since": TIME_OR_NONE,
                        **_WAITING,
                        "conversations": {
                            **array(named("HeldConversation", {"id": ID, "customer": ID, "since": TIME})),
                            "description": "The longest held first; of more than 1,000 in all, not every one.",
                        },
                    },
                )
            ),
        }
    ),
    "FoundCustomer": members(
        {
            "customer": ID,
            "display": TEXT_OR_NONE,
            "display_weight": {"enum": ["proved", "asserted", "claimed", None]},
            "matches": array(named("MatchingValue", {"kind": TEXT, "value": TEXT, "ranges": _RANGES})),
            "last_at": TIME_OR_NONE,
            "open": {**WHOLE, "description": "Open conversations."},
            "waiting_since": TIME_OR_NONE,
        }
    ),
    "FoundMessage": members(
        {
            "customer": {**ID, "description": "Whose it is today."},
            "event": EVENT_NAME,
            "type": TEXT,
            "time": TIME,
            "channel": TEXT_OR_NONE,
            "interaction": TEXT_OR_NONE,
            "direction": TEXT_OR_NONE,
            "role": TEXT_OR_NONE,
            "name": TEXT_OR_NONE,
            "text": TEXT,
            "ranges": _RANGES,
            "cut": {**FLAG, "description": "`text` is a part of what was said."},
            "edited": {**FLAG, "description": "`text` is that of a later edit."},
        }
    ),
    "SearchPage": members(
        {
            **_PAGE,
            "in": {"enum": ["customers", "messages"]},
            "items": {"type": "array", "items": {"anyOf": [ref("FoundCustomer"), ref("FoundMessage")]}},
        }
    ),
}
