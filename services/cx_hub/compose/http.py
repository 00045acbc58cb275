"""Start the HTTP server of this process, and end it in good order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog

from cx_events.errors import Fatal
from cx_hub.app import AddRoutes, compose_app
from cx_hub.compose.hub import Hub, Service
from cx_hub.listening_sockets import listening, measures_key
from cx_hub.pages.front_page import Process, environment_of, links_of
from cx_runtime.authentication import bearer_token_in
from cx_runtime.cors import CrossOrigin
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.serve import Server, server_config
from cx_runtime.sessions.session_auth import SessionAuth

ORDER: Sequence[Service] = ("channels", "pollers", "projectors", "api", "ops", "desktop")
"""The services in the order in which an event passes them."""

CHAT_SECONDS = 3.0
"""The longest time in which a chat's last message is durable and acknowledged, or put off."""


@asynccontextmanager
async def http_server(hub: Hub, services: Sequence[AddRoutes], sessions: SessionAuth | None) -> AsyncIterator[None]:
    """Serve ``services``. ``sessions``: what exchanges cookies for keys; None where nobody reads cookies."""
    settings = hub.settings
    routes = _app(hub, services)
    app = sessions.wrap(routes) if sessions is not None else routes
    with listening(settings.host, settings.port) as listener:
        hub.port = listener.getsockname()[1]
        server = Server(
            server_config(
                app,
                settings.host,
                hub.port,
                load=hub.load,
                outer=CrossOrigin(hub.tenants).wrap,
                drain_seconds=settings.drain_seconds,
                log_level="warning",
                lifespan="off",
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        serving.add_done_callback(lambda _: _not_served(hub))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.01)
        structlog.get_logger("cx_hub").info("listening", http=hub.url, smtp_port=hub.smtp_port or None)
        try:
            yield
        finally:
            hub.ending = True
            hub.health.leave("it is stopping")
            hub.load.leaving = True
            await asyncio.sleep(settings.linger_seconds)
            leaving = [asyncio.create_task(leave(settings.drain_seconds)) for leave in hub.leaving]
            if leaving:  # chats are to be told to come back before their sockets are closed
                await asyncio.wait(leaving, timeout=min(CHAT_SECONDS, settings.drain_seconds))
            server.should_exit = True
            for error in await asyncio.gather(serving, *leaving, return_exceptions=True):
                if error is not None:  # the other parts are stopped all the same
                    structlog.get_logger("cx_hub").warning("not everybody left in order", why=repr(error))


def _app(hub: Hub, services: Sequence[AddRoutes]) -> FastRouteApp:
    key = measures_key(hub.settings, hub.tenants)
    names = sorted(hub.services, key=ORDER.index)
    links = links_of(names, with_metrics=key is not None)
    return compose_app(
        services,
        hub.health,
        hub.metrics,
        key,
        process=Process(tuple(names), environment_of(hub.settings), links),
        tracing=hub.tracing,
        is_trusted=partial(_has_a_key, hub),
    )


def _has_a_key(hub: Hub, authorization: str) -> bool:
    """Return whether a request presents a tenant's key: such a client's trace is continued."""
    return hub.tenants.authenticate(bearer_token_in(authorization)) is not None


def _not_served(hub: Hub) -> None:
    """Nobody could ask this process any more how it is, so it ends and says why."""
    if not hub.ending:
        hub.supervisor.give_up("http", Fatal("the HTTP server has ended, though nobody stopped it"))
