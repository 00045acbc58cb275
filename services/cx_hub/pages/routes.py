"""Serve the pages."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_hub.pages.api_reference import api_reference
from cx_hub.pages.front_page import Process, front_page
from cx_hub.pages.html import STYLE_PATH, style
from cx_runtime.fast_routes import FastRouteApp

HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def page_routes(app: FastRouteApp, process: Process) -> list[Route]:
    """Return the routes. The reference is written when somebody asks first: it takes a moment, and never changes."""
    reference: list[bytes] = []

    async def front(request: Request) -> Response:
        if wants_json(request.headers.get("accept", "")):
            content, media_type = msgspec.json.encode(process.as_json()), "application/json"
        else:
            content, media_type = front_page(process), "text/html"
        return Response(content, headers={**HEADERS, "vary": "accept"}, media_type=media_type)

    async def docs(_request: Request) -> Response:
        if not reference:
            reference.append(api_reference(app.openapi()))
        return Response(reference[0], headers=HEADERS, media_type="text/html")

    async def css(_request: Request) -> Response:
        return Response(style(), headers=HEADERS, media_type="text/css")

    return [Route("/", front), Route("/docs", docs), Route(STYLE_PATH, css)]


def wants_json(accept: str) -> bool:
    """Return whether an ``Accept`` (RFC 9110, section 12.5.1) names JSON before HTML; its weights are not asked for."""
    named = [each.partition(";")[0].strip().lower() for each in accept.split(",")[:32]]
    order = [each for each in named if each in ("application/json", "text/html")]
    return order[:1] == ["application/json"]
