"""Describe parameters, and what problems of a request mean here."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store.listing_pages import ORDERS
from cx_context_api.conversations.timeline_filters import CHANNELS, MAX_PER_CHANNEL, MAX_TEXT
from cx_context_api.following.routes import SUBJECTS
from cx_context_api.following.several import MOST_SUBJECTS
from cx_context_api.listing.filters import MAX_NAME as MAX_LISTED_NAME
from cx_context_api.listing.filters import MAX_Q, SEARCHED
from cx_context_api.requests.queries import DEFAULT_LIMIT, MAX_AT_LEAST, MAX_LIMIT
from cx_events.client_attributes import MAX_NAME as MAX_EVENT_NAME
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TIME
from cx_vcon.syntax import CURRENT

_LISTED_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_LISTED_NAME}

PARAMETERS: Mapping[str, Json] = {
    "id": {
        "in": "path",
        "required": True,
        "schema": TEXT,
        "description": "A UUID; anything else is unknown (404).",
        "example": "1eed28c6-4f7f-8871-abb9-c2d9cb565c72",
    },
    "attachment_id": {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": TEXT,
        "description": "`id` of an attachment or of an event's `original`; anything else is unknown (404).",
        "example": "1eed28c6-4f7f-8871-abb9-c2d9cb565c72.0",
    },
    "source": {
        "in": "query",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_EVENT_NAME},
        "description": "The event's `source`. `+` is read as `+`.",
        "example": "//acme.example/chat",
    },
    "event_id": {
        "name": "id",
        "in": "query",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_EVENT_NAME},
        "description": "The event's `id`, which is unique within its source.",
        "example": "m-1",
    },
    "identifier": {
        "in": "query",
        "schema": TEXT,
        "description": "`KIND:VALUE`, in any form that the channels take. `+` is read as `+`.",
        "example": "email:ana@example.com",
    },
    "caller_identifier": {
        "name": "identifier",
        "in": "query",
        "schema": TEXT,
        "description": "`KIND:VALUE` of whoever is said to be there: counts, as a claim, until the hub knows the "
        "interaction. A value that identifies nobody, as of a withheld number, counts as none. Not read for a key with "
        "`required_assurance`.",
        "example": "phone:+15550100123",
    },
    "interaction": {"in": "query", "schema": TEXT, "description": "The interaction's own id.", "example": "chat-42"},
    "asking_interaction": {
        "name": "interaction",
        "in": "query",
        "schema": TEXT,
        "description": "The contact of the conversation whose request is meant. Without it an open one of the surest "
        "contact, or of the contact whose own id the path has.",
        "example": "chat-42",
    },
    "handoff": {
        "in": "path",
        "required": True,
        "schema": TEXT,
        "description": "The request's `id`, as a conversation's `handoff` shows it, or the id of its event.",
        "example": "254fd8b5-3f17-872e-beda-a81d8a2fdb0a",
    },
    "of_interaction": {
        "name": "interaction",
        "in": "query",
        "schema": TEXT,
        "description": "A contact of the customer's: `meta.contact` shows how sure it is who is at its other end.",
        "example": "chat-42",
    },
    "assurance": {
        "in": "query",
        "schema": {"enum": ["proved", "asserted"]},
        "description": "Refuse (403 `not-assured`) if the level of the contact that `interaction` names is lower, and "
        "leave out of the body what only a claim ties to the customer. 400 without `interaction`.",
    },
    "scope": {"in": "query", "schema": TEXT, "description": "The identifier's scope, where it has one."},
    "at_least": {
        "in": "query",
        "schema": {"type": "array", "items": TEXT, "maxItems": MAX_AT_LEAST},
        "style": "form",
        "explode": True,
        "description": "`SOURCE#ID` (`#` as `%23`) of an event that the answer must hold; repeatable.",
    },
    "wait": {
        "in": "query",
        "schema": {"type": "string", "pattern": "^[0-9]{1,9}(ms|s)$"},
        "description": "How long to wait for `at_least`, or for a customer still unknown: `500ms`, `2s`; 30 s at most. "
        "With `at_least` 2 s unless said otherwise.",
    },
    "as_of": {
        "in": "query",
        "schema": TIME,
        "description": "The context as it was: what had happened by then, ids read as of then. No future time.",
        "example": "2026-11-22T10:00:00Z",
    },
    "known_at": {
        "in": "query",
        "schema": TIME,
        "description": "The context as it was known: what had been recorded by then. With `as_of` both bounds hold.",
        "example": "2026-11-22T10:00:00Z",
    },
    "path": {
        "in": "query",
        "required": True,
        "schema": TEXT,
        "description": "JSON Pointer into the context's body; items of lists by id: `/conversations/{id}/topic`, "
        "`/timeline/{SOURCE#ID}/text` (`/` as `~1`, `#` as `%23`), `/customer/identifiers/{profile}/joined`.",
        "example": "/counts/events",
    },
    "from": {"in": "query", "required": True, "schema": TIME, "example": "2026-11-22T10:00:00Z"},
    "to": {"in": "query", "required": True, "schema": TIME, "example": "2026-11-22T11:00:00Z"},
    "by": {
        "in": "query",
        "schema": {"enum": ["as_of", "known_at"], "default": "as_of"},
        "description": "Whether `from` and `to` are read as `as_of` or as `known_at`.",
    },
    "on_channel": {
        "name": "channel",
        "in": "query",
        "schema": {"type": "array", "items": {"enum": list(CHANNELS)}},
        "style": "form",
        "explode": True,
        "description": "Events of this channel alone; `none`: of what no channel is told. Repeatable.",
    },
    "kind": {
        "in": "query",
        "schema": {"type": "array", "items": TEXT},
        "style": "form",
        "explode": True,
        "description": "Events of a family (`message`, `call`, `conversation`) or of a whole type alone. Repeatable.",
        "example": ["message"],
    },
    "of_conversation": {
        "name": "conversation",
        "in": "query",
        "schema": TEXT,
        "description": "Events of this conversation alone, by any of its ids; 404 where it is not the customer's.",
    },
    "words": {
        "name": "text",
        "in": "query",
        "schema": {"type": "string", "maxLength": MAX_TEXT},
        "description": "Events that say this, in whatever case, in a message, a transcript, a note or any other words.",
    },
    "since": {"name": "from", "in": "query", "schema": TIME, "description": "Events from this time on."},
    "until": {"name": "to", "in": "query", "schema": TIME, "description": "Events before this time."},
    "per_channel": {
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PER_CHANNEL},
        "description": "So many of each channel, however much there is on another: the answer has `more`, by channel "
        "the `cursor` with which `channel` goes on. Goes with no `cursor` and no `limit`.",
    },
    "cursor": {"in": "query", "schema": TEXT, "description": "`next` of the page before."},
    "limit": {
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "description": "Items of a page.",
    },
    "syntax": {
        "in": "query",
        "schema": {"enum": [CURRENT]},
        "description": "Have an imported vCon in this syntax, instead of that in which it came.",
    },
    "dry_run": {
        "in": "query",
        "schema": {"type": "boolean", "default": False},
        "description": "Show the contexts after the decision; nothing is written. The key needs `context:read`, too.",
    },
    "Idempotency-Key": {
        "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "description": "Becomes the event's id, so that repeating the request is safe.",
    },
    "from_version": {
        "name": "from",
        "in": "query",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "description": "`meta.version` of what was read: the stream begins with that version or a newer one. 409 "
        "`version-ahead` for one that there is not yet.",
    },
    "body": {
        "in": "query",
        "schema": {"enum": ["full", "patch", "none"], "default": "full"},
        "description": "`patch`: the first context whole, the later ones as JSON Patch (RFC 6902) of the one before. "
        "`none`: events name version and customer alone. Assignments bring contexts with `full` alone.",
    },
    "presence": {
        "in": "query",
        "schema": {"enum": ["true", "false"], "default": "false"},
        "description": "`true`: tell who is present at each subject, too.",
    },
    **{
        f"followed_{kind}": {
            "name": kind,
            "in": "query",
            "schema": {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": MOST_SUBJECTS},
            "description": f"Follow this {kind}; may be repeated, and beside the others, {MOST_SUBJECTS} in all.",
        }
        for kind in SUBJECTS
    },
    "state": {"in": "query", "schema": {"enum": ["open", "resolved"]}},
    "waiting": {
        "in": "query",
        "schema": {"enum": ["true", "false"]},
        "description": "Whether the customer waits for an answer.",
    },
    "listed_agent": {
        "name": "agent",
        "in": "query",
        "schema": _LISTED_NAME,
        "description": "Who was named last, or whose desk it concerns now; by the directory's id where it has one.",
        "example": "ben",
    },
    "listed_queue": {
        "name": "queue",
        "in": "query",
        "schema": _LISTED_NAME,
        "description": "The queue that was named last, or in which it waits now.",
        "example": "billing",
    },
    "channel": {"in": "query", "schema": _LISTED_NAME, "description": "One of its channels.", "example": "chat"},
    "order": {
        "in": "query",
        "schema": {"enum": list(ORDERS), "default": "last"},
        "description": "`waiting`: those alone in which the customer waits, the longest first; `last`, `opened`: by "
        "last activity or beginning, the latest first.",
    },
    "q": {
        "in": "query",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_Q},
        "description": "Words in any script, without regard to case and accents. Of customers all must begin a word of "
        "a name, an address, an order; what looks like a number may stand anywhere in one. Of messages the last one "
        "may be the beginning of a word.",
        "example": "garcia",
    },
    "in": {"in": "query", "schema": {"enum": list(SEARCHED), "default": "customers"}},
    "Last-Event-ID": {
        "in": "header",
        "schema": TEXT,
        "description": "The last event's `id`: only what is newer is sent. An id that this stream never sent, or sent "
        "before the store was rebuilt, counts as none: the state is sent at once.",
    },
    "If-None-Match": {"in": "header", "schema": TEXT, "description": "An `ETag`: 304 where nothing changed."},
}

PROBLEMS: Mapping[int, str] = {
    403: "The key lacks the scope; a session's page acts for somebody else (`other-agent`); or the contact is less "
    "sure than `assurance` or the key asks for (`not-assured`: `contact`, and `conversation`, an id by which it can be "
    "handed over).",
    409: "Several people may be meant (`candidates`), an event is another customer's or dead-lettered, the decision "
    "was withdrawn already, something stands against the merge (`against`), nobody asked for the handoff "
    "or somebody else has it (`accepted_by`), or a stream can't begin there.",
    410: "The token has expired.",
    422: "The request can be read and can't be done; or an idempotency key was used before for something else.",
    503: "The store or the log does not answer, or the hub is full. Sending again is always safe.",
    504: "Not every event of `at_least` was applied in time (`not-yet`).",
}
"""What problems mean here, where they mean more than everywhere."""
