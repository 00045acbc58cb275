"""Make plain routes and JSON answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cx_context_api.requests import bodies
from cx_context_api.requests.acting_agents import agent_of_session, check_agent
from cx_context_api.requests.queries import EventName, Query
from cx_events.directory import Directory
from cx_runtime.http import read_body
from cx_runtime.sessions.session_auth import signed_in_agent


class _Endpoint:
    """A handler as an ASGI app, without the framework's wrapper.

    The wrapper would catch errors once more; without it they reach the error handlers of the whole app.
    """

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


def route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return a plain route."""
    return Route(path, _Endpoint(answer), methods=[method])


def read_query(request: Request, *allowed: str) -> Query:
    """Read the query; only ``at_least`` may be repeated. Raises ``Refused`` (400)."""
    return Query(request.scope["query_string"], allowed, ("at_least",))


async def read_request_body(
    request: Request, shape: type[bodies.BodyT], defaults: Mapping[str, Any] = MappingProxyType({})
) -> bodies.BodyT:
    """Read the body as a value of a shape. ``defaults``: members that it may leave out. Raises ``Refused``."""
    raw = await read_body(request.headers, request.receive, bodies.LIMITS)
    return bodies.read(raw, request.headers.get("content-type", ""), shape, defaults)


async def read_act(request: Request, shape: type[bodies.BodyT], directory: Directory) -> bodies.BodyT:
    """Read the body of an act, whose ``shape`` has an ``agent``.

    In a session that has an agent it is that one, and may be left out. Raises ``Refused`` as ``read_request_body``
    does, and ``other-agent`` (403) where the body names somebody else.
    """
    signed_in = signed_in_agent(request)
    if not signed_in:
        return await read_request_body(request, shape)
    body = await read_request_body(request, shape, agent_of_session(signed_in, directory))
    check_agent(getattr(body, "agent", None), signed_in, directory)
    return body


class JsonBytesResponse(Response):
    """A JSON answer with headers in bytes: encoding them from text would cost a tenth of a cached context's answer."""

    def __init__(self, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        length = (b"content-length", b"%d" % len(body))
        self.raw_headers = [length, (b"content-type", b"application/json"), *headers]


def json_response(value: Mapping[str, Any]) -> Response:
    """Return a JSON answer."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def accepted(names: list[EventName], **more: Any) -> Response:
    """Return 202 with the names of a decision's events, which are durable.

    ``event`` is the last one, which is applied last: who reads with ``at_least`` of it sees them all.
    """
    events = [{"source": name.source, "id": name.id} for name in names]
    return Response(
        msgspec.json.encode({"event": events[-1], "events": events, **more}), 202, media_type="application/json"
    )


def etag_matches(given: str, tag: str) -> bool:
    """Return whether ``If-None-Match`` names a tag, by weak comparison (RFC 9110, section 13.1.2)."""
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return tag in tags or "*" in tags
