"""A bare Starlette app behind uvicorn, with the settings that the hub's server has."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tests.bench.children import Go

Header = tuple[bytes, bytes]


async def serve(routes: Sequence[Route], over: asyncio.Event, go: Go) -> None:
    """Serve until the event is set; the port is told with being ready."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        Starlette(routes=routes),
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    await go(port=listener.getsockname()[1])
    await over.wait()
    server.should_exit = True
    await serving
    listener.close()


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The run ends it."""


async def body_of(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        chunks = [body]
        while message.get("more_body", False):
            message = await receive()
            chunks.append(message.get("body", b""))
        body = b"".join(chunks)
    return body


async def answer(send: Send, status: int, body: bytes, headers: list[Header]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Endpoint(ABC):
    """An ASGI app, which Starlette calls without wrapping it as it does a function: the least that a route costs."""

    @abstractmethod
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...
