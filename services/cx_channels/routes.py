"""The HTTP routes of the channels: events from clients, and webhooks from providers.

Handlers take the bare request and read bodies themselves: under the limit of who sends, after the key was checked, and
without a framework's parser, which would answer 500 to JSON made to break it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from cx_channels import vcon_import
from cx_channels.auth import authenticate_sender
from cx_channels.intake import CLIENT, BatchResult, Intake
from cx_channels.limits import MAX_QUERY_FIELDS, Limits
from cx_channels.provider import DEFAULT_MAX_BYTES, Connection, Provider, Request
from cx_channels.readiness import setup_problems
from cx_events.errors import NotSetUp, Refused, TooFast
from cx_events.facts import vcon_source
from cx_events.http_binding import BATCH, STRUCTURED, read
from cx_events.strict_json import Limits as JsonLimits
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.http import read_body
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem
from cx_runtime.tenants import Tenants
from cx_vcon.reading import MEDIA_TYPE

_SET_UP_SECONDS = 60
"""After so long a provider that was told so may try again: somebody has to set something."""
_PROBLEMS_DOC: dict[str, Any] = {
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
_EVENTS_DOC: dict[str, Any] = {
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
        "202": {
            "description": "All that could be accepted is durable; an empty batch is accepted as it is.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["accepted", "rejected"],
                        "properties": {
                            "accepted": {"type": "array", "items": {"type": "object", "required": ["source", "id"]}},
                            "rejected": {"type": "array", "items": {"type": "object", "required": ["index", "reason"]}},
                        },
                    }
                }
            },
        },
        **_PROBLEMS_DOC,
    },
}
_VCONS_DOC: dict[str, Any] = {
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
        **_PROBLEMS_DOC,
    },
}


def add_routes(
    app: FastRouteApp,
    intake: Intake,
    tenants: Tenants,
    metrics: Metrics,
    *,
    limits: Limits = Limits(),
    public_url: str = "",
) -> None:
    """Add the routes to an app of their own, or to one that holds others' too.

    ``public_url``: how providers reach this hub (``CX_PUBLIC_URL``), for signatures over the URL. Without it, requests
    of a provider that signs the URL are answered 503: the request's own Host and X-Forwarded-... are whatever the
    sender writes.
    """
    routes = APIRouter(tags=["channels"])
    json_limits = JsonLimits(max_bytes=limits.body.max_bytes)
    base = public_url.rstrip("/")

    async def events(request: HttpRequest) -> Response:
        try:
            who = authenticate_sender(request.headers, tenants)
            bucket = intake.rates.of_key(who.tenant, who.key)
            bucket.take()
            intake.check_capacity()
            body = await read_body(request.headers, request.receive, limits.body)
            values = read(body, request.headers.items(), json_limits)
            if len(values) > 1:
                bucket.take_more(len(values) - 1)
        except Refused as refused:
            metrics.refused(CLIENT, refused.reason)
            raise
        published = await intake.publish_client(
            who.tenant, values, importing=who.importing, scopes=who.scopes, key=who.key
        )
        return _told(published)

    async def imported(request: HttpRequest) -> Response:
        try:
            who = authenticate_sender(request.headers, tenants)
            bucket = intake.rates.of_key(who.tenant, who.key)
            bucket.take()
            intake.check_capacity()
            most = max(limits.body.max_bytes, limits.vcon_bytes)
            body = await read_body(request.headers, request.receive, limits.body._replace(max_bytes=most))
            content_type = request.headers.get("content-type", "")
            taken, found = await vcon_import.map_request(body, content_type, request.scope["query_string"], most)
            bucket.take_more(len(found) - 1)
            stamped = await intake.publish_drafts(
                who.tenant, vcon_source(who.tenant), found, scopes=who.scopes, key=who.key
            )
        except Refused as refused:
            metrics.refused(CLIENT, refused.reason)
            raise
        answer = vcon_import.describe_import(taken, stamped, tenants.ids(who.tenant))
        return Response(msgspec.json.encode(answer), 202, media_type="application/json")

    async def hooks(request: HttpRequest) -> Response:
        connection, provider = intake.connection(request.path_params["connection"])
        try:
            _check_method(provider, request)
            intake.rates.of_connection(connection.id).ask()
            _check_public_url(provider, connection, base, metrics)
            intake.check_capacity()
            # The provider's own limit where it has one, else the hub's.
            own = provider.max_bytes if provider.max_bytes != DEFAULT_MAX_BYTES else limits.body.max_bytes
            body = await read_body(request.headers, request.receive, limits.body._replace(max_bytes=own))
            received = _as_received(request, body, base, intake.now())
        except Refused as refused:
            metrics.refused(provider.name, refused.reason)
            raise
        try:
            answer = await intake.receive(received, connection)
        except TooFast as too_fast:
            metrics.refused(provider.name, too_fast.reason)
            raise
        return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)

    routes.add_route("/v1/hooks/{connection}", hooks, methods=["GET", "HEAD", "POST"])
    routes.add_api_route(
        "/v1/events", events, methods=["POST"], status_code=202, openapi_extra=_EVENTS_DOC, summary="Send events"
    )
    routes.add_api_route(
        "/v1/vcons", imported, methods=["POST"], status_code=202, openapi_extra=_VCONS_DOC, summary="Import a vCon"
    )
    app.include_router(routes)
    app.fast_route("/v1/events", events, methods={"POST"})
    app.fast_route("/v1/vcons", imported, methods={"POST"})
    app.fast_route("/v1/hooks/{connection}", hooks, methods={"GET", "HEAD", "POST"})


def _told(published: BatchResult) -> Response:
    rejected = [{"index": one.index, "reason": one.reason, "detail": one.detail} for one in published.rejected]
    if rejected and not published.accepted:
        first = published.rejected[0]
        detail = f"no event was acceptable; the first: {first.reason}: {first.detail}"
        return problem(422, "no-event-accepted", detail, more={"accepted": [], "rejected": rejected})
    accepted = [{"source": source, "id": id} for source, id in published.accepted]
    body = msgspec.json.encode({"accepted": accepted, "rejected": rejected})
    return Response(body, 202, media_type="application/json")


def _check_method(provider: Provider, request: HttpRequest) -> None:
    """Check before the body is read whether this provider sends such requests at all."""
    if provider.transport != "webhook":
        raise Refused("no-webhook", f"{provider.name} does not come in by webhooks", 404)
    if request.method not in provider.methods:
        allowed = ", ".join(sorted(provider.methods))
        detail = f"{provider.name} sends {allowed}, not {request.method}"
        raise HTTPException(405, detail, {"allow": allowed})
    if provider.content_types and request.method == "POST":
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in provider.content_types:
            allowed = ", ".join(sorted(provider.content_types))
            raise Refused("unsupported-media-type", f"{provider.name} sends {allowed}, not {given[:64]!r}", 415)


def _check_public_url(provider: Provider, connection: Connection, base: str, metrics: Metrics) -> None:
    """Raise ``NotSetUp`` where a connection can't check a signature for want of a setting."""
    if base or not provider.signs_url:
        return
    for gap in setup_problems(connection, provider, base):
        if not gap.works:
            metrics.refused(provider.name, gap.reason)
            raise NotSetUp("hub", gap.reason, gap.detail, _SET_UP_SECONDS)


def _as_received(request: HttpRequest, body: bytes, base: str, received: int) -> Request:
    path = request.scope.get("raw_path", b"").decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    try:
        fields = () if not query else tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS))
    except ValueError:
        raise Refused("bad-query", f"the query has more than {MAX_QUERY_FIELDS} fields", 400) from None
    return Request(
        body=body,
        method=request.method,
        url=f"{base}{path}{'?' if query else ''}{query}",
        query=fields,
        headers=_joined(request),
        received=received,
    )


def _joined(request: HttpRequest) -> Mapping[str, str]:
    """Return the headers, repeated ones joined by commas (RFC 9110, section 5.3)."""
    values: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        values.setdefault(name, []).append(value)
    return {name: ", ".join(each) for name, each in values.items()}
