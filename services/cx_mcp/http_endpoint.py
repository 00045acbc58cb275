"""Serve the tools over streamable HTTP at ``/mcp``, for whoever has a key of the hub."""

from __future__ import annotations

import asyncio
from importlib import import_module

import httpx2
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cx_events.errors import TryLater
from cx_mcp.hub_api import SECONDS, Actor, HubApi
from cx_mcp.openapi import PATH
from cx_mcp.tool_caller import ToolCaller
from cx_runtime.authentication import authenticated
from cx_runtime.tenants import KeyConfig, Tenants

MAX_BODY = 256 << 10


class McpEndpoint:
    """The ASGI app of ``/mcp``. Each request stands for itself, so any process may answer it.

    ``hub``: the app with the API's routes, called in this process. The SDK is imported when somebody asks first: a hub
    without AI agents has neither its 20 MB nor its second of start.
    """

    def __init__(self, hub: ASGIApp, tenants: Tenants) -> None:
        self._hub = hub
        self._tenants = tenants
        self._wanted = asyncio.Event()
        self._ready = asyncio.Event()
        self._served: ASGIApp | None = None

    def route(self) -> Route:
        """Return its route. As each request stands for itself, there is no stream to be opened by GET."""
        return Route(PATH, self, methods=["POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises ``Refused`` (401) without a known key, ``TryLater`` where ``run`` is not at work."""
        self._known(Request(scope))
        self._wanted.set()
        try:
            async with asyncio.timeout(SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise TryLater("mcp", "the tools are not ready") from None
        assert self._served is not None
        await self._served(scope, receive, send)

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._wanted.wait()
        protocol = await asyncio.to_thread(import_module, "cx_mcp.server")
        transport = httpx2.ASGITransport(app=self._hub, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub", timeout=SECONDS) as http:
            server = protocol.make_server(lambda request: self._caller(request, http))
            async with protocol.http_sessions(server, MAX_BODY) as served:
                self._served = served
                self._ready.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    self._ready.clear()

    def _caller(self, request: Request, http: httpx2.AsyncClient) -> ToolCaller:
        tenant, key = self._known(request)
        return ToolCaller(HubApi(http, request.headers["authorization"], Actor(key.id)), tenant, key.id)

    def _known(self, request: Request) -> tuple[str, KeyConfig]:
        return authenticated(request.headers, self._tenants)
