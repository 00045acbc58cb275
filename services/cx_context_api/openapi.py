"""The OpenAPI 3.1 document of this service, made from the same shapes that requests are read by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cx_context_api.conversations.acts import ACTS
from cx_context_api.following.routes import MAX_NAME
from cx_context_api.identity.judgements import JUDGED
from cx_context_api.requests import bodies
from cx_context_api.requests.queries import DEFAULT_LIMIT, MAX_AT_LEAST, MAX_LIMIT
from cx_runtime.problems import MEDIA_TYPE
from cx_vcon.reading import MEDIA_TYPE as VCON
from cx_vcon.syntax import CURRENT

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TEXT_OR_NONE: Json = {"type": ["string", "null"]}
_WHOLE: Json = {"type": "integer", "minimum": 0}
_TIME: Json = {"type": "string", "format": "date-time"}
_TIME_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}
_ID: Json = {"type": "string", "format": "uuid"}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_none(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


_NAMED = _object({"id": _TEXT, "name": _TEXT})
_FREE: Json = {"type": "object"}
_EVENT_NAME = _object({"source": _TEXT, "id": _TEXT})
_STANDING = _object({"state": _TEXT, "by": _TEXT_OR_NONE})
_NEXT: Json = {**_TEXT_OR_NONE, "description": "The cursor of the next page; null after the last."}

_PROOF = _object(
    {
        "kind": _TEXT,
        "value": _TEXT,
        "method": _TEXT,
        "at": _TIME,
        "channel": _TEXT_OR_NONE,
        "interaction": _TEXT_OR_NONE,
        "event": _EVENT_NAME,
    },
    {"scope": _TEXT},
)

_STATE = _object({"state": {"enum": ["links", "refused", "shared", "never-links"]}, "why": _TEXT})


def _change(whole: str, parts: str) -> Json:
    because = {
        "a": _ref("Profile"),
        "b": _ref("Profile"),
        "event": _ref("EventName"),
        "recorded": _TIME,
        "before": _STATE,
        "after": _STATE,
    }
    return _object(
        {
            whole: _ref("Profile"),
            parts: _list(_ref("Profile")),
            "customers": _WHOLE,
            "profiles": _WHOLE,
            "because": _list(_object(because)),
        }
    )


_ACTIONS: Json = {"type": "object", "additionalProperties": _FREE}
_LIKELY: Json = {
    "profile": _ID,
    "rule": _TEXT,
    "verified": {"type": "boolean"},
    "confidence": _SHARE,
    "evidence": _ref("Evidence"),
    "used": _or_none(_ref("Use")),
    "last_user": {"type": "boolean"},
    "reasons": _list(_TEXT),
    "actions": _ACTIONS,
}
_DOUBT: Json = {
    "id": _ID,
    "identifier": _ref("Profile"),
    "reason": _TEXT,
    "last_user": {"type": ["string", "null"], "format": "uuid"},
    "unclaimed": _or_none(_ref("Use")),
    "actions": _ACTIONS,
}

_SCHEMAS: Mapping[str, Json] = {
    "Proof": {**_PROOF, "description": "An identifier that was verified: how, when, in which interaction."},
    "Assurance": {
        **_object(
            {
                "level": {"enum": ["verified", "asserted", "unknown"]},
                "verified": _or_none(_ref("Proof")),
                "confidence": _SHARE,
                "weakest": _or_none(_object({"profile": _ID, "rule": _TEXT})),
            }
        ),
        "description": "How sure we are of the customer: the latest proof of any of their identifiers, and how surely "
        "these are one person's, as the least sure of them is joined.",
    },
    "Problem": {
        **_object(
            {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "reason": _TEXT},
            {"candidates": _list(_ref("Possible")), "candidate": _ref("Doubt"), "against": _list(_ref("Obstacle"))},
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
    "Possible": {
        **_object({"id": _ID, "display": _TEXT_OR_NONE, "why": _TEXT}, _LIKELY),
        "description": "A customer who may be meant, and what speaks for it. Of a shared identifier likeliest first, "
        "with all that a `Candidate` says of a customer.",
    },
    "Use": {
        **_object(
            {
                "contacts": _WHOLE,
                "last": _object(
                    {"time": _TIME, "channel": _TEXT_OR_NONE, "interaction": _TEXT, "event": _ref("EventName")}
                ),
            }
        ),
        "description": "In how many interactions an identifier was used, of the latest 100 events of each identifier "
        "that it is tied to, and when last.",
    },
    "Doubt": {
        **_object(_DOUBT),
        "description": "A shared identifier. `unclaimed`: contacts that name it and nobody else, while it is nobody's. "
        "`actions`: what may be decided, as bodies that lack their `reason`.",
    },
    "EventName": {**_EVENT_NAME, "description": "Names one event; `SOURCE#ID` in one text."},
    "Meta": {
        **_object(
            {"version": {"type": ["integer", "null"], "minimum": 0}, "current_to": _TIME_OR_NONE},
            {"as_of": _TIME_OR_NONE, "known_at": _TIME_OR_NONE},
        ),
        "description": "`version` rises with every change and never falls (null for a past); `current_to`: when the "
        "projectors last moved on.",
    },
    "Assignment": {
        **_object(
            {
                "interaction": _TEXT,
                "channel": _TEXT_OR_NONE,
                "customer": _ID,
                "why": {"enum": ["offered", "answered", "accepted", "assigned", "handoff", "transfer", "queued"]},
                "since": _TIME,
                "agent": _or_none(_NAMED),
                "queue": _or_none(_NAMED),
                "context": _or_none(_ref("Context")),
            }
        ),
        "description": "An interaction on a desk, why and since when; `context` as it was when this was told: follow "
        "the customer from its version on.",
    },
    "Handover": _object(
        {
            "requested_at": _TIME,
            "by": {"enum": ["bot", "agent", "customer", None]},
            "requested_by": _TEXT_OR_NONE,
            "to": _TEXT_OR_NONE,
            "reason": _TEXT_OR_NONE,
            "accepted_by": _or_none(_NAMED),
            "accepted_at": _TIME_OR_NONE,
            "shown_at": _TIME_OR_NONE,
            "shown_before_answer": {
                "type": ["boolean", "null"],
                "description": "Whether the context was on screen before who took over answered; null: not told yet.",
            },
        },
        {"event": _ref("EventName")},
    ),
    "IssuedToken": _object(
        {
            "id": _TEXT,
            "issued_at": _TIME,
            "expires_at": _TIME,
            "single_use": {"type": "boolean"},
            "uses": _list(
                _object(
                    {
                        "interaction": _TEXT,
                        "time": _TIME,
                        "refused": {"enum": ["expired", "used-before", None], "description": "null: it joined."},
                    }
                )
            ),
        }
    ),
    "HandoffPacket": _object(
        {
            "meta": _ref("Meta"),
            "customer": _ID,
            "conversation": _ID,
            "request": _or_none(_ref("Handover")),
            "packet": {**_or_none(_FREE), "description": "As the asking side put it."},
            "summary": _TEXT_OR_NONE,
            "tried": _list({}),
            "slots": _FREE,
            "open_questions": _list({}),
            "verified": _list(
                _object({"kind": _TEXT, "value": _TEXT, "verified_at": _TIME}, {"scope": _TEXT}),
            ),
            "notes": _list(_FREE),
            "transcript": _list(_FREE),
            "next": _NEXT,
        }
    ),
    "TakenToken": {
        **_object(
            {
                "event": _ref("EventName"),
                "events": _list(_ref("EventName")),
                "customer": _ID,
                "conversation": _ID,
                "token": {**_TEXT, "description": "Its id; who knows it alone can use nothing."},
                "code": {"type": "string", "pattern": "^[0-9]{8}$"},
                "spoken": _TEXT,
                "reply_to": _TEXT_OR_NONE,
                "link": _TEXT_OR_NONE,
                "link_token": _TEXT,
                "expires_at": _TIME,
                "single_use": {"type": "boolean"},
            }
        ),
        "description": "Durable. The code, the address and the link are told here and nowhere else.",
    },
    "TimelineEntry": _object(
        {
            "event": _ref("EventName"),
            "type": _TEXT,
            "time": _TIME,
            "channel": _TEXT_OR_NONE,
            "interaction": _TEXT_OR_NONE,
            "direction": _TEXT_OR_NONE,
            "role": _TEXT_OR_NONE,
            "text": _TEXT_OR_NONE,
        }
    ),
    "ThreadEntry": {
        "allOf": [
            _ref("TimelineEntry"),
            _object(
                {
                    "name": _TEXT_OR_NONE,
                    "agent": _or_none(_NAMED),
                    "message": _or_none(_FREE),
                    "transcript": _or_none(_list(_FREE)),
                }
            ),
        ]
    },
    "Conversation": _object(
        {
            "id": _ID,
            "aliases": _list(_ID),
            "topic": _TEXT_OR_NONE,
            "state": {"enum": ["open", "resolved"]},
            "channels": _list(_TEXT),
            "opened_at": _TIME,
            "last_at": _TIME,
            "waiting_since": _TIME_OR_NONE,
            "summary": _TEXT_OR_NONE,
            "messages": _list(_FREE),
            "agent": _or_none(_NAMED),
            "queue": _or_none(_NAMED),
            "disposition": _TEXT_OR_NONE,
            "notes": _list(_FREE),
            "bot": _or_none(_FREE),
            "handoff": _or_none(_ref("Handover")),
            "tokens": _list(_ref("IssuedToken")),
            "references": _list(_FREE),
            "verified": _list(_ref("Proof")),
            "joined": _list(
                _object(
                    {"interaction": _TEXT, "rule": _TEXT, "evidence": _TEXT_OR_NONE, "confidence": _SHARE},
                )
            ),
        }
    ),
    "ContextBody": {
        **_object(
            {
                "customer": _object(
                    {
                        "id": _ID,
                        "aliases": _list(_ID),
                        "display": _TEXT_OR_NONE,
                        "identifiers": _list(_FREE),
                        "assurance": _ref("Assurance"),
                        "attributes": _FREE,
                        "consent": _list(_FREE),
                        "preferences": _FREE,
                    }
                ),
                "now": _or_none(_FREE),
                "conversations": _list(_ref("Conversation")),
                "timeline": _list(_ref("TimelineEntry")),
                "counts": _FREE,
                "sentiment": _or_none(_FREE),
                "last_agent": _or_none(_FREE),
                "unresolved": _list(_FREE),
            }
        ),
        "description": "Equal facts give an equal body, byte for byte.",
    },
    "Context": _object({"meta": _ref("Meta"), "body": _ref("ContextBody")}),
    "TimelinePage": _object(
        {"meta": _ref("Meta"), "customer": _ID, "items": _list(_ref("TimelineEntry")), "next": _NEXT}
    ),
    "ConversationPage": _object(
        {"meta": _ref("Meta"), "customer": _ID, "items": _list(_ref("Conversation")), "next": _NEXT}
    ),
    "Thread": _object(
        {
            "meta": _ref("Meta"),
            "customer": _ID,
            "conversation": _ref("Conversation"),
            "items": _list(_ref("ThreadEntry")),
            "next": _NEXT,
        }
    ),
    "Profile": _object({"profile": _ID, "kind": _TEXT, "value": _TEXT}, {"scope": _TEXT}),
    "Obstacle": {
        **_object(
            {"reason": {"enum": ["apart", "exclusive"]}, "name": _TEXT, "a": _ref("Profile"), "b": _ref("Profile")}
        ),
        "description": "What stands against a merge; `name` is what `despite` takes.",
    },
    "Evidence": _object({"event": _ref("EventName"), "recorded": _TIME}),
    "Candidate": {
        **_object({**_DOUBT, "customers": _list(_object({"id": _ID, **_LIKELY}))}),
        "description": "A shared identifier and whose it may be: tied by proof first, then who used it last.",
    },
    "CandidatePage": _object({"items": _list(_ref("Candidate")), "next": _NEXT}),
    "Identity": _object(
        {
            "meta": _ref("Meta"),
            "customer": _ID,
            "profiles": _list({"allOf": [_ref("Profile"), _object({"shared": {"type": "boolean"}})]}),
            "edges": _list(
                _object(
                    {
                        "a": _ref("Profile"),
                        "b": _ref("Profile"),
                        "state": {"enum": ["links", "refused", "shared", "never-links"]},
                        "confidence": _SHARE,
                        "asserted": _or_none(_ref("Evidence")),
                        "verified": _or_none(_ref("Evidence")),
                        "refused": _or_none(_object({"reason": _TEXT, "by": _TEXT})),
                    }
                )
            ),
            "decisions": _list(
                {"allOf": [_ref("Evidence"), _object({"kind": _TEXT, "standing": _STANDING, "reason": _TEXT_OR_NONE})]}
            ),
            "attributions": _list(
                {"allOf": [_ref("Evidence"), _object({"interaction": _TEXT_OR_NONE, "standing": _STANDING})]}
            ),
            "candidates": _list(_ref("Candidate")),
            "totals": {"type": "object", "additionalProperties": _WHOLE},
            "rules": _FREE,
        }
    ),
    "Source": {
        **_object({"event": _ref("EventName"), "type": _TEXT, "time": _TIME}, {"why": _TEXT}),
        "description": "An event. `why`: for what it stands, where it did not give the value itself.",
    },
    "Lineage": {
        **_object(
            {
                "meta": _ref("Meta"),
                "customer": _ID,
                "path": _TEXT,
                "value": {},
                "rule": _TEXT,
                "sources": _list(_ref("Source")),
                "next": _NEXT,
            }
        ),
        "description": "`sources`, newest first: the events without which the value would be another, who is who held "
        "fixed; where none is needed, those of which each would do alone.",
    },
    "Diff": {
        **_object(
            {
                "from": {"allOf": [_ref("Meta"), _object({"customer": _ID})]},
                "to": {"allOf": [_ref("Meta"), _object({"customer": _ID})]},
                "changes": _list(_object({"path": _TEXT, "events": _list(_ref("Source"))}, {"from": {}, "to": {}})),
                "events": _list(_ref("Source")),
                "cut": {"type": "boolean"},
            }
        ),
        "description": "`changes`: values that differ, items of lists by what they are; `from` or `to` is left out "
        "where there was or is nothing. `cut`: more events lie between than are tried and told.",
    },
    "Taken": {
        **_object(
            {"event": _ref("EventName"), "events": _list(_ref("EventName"))}, {"customer": _ID, "conversation": _ID}
        ),
        "description": "The decision is durable. Read with `at_least` of `event` to see what it does.",
        "examples": [
            {
                "event": {"source": "//throughline/acme/decisions", "id": "note-1"},
                "events": [{"source": "//throughline/acme/decisions", "id": "note-1"}],
            }
        ],
    },
    "Vcon": {
        **_object({"uuid": _TEXT}, {name: _list(_FREE) for name in ("parties", "dialog", "analysis", "attachments")}),
        "description": "The unsigned form of draft-ietf-vcon-vcon-core. One that was imported, and to which nothing "
        "was added, has the syntax that it came in.",
    },
    "Tried": {
        **_object(
            {
                "rules": _object({"before": _FREE, "after": _FREE}),
                "counts": {"type": "object", "additionalProperties": _WHOLE},
                "joined": _list(_change("into", "from")),
                "parted": _list(_change("from", "into")),
                "candidates": _object({"appear": _list(_FREE), "vanish": _list(_FREE)}),
            }
        ),
        "description": "Customers that would join or part under other rules: counts, and the largest as examples. "
        "Needs `context:read`, too.",
    },
    "Outcome": _object(
        {
            "dry_run": {"const": True},
            "contexts": _list(_object({"customer": _ID, "body": _ref("ContextBody")})),
        }
    ),
}

_PARAMETERS: Mapping[str, Json] = {
    "id": {
        "in": "path",
        "required": True,
        "schema": _TEXT,
        "description": "A UUID; anything else is unknown (404).",
        "example": "1eed28c6-4f7f-8871-abb9-c2d9cb565c72",
    },
    "identifier": {
        "in": "query",
        "schema": _TEXT,
        "description": "`KIND:VALUE`, in any form that the channels take. `+` is read as `+`.",
        "example": "email:ana@example.com",
    },
    "interaction": {"in": "query", "schema": _TEXT, "description": "The interaction's own id.", "example": "chat-42"},
    "scope": {"in": "query", "schema": _TEXT, "description": "The identifier's scope, where it has one."},
    "at_least": {
        "in": "query",
        "schema": {"type": "array", "items": _TEXT, "maxItems": MAX_AT_LEAST},
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
        "schema": _TIME,
        "description": "As it was: of what had happened by then, ids read as of then. A moment to come is refused.",
        "example": "2026-11-22T10:00:00Z",
    },
    "known_at": {
        "in": "query",
        "schema": _TIME,
        "description": "As it was known: of what had been recorded by then. With `as_of` both bounds hold.",
        "example": "2026-11-22T10:00:00Z",
    },
    "path": {
        "in": "query",
        "required": True,
        "schema": _TEXT,
        "description": "JSON Pointer into the context's body; items of lists by id: `/conversations/{id}/topic`, "
        "`/timeline/{SOURCE#ID}/text` (`/` as `~1`, `#` as `%23`), `/customer/identifiers/{profile}/joined`.",
        "example": "/counts/events",
    },
    "from": {"in": "query", "required": True, "schema": _TIME, "example": "2026-11-22T10:00:00Z"},
    "to": {"in": "query", "required": True, "schema": _TIME, "example": "2026-11-22T11:00:00Z"},
    "by": {
        "in": "query",
        "schema": {"enum": ["as_of", "known_at"], "default": "as_of"},
        "description": "Whether `from` and `to` are read as `as_of` or as `known_at`.",
    },
    "cursor": {"in": "query", "schema": _TEXT, "description": "`next` of the page before."},
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
        "description": "Show the contexts that would be; nothing is written. The key needs `context:read` too.",
    },
    "Idempotency-Key": {
        "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "description": "Becomes the event's id, so that sending again is safe.",
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
        "schema": {"enum": ["full", "none"], "default": "full"},
        "description": "`none`: events name version and customer alone.",
    },
    "agent": {"in": "query", "schema": {"type": "string", "minLength": 1, "maxLength": MAX_NAME}, "example": "ben"},
    "queue": {"in": "query", "schema": {"type": "string", "minLength": 1, "maxLength": MAX_NAME}, "example": "billing"},
    "Last-Event-ID": {
        "in": "header",
        "schema": _TEXT,
        "description": "The last event's `id`: only what is newer is told. 400 where this kind of stream never gave "
        "it, 409 where another one of the kind did.",
    },
    "If-None-Match": {"in": "header", "schema": _TEXT, "description": "An `ETag`: 304 where nothing changed."},
}

_PROBLEMS: Mapping[int, str] = {
    304: "Nothing changed.",
    400: "The request can't be read: the query, a header, the JSON.",
    401: "The key is missing or unknown.",
    403: "The key lacks the scope.",
    404: "There is no such thing in this tenant.",
    405: "This path takes another method.",
    408: "The body came too slowly.",
    409: "Several people may be meant (`candidates`), an event is another customer's or dead-lettered, the decision "
    "was withdrawn already, something stands against the merge (`against`), or a stream can't begin there.",
    410: "The token has expired.",
    413: "The body is too large.",
    415: "The body is not JSON, or in an unknown coding.",
    422: "The request can be read and can't be done; or an idempotency key was used before for something else.",
    429: "More than the key may ask; `Retry-After` says when it may again.",
    503: "The store or the log does not answer, or the hub is full. Sending again is always safe.",
    504: "Not every event of `at_least` was applied in time (`not-yet`).",
}
_READ = (400, 401, 403, 404, 405, 429, 503)
_WRITE = (400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 503)

_AGENT = {"id": "agent-7", "name": "Ben"}
_SOME_ID = "c3ccb025-72fc-82d9-a740-18ad1ef6ff78"
_OTHER_ID = "254fd8b5-3f17-872e-beda-a81d8a2fdb0a"
_EXAMPLES: Mapping[str, Json] = {
    "lookup": {"identifier": "phone:+15550100123"},
    "notes": {"note": "Payments confirms the double charge; refund promised for today.", "agent": _AGENT},
    "topic": {"topic": "billing", "agent": _AGENT},
    "disposition": {"disposition": "refund promised", "agent": _AGENT},
    "resolve": {"reason": "refund arrived", "agent": _AGENT},
    "reopen": {"reason": "only half of the sum arrived", "agent": _AGENT},
    "link": {"other": _SOME_ID, "reason": "the call is about the same double charge", "agent": _AGENT},
    "split": {"interaction": "acme-calls/CA4711", "reason": "about another invoice", "agent": _AGENT},
    "handoffs": {
        "to": "billing",
        "queue": {"id": "billing", "name": "Billing"},
        "reason": "needs a refund",
        "by": "bot",
        "packet": {"tried": ["checked the order"], "slots": {"order": "4711"}, "open_questions": ["which card?"]},
    },
    "handoffs_accept": {"agent": _AGENT},
    "shown": {"agent": _AGENT, "version": 12},
    "issue_token": {"expires_in": 3600, "single_use": True, "agent": _AGENT},
    "continue": {"token": "4820 1937", "interaction": "acme-calls/CA4711"},
    "merge": {"a": _SOME_ID, "b": _OTHER_ID, "reason": "Ana confirmed her mail address on the phone"},
    "unmerge": {"decision": "//throughline/acme/decisions#merge-1", "reason": "merged the wrong phone"},
    "attribute": {"interaction": "acme-calls/CA4711", "profile": _OTHER_ID, "reason": "caller gave order 4711"},
    "dismiss": {"candidate": "254fd8b5-3f17-872e-beda-621097883b0a", "reason": "a shared office phone"},
    "whatif": {"rules": {"shared_after": {"phone": 2}, "never_link": ["email:noreply@*"]}, "examples": 5},
}

_ACT_SUMMARIES: Mapping[str, str] = {
    "notes": "Write a note for colleagues",
    "topic": "Say what the conversation is about",
    "disposition": "Classify how it went",
    "resolve": "Settle the matter, until the customer comes back to it",
    "reopen": "Open a settled matter again",
    "link": "Join another conversation about the same matter",
    "split": "Let an interaction be a matter of its own",
    "handoffs": "Ask somebody else to go on",
    "handoffs/accept": "Take over",
    "shown": "Say that the context is on the agent's screen",
}
_JUDGE_SUMMARIES: Mapping[str, str] = {
    "merge": "Decide that two are one customer",
    "unmerge": "Withdraw a decision without a trace, or keep two profiles apart",
    "attribute": "Say whose an interaction is that names nobody",
    "dismiss": "Decline a candidate",
}


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: str
    id: str
    summary: str
    scope: str
    answer: str
    status: int = 200
    parameters: Sequence[str] = ()
    body: type[bodies.Asked] | None = None
    problems: Sequence[int] = _READ
    events: str = ""
    further: Mapping[int, str] = field(default_factory=dict)
    media_type: str = "application/json"


_MOMENT = ("as_of", "known_at")
_CONTEXT = ("at_least", "wait", *_MOMENT)
_CONTEXT_PROBLEMS = (304, *_READ, 409, 422, 504)

_MOVED = (
    "`moved` {from, customer, version, why}: whose state follows, where that is another now: `absorbed` into it, or "
    "`parted` from it. "
)
_ALIVE = (
    "Comments in between are signs of life. States are the latest and never older than the last one; those in between "
    "may be left out. The stream ends when the server leaves: come again with `Last-Event-ID` after `retry` ms."
)
_CUSTOMER_EVENTS = f"Server-sent events. `context`: the context document. {_MOVED}{_ALIVE}"
_CONVERSATION_EVENTS = f"Server-sent events. `conversation`: {{meta, customer, conversation}}. {_MOVED}{_ALIVE}"
_DESK_EVENTS = (
    "Server-sent events. `assignment`: an interaction that is live there, or is so for another reason or customer than "
    "told before. `released` {interaction, customer}: it is so no more. `live` {assignments: [{interaction, "
    "customer}], more}: once after all that were live at the beginning; whatever else was told before is over. "
    f"{_ALIVE}"
)

_OPERATIONS: Sequence[_Operation] = (
    _Operation(
        "get", "/v1/context", "context", "The context of whom an identifier or an interaction names", "context:read",
        "Context", parameters=("identifier", "interaction", "scope", *_CONTEXT, "If-None-Match"),
        problems=_CONTEXT_PROBLEMS,
    ),
    _Operation(
        "post", "/v1/context/lookup", "lookup", "The same, with the identifier kept out of access logs",
        "context:read", "Context", parameters=_CONTEXT, body=bodies.Lookup, problems=(*_WRITE, 409, 504),
    ),
    _Operation(
        "get", "/v1/customers/{id}/context", "customer_context",
        "The context of a customer, by any id that ever was a customer's", "context:read", "Context",
        parameters=("id", *_CONTEXT, "If-None-Match"), problems=_CONTEXT_PROBLEMS,
    ),
    _Operation(
        "get", "/v1/customers/{id}/timeline", "timeline", "All that happened, newest first", "context:read",
        "TimelinePage", parameters=("id", "cursor", "limit", *_MOMENT),
    ),
    _Operation(
        "get", "/v1/customers/{id}/conversations", "conversations", "All conversations, those active last first",
        "context:read", "ConversationPage", parameters=("id", "cursor", "limit", *_MOMENT),
    ),
    _Operation(
        "get", "/v1/customers/{id}/identity", "identity",
        "Why these identifiers are one person: profiles, edges, evidence, decisions and what became of them",
        "context:read", "Identity", parameters=("id", *_MOMENT),
    ),
    _Operation(
        "get", "/v1/customers/{id}/lineage", "lineage", "The events and the rule behind one value of the context",
        "context:read", "Lineage", parameters=("id", "path", "cursor", "limit", *_MOMENT), problems=(*_READ, 422),
    ),
    _Operation(
        "get", "/v1/customers/{id}/diff", "diff", "What changed between two moments, and by which events",
        "context:read", "Diff", parameters=("id", "from", "to", "by"), problems=(*_READ, 422),
    ),
    _Operation(
        "get", "/v1/conversations/{id}", "conversation", "A conversation over all channels, newest first",
        "context:read", "Thread", parameters=("id", "cursor", "limit", *_MOMENT),
    ),
    _Operation(
        "get", "/v1/conversations/{id}/vcon", "vcon",
        "A conversation as IETF vCon, by any id of it; by the uuid of an imported vCon that one as it came",
        "context:read", "Vcon", parameters=("id", "syntax"), problems=(*_READ, 422), media_type=VCON,
    ),
    _Operation(
        "get", "/v1/customers/{id}/stream", "follow_customer",
        "The context at once, and again whenever it has changed", "context:read", "Context",
        parameters=("id", "from_version", "body", "Last-Event-ID"), problems=(*_READ, 409), events=_CUSTOMER_EVENTS,
    ),
    _Operation(
        "get", "/v1/conversations/{id}/stream", "follow_conversation",
        "A conversation at once, and again whenever it has changed", "context:read", "Thread",
        parameters=("id", "from_version", "Last-Event-ID"), problems=(*_READ, 409), events=_CONVERSATION_EVENTS,
    ),
    _Operation(
        "get", "/v1/stream", "follow_desk",
        "What an agent, or a queue, is to deal with, each with its customer's context", "context:read", "Assignment",
        parameters=("agent", "queue", "Last-Event-ID"), events=_DESK_EVENTS,
    ),
    _Operation(
        "get", "/v1/conversations/{id}/handoff", "handoff",
        "The conversation as who takes over reads it: what was said, tried, learned; what is open", "context:read",
        "HandoffPacket", parameters=("id", "cursor", "limit"),
    ),
    _Operation(
        "post", "/v1/conversations/{id}/continue", "issue_token",
        "A code, an address and a link by which the customer goes on with it elsewhere", "conversations:write",
        "TakenToken", 202, parameters=("id", "Idempotency-Key"), body=bodies.Continue, problems=_WRITE,
    ),
    _Operation(
        "post", "/v1/conversations/continue", "continue", "Go on with the conversation of a token",
        "conversations:write", "Taken", 202, parameters=("Idempotency-Key",), body=bodies.Redeem,
        problems=(*_WRITE, 409, 410),
    ),
    _Operation(
        "get", "/v1/identity/candidates", "candidates", "Shared identifiers, for a person to say whose they are",
        "context:read", "CandidatePage", parameters=("cursor", "limit"),
    ),
    *(
        _Operation(
            "post", f"/v1/conversations/{{id}}/{name}", name.replace("/", "_"), _ACT_SUMMARIES[name],
            "conversations:write", "Taken", 202,
            parameters=("id", "Idempotency-Key"), body=act.shape,
            problems=(*_WRITE, 409) if name == "handoffs/accept" else _WRITE,
        )
        for name, act in ACTS.items()
    ),
    *(
        _Operation(
            "post", f"/v1/identity/{name}", name, _JUDGE_SUMMARIES[name], "identity:write", "Taken", 202,
            parameters=("dry_run", "Idempotency-Key"), body=judged.shape, problems=(*_WRITE, 409),
            further={200: "Outcome"},
        )
        for name, judged in JUDGED.items()
    ),
    _Operation(
        "post", "/v1/identity/whatif", "whatif", "Try other rules out: who would join or part; nothing is written",
        "identity:write", "Tried", body=bodies.WhatIf, problems=_WRITE,
    ),
)  # fmt: skip


def paths() -> Json:
    """The ``paths`` of the document."""
    found: dict[str, Json] = {}
    for operation in _OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = _described(operation)
    return found


def _described(operation: _Operation) -> Json:
    answers = {operation.status: operation.answer, **operation.further}
    responses: Json = {
        str(status): {
            "description": operation.events or ("Durable." if status == 202 else "As asked for."),
            "content": _stream(name) if operation.events else {operation.media_type: {"schema": _ref(name)}},
        }
        for status, name in sorted(answers.items())
    }
    if operation.answer == "Context" and not operation.events and operation.method == "get":
        responses["200"]["headers"] = {"ETag": {"schema": _TEXT, "description": '`"CUSTOMER-VERSION"`'}}
    for status in sorted(operation.problems):
        content = {} if status == 304 else {"content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}
        responses[str(status)] = {"description": _PROBLEMS[status], **content}
    described: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"Needs a key with the scope `{operation.scope}`.",
        "tags": ["context"],
        "security": [{"key": []}],
        "parameters": [{"name": name, **_PARAMETERS[name]} for name in operation.parameters],
        "responses": responses,
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {"schema": _ref(operation.body.__name__), "example": _EXAMPLES[operation.id]}
            },
        }
    return described


def _stream(data: str) -> Json:
    """OpenAPI 3.1 has no words for the events of a stream: ``data`` of the commonest is named beside."""
    return {"text/event-stream": {"schema": {**_TEXT, "contentMediaType": "application/json", "x-data": _ref(data)}}}


def components() -> Json:
    """The ``components`` of the document."""
    shapes = [operation.body for operation in _OPERATIONS if operation.body is not None]
    _, read = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    return {
        "schemas": {**read, **_SCHEMAS},
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": "A key of the tenant, with its scopes."}
        },
    }


def document() -> Json:
    """The whole document of this service alone."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Throughline: contexts",
            "version": "1",
            "summary": "Contexts, histories and threads of customers; what people decide about them.",
        },
        "paths": paths(),
        "components": components(),
    }
