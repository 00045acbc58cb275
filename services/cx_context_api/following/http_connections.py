"""Give streams the connection of their HTTP request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cx_context_api.following.streams import Message
from cx_runtime.content_codings import takes_gzip
from cx_runtime.serve import TRANSPORT


class HttpConnection:
    """A request's connection; a ``streams.StreamConnection``."""

    def __init__(self, request: Request, receive: Receive, send: Send) -> None:
        self.head_only = request.method == "HEAD"
        self.takes_gzip = takes_gzip(request.headers.get("accept-encoding", ""))
        self._transport: asyncio.Transport | None = request.scope.get("state", {}).get(TRANSPORT)
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        return await self._receive()

    async def send(self, message: Message) -> None:
        await self._send(message)

    def limit_send_buffer(self) -> None:
        found = self._transport.get_extra_info("socket") if self._transport is not None else None
        if found is not None and found.fileno() >= 0:  # else it is closed
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


SEND_BUFFER = 64 << 10
"""Bytes; Linux doubles the number. By default it would buffer 4 MiB for a slow reader."""


class _Endpoint:
    """A handler as an ASGI app; the whole app's handlers answer what it refuses before the stream begins."""

    def __init__(self, answer: Callable[[Request, HttpConnection], Awaitable[None]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        await self._answer(request, HttpConnection(request, receive, send))


def stream_route(path: str, answer: Callable[[Request, HttpConnection], Awaitable[None]]) -> Route:
    """Return the route of a stream."""
    return Route(path, _Endpoint(answer), methods=["GET"])
