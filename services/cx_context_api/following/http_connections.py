"""Give streams the connection of a request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cx_context_api.following.streams import Message
from cx_runtime.serve import TRANSPORT


class HttpConnection:
    """A request's connection, as ``streams`` uses it."""

    def __init__(self, request: Request, receive: Receive, send: Send) -> None:
        self.head_only = request.method == "HEAD"
        self._transport: asyncio.Transport | None = request.scope.get("state", {}).get(TRANSPORT)
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        return await self._receive()

    async def send(self, message: Message) -> None:
        await self._send(message)

    def hold_little(self) -> None:
        found = self._transport.get_extra_info("socket") if self._transport is not None else None
        if found is not None and found.fileno() >= 0:  # else it is closed already
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


SEND_BUFFER = 64 << 10
"""Bytes; Linux takes twice as many. Left to itself it takes 4 MiB of what a slow reader does not take."""


class _Endpoint:
    """A handler as an app of its own. What it refuses before its answer has begun, the whole app's handlers tell."""

    def __init__(self, answer: Callable[[Request, HttpConnection], Awaitable[None]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        await self._answer(request, HttpConnection(request, receive, send))


def stream_route(path: str, answer: Callable[[Request, HttpConnection], Awaitable[None]]) -> Route:
    return Route(path, _Endpoint(answer), methods=["GET"])
