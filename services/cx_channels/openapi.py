"""Describe the routes of the channels for OpenAPI: events, vCons and webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.provider import Provider
from cx_channels.vcon_import import GZIPPED
from cx_events.http_binding import BATCH, PLAIN, STRUCTURED
from cx_events.json_types import Json
from cx_events.schema_shapes import EVENT_NAME, ID, TEXT, WHOLE, array, named, ref
from cx_events.typos import MOST, MOST_OF_REQUEST
from cx_runtime.http import CODINGS
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import (
    BINARY,
    JSON,
    Operation,
    answer,
    parameter,
    problem_answer,
    problem_answers,
    problem_more,
)
from cx_runtime.openapi.struct_schemas import cloud_event_schemas
from cx_vcon.reading import MEDIA_TYPE as VCON
from cx_vcon.vcon_schemas import VCON_TO_IMPORT

EVENTS = "/v1/events"
SESSION_EVENTS = "/v1/session/events"
VCONS = "/v1/vcons"
HOOKS = "/v1/hooks/{connection}"
BELOW_HOOKS = f"{HOOKS}/{{path}}"

TAGS: Mapping[str, str] = {
    "events": "Events in, one event whole, and files.",
    "hooks": "What providers call. Each signs its requests in its own way; no key opens anything here.",
    "chat": "The hub's web chat: its script and its visitors' files. Its socket, `/v1/chat/{connection}`, is described "
    "beside it.",
}

_REJECTED = named("RejectedEvent", {"index": WHOLE, "reason": TEXT}, {"detail": TEXT})
_WARNING = named(
    "EventWarning",
    {
        "index": {**WHOLE, "description": "Which event of the batch, from 0."},
        "place": {**TEXT, "description": "What is probably misspelt, as `data.mesage`."},
        "nearest": {**TEXT, "description": "The known name or word that it may stand for."},
        "detail": TEXT,
    },
)
_OUTCOME: Mapping[str, Json] = {"accepted": array(EVENT_NAME), "rejected": array(_REJECTED)}
_WARNINGS: Mapping[str, Json] = {
    "warnings": {
        **array(_WARNING),
        "maxItems": MOST_OF_REQUEST,
        "description": "What accepted events probably misspell: unknown members of `data`, attributes, types and kinds "
        "of identifiers and references that are near a known one. They were kept as they are. Absent where there is "
        f"none; {MOST} of an event at most.",
    }
}
_TAKEN = named("EventsTaken", _OUTCOME, _WARNINGS)
_TRIED = named("EventsTried", {**_OUTCOME, "events": array(ref("CloudEvent"))}, _WARNINGS)
_NOTHING_TAKEN = problem_more(
    "NothingAccepted", _OUTCOME, "RFC 9457: no event was acceptable; `rejected` or `detail` says why."
)
_VCON_TAKEN = named(
    "VconTaken",
    {**_OUTCOME, "uuid": TEXT, "conversation": ID, "interaction": TEXT},
    {
        "verified": {"type": ["boolean", "null"], "description": "false: the signature was not checked, as asked for."},
        "warnings": {**array(TEXT), "description": "What was kept as it came though it can't be right."},
    },
)

_ABOUT_EVENTS = (
    f"A CloudEvent 1.0 as `{STRUCTURED}`, a batch of them as `{BATCH}`, either as `{PLAIN}`; or, in binary mode, the "
    "data alone in its own `Content-Type`, or without one where it is JSON, with the attributes as `ce-` headers. The "
    f"charset of JSON is UTF-8. The body may be coded as {' or '.join(f'`{coding}`' for coding in CODINGS)} "
    "(`Content-Encoding`), once. Another media type or charset is answered 415 `unsupported-media-type`, another "
    "coding 415 `unsupported-encoding`, a body that isn't what these headers say 400. (Clients that are generated "
    "choose by the content type where there are several, and can't where one of them is an array: one is described "
    "here.)"
)
_TEXTS: Mapping[int, str] = {
    403: "The key lacks the scope; or an event of a session names another agent than who signed in (`other-agent`).",
    415: "No event comes in this content type or coding.",
    429: "More than the key may send; `Retry-After` says when it may again. A batch costs its events.",
    503: "The hub is full and took nothing, or the outcome is unknown; sending again is safe.",
}
_UNTAKEN = (400, 401, 403, 405, 408, 413, 415, 429, 503)


def description(providers: Iterable[Provider]) -> Description:
    """Return what the channels add to the document of a process."""
    schemes = _signatures(providers)
    return Description(
        {
            (EVENTS, "post"): _events("send_events"),
            (VCONS, "post"): _vcons(),
            (HOOKS, "get"): _hook(
                "check_webhook", "A provider's check of its webhook, or an event in a query", schemes
            ),
            (HOOKS, "post"): _hook("receive_webhook", "A provider's webhook", schemes),
            (HOOKS, "put"): _hook("put_webhook", "A provider's webhook, of one that sends PUT", schemes),
            (BELOW_HOOKS, "get"): _hook(
                "check_webhook_below", "A question of a provider with paths of its own", schemes
            ),
            (BELOW_HOOKS, "post"): _hook("receive_webhook_below", "As above, with a body", schemes),
            (BELOW_HOOKS, "put"): _hook(
                "put_webhook_below", "A transaction of a provider with paths of its own", schemes
            ),
        },
        cloud_event_schemas(),
        schemes,
        TAGS,
    )


def session_description() -> Description:
    """Return what sending events in a session adds to the document of a process."""
    operation = _events("send_events_in_session", "Send events in a session, as `/v1/events` takes them with a key")
    return Description({(SESSION_EVENTS, "post"): operation}, cloud_event_schemas(), tags={"events": TAGS["events"]})


def _events(id: str, summary: str = "Send events") -> Operation:
    return Operation(
        id,
        "events",
        summary,
        {
            "200": answer(
                "Of a dry run: what would be accepted, and in `events` each as it would be stored.", {JSON: _TRIED}
            ),
            "202": answer(
                "All that could be accepted is durable; an empty batch is accepted as it is.", {JSON: _TAKEN}
            ),
            "422": problem_answer(422, "No event was acceptable; `rejected` says why.", _NOTHING_TAKEN),
            **problem_answers(_UNTAKEN, _TEXTS),
        },
        ["events:write"],
        parameters=[
            parameter(
                "dry_run",
                "Check the events as ever, answer 200 with what would be stored, and store nothing.",
                type="boolean",
                default=False,
            )
        ],
        body={JSON: {"anyOf": [ref("CloudEvent"), array(ref("CloudEvent"))]}},
        about_body=_ABOUT_EVENTS,
        about="Some types need another one beside it (docs/events.md), so does an identifier that is said to be proved "
        "(`identity:prove`) or asserted (`identity:assert`): without it that event is rejected with `missing-scope`, "
        "and the others are taken.",
    )


def _vcons() -> Operation:
    return Operation(
        "import_vcon",
        "events",
        "Import a vCon",
        {
            "202": answer("All its events are durable. The same vCon again is the same events.", {JSON: _VCON_TAKEN}),
            **problem_answers((*_UNTAKEN, 422), {**_TEXTS, 415: "No vCon comes in this content type or coding."}),
        },
        ["events:write"],
        parameters=[
            parameter(
                "unverified",
                "Of a signed vCon take the payload without checking the signature; else it is refused.",
                type="boolean",
                default=False,
            )
        ],
        body={JSON: VCON_TO_IMPORT, f"{VCON}+json": VCON_TO_IMPORT, VCON: VCON_TO_IMPORT, GZIPPED: BINARY},
        about="For a vCon with a subject also `conversations:write`, since that says what the conversation is about.",
    )


def _hook(id: str, summary: str, schemes: Mapping[str, Json]) -> Operation:
    below = id.endswith("_below")
    return Operation(
        id,
        "hooks",
        summary,
        {
            "200": answer("What this provider expects: a text, XML, or nothing.", {"*/*": BINARY}),
            "204": answer("As 200, of a provider that expects no content."),
            **problem_answers(
                (400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 503),
                {
                    401: "The signature is missing, wrong or too old.",
                    403: "The request proves too little for what it asks.",
                    404: "There is no such connection or path, or its provider sends no webhooks.",
                    405: "This provider sends its requests by another method.",
                },
            ),
        },
        security=[{name: []} for name in schemes],
        parameters=[
            parameter("connection", "A connection of a tenant, as configured.", place="path"),
            *([parameter("path", "The provider's own, of one step or more.", place="path")] if below else []),
        ],
        body={} if id.startswith("check_") else {"*/*": BINARY},
        about_body="The provider's own request. What each sends is told in docs/providers.md.",
        about="What can't be mapped is answered as the provider expects, and kept whole in the dead letters.",
    )


def _signatures(providers: Iterable[Provider]) -> dict[str, Json]:
    """Return a security scheme for each vendor whose webhooks carry a proof."""
    found: dict[str, Json] = {}
    for each in providers:
        if each.transport != "webhook" or each.signature is None:
            continue
        vendor = each.name.partition("/")[2]
        for header in each.signature.headers:
            about = f"As {vendor} proves who it is; see docs/providers.md."
            if header == "authorization":
                found[f"{vendor}-password"] = {"type": "http", "scheme": "basic", "description": about}
            else:
                found[f"{vendor}-{header}"] = {"type": "apiKey", "in": "header", "name": header, "description": about}
    return found
