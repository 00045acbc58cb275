"""Serve the HTTP routes of the web chat: its script, its socket, and files."""

from __future__ import annotations

import asyncio
from hashlib import sha256

from fastapi import APIRouter, WebSocket
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from cx_channels.chat.webchat.script import compressed_script
from cx_channels.chat.webchat.script import script as chat_script
from cx_channels.chat.webchat.server.chat_sessions import Chats
from cx_channels.chat.webchat.server.deliveries import LogDeliveries
from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.chat.webchat.server.openapi import SCRIPT_PATH, description
from cx_channels.chat.webchat.server.typing import TypingBoard
from cx_channels.chat.webchat.server.upload_routes import Uploads, add_upload_routes
from cx_channels.provider_server import ServerPorts
from cx_runtime.content_codings import takes_gzip
from cx_runtime.fast_routes import FastRouteApp

SOCKET_PATH = "/v1/chat/{connection}"


class ChatServer:
    """Serves all web chats of this process. ``chats``: the open sockets."""

    worker = "chat-deliveries"

    def __init__(self, ports: ServerPorts, limits: ChatLimits) -> None:
        self._deliveries = LogDeliveries(ports.log, ports.progress(self.worker))
        self._typing = TypingBoard(ports.store)
        self.chats = Chats(ports.intake, self._deliveries, self._typing, ports.metrics, limits, ports.tenant_share)
        self._uploads = Uploads(ports.intake, self.chats, ports.metrics, ports.limits.body, limits)

    async def run(self) -> None:
        """Follow the log for what agents and bots write, and exchange who types."""
        tasks = [asyncio.create_task(self._deliveries.run()), asyncio.create_task(self._typing.run())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()  # what ended one of them is the server's fault, which is told and begun again
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.wait(tasks)

    async def stop(self, seconds: float) -> None:
        """Tell every chat to come back later, and wait up to ``seconds`` until all are gone."""
        await self.chats.stop(seconds)

    def add_routes(self, app: FastRouteApp) -> None:
        """Add the script, the socket and the upload."""
        routes = APIRouter()

        async def chat(websocket: WebSocket) -> None:
            await self.chats.serve(websocket, websocket.path_params["connection"])

        _add_script(routes)
        routes.add_api_websocket_route(SOCKET_PATH, chat)
        add_upload_routes(routes, self._uploads)
        app.include_router(routes)
        app.describe(description())
        app.fast_socket(SOCKET_PATH, chat)


def open_server(ports: ServerPorts, limits: ChatLimits = ChatLimits()) -> ChatServer:
    """Return the server; nothing runs yet."""
    return ChatServer(ports, limits)


def _add_script(routes: APIRouter) -> None:
    script = chat_script()
    script_tag = f'W/"{sha256(script).hexdigest()[:32]}"'  # weak: the same in both encodings

    async def widget(request: HttpRequest) -> Response:
        headers = {
            "etag": script_tag,
            "cache-control": "public, max-age=300",
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "cross-origin",
            "vary": "accept-encoding",
        }
        if request.headers.get("if-none-match") == script_tag:
            return Response(status_code=304, headers=headers)
        if takes_gzip(request.headers.get("accept-encoding", "")):
            headers["content-encoding"] = "gzip"
            return Response(compressed_script(), headers=headers, media_type="text/javascript")
        return Response(script, headers=headers, media_type="text/javascript")

    routes.add_route(SCRIPT_PATH, widget, methods=["GET"])
