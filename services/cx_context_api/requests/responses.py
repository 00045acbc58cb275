"""What the handlers of this service have in common: a plain route, a body by its shape, answers in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cx_context_api.requests import bodies
from cx_context_api.requests.queries import EventName, Query
from cx_runtime.http import read_body


class _Endpoint:
    """A handler as an app of its own: the framework's wrapping of functions, which catches errors once more, is spared.
    They reach the handlers that the whole app has."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


def route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, _Endpoint(answer), methods=[method])


def read_query(request: Request, *allowed: str) -> Query:
    return Query(request.scope["query_string"], allowed, ("at_least",))


async def read_request_body(request: Request, shape: type[bodies.BodyT]) -> bodies.BodyT:
    raw = await read_body(request.headers, request.receive, bodies.LIMITS)
    return bodies.read(raw, request.headers.get("content-type", ""), shape)


class JsonBytesResponse(Response):
    """A body of JSON with headers in bytes: to make them of text takes a tenth of what an unchanged context does."""

    def __init__(self, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        length = (b"content-length", b"%d" % len(body))
        self.raw_headers = [length, (b"content-type", b"application/json"), *headers]


def json_response(value: Mapping[str, Any]) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def taken(names: list[EventName], **more: Any) -> Response:
    """Durable, and visible to whoever reads with ``at_least`` of ``event``: the last one is applied last."""
    told = [{"source": name.source, "id": name.id} for name in names]
    return Response(
        msgspec.json.encode({"event": told[-1], "events": told, **more}), 202, media_type="application/json"
    )


def matches(given: str, tag: str) -> bool:
    """Return whether ``If-None-Match`` names a tag, by weak comparison (RFC 9110, section 13.1.2)."""
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return tag in tags or "*" in tags
