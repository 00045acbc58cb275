"""Open sockets to listen on, and run the small server of ``/metrics`` beside the hub's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from cx_events.errors import Fatal
from cx_hub.app import measures_app
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.serve import Server, server_config
from cx_runtime.settings import Settings
from cx_runtime.tenants import Tenants, metrics_key


@contextmanager
def listening(host: str, port: int, what: str = "HTTP", setting: str = "CX_PORT") -> Iterator[socket.socket]:
    """A socket that listens. ``setting``: says which port. Raises ``Fatal``, which names it, where the address can't be
    had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        where = f"CX_HOST and {setting} say where to listen, port 0 takes a free one"
        raise Fatal(f"no {what} on {host}:{port}: {error.strerror or error}; {where}") from None
    with listener:
        yield listener


def measures_key(settings: Settings, tenants: Tenants) -> str | None:
    """Return the key of ``/metrics`` on the HTTP port; None where it has a port of its own.

    Raises ``Fatal`` for a key that is a tenant's: metrics tell of all tenants.
    """
    if settings.metrics_key and tenants.authenticate(settings.metrics_key) is not None:
        raise Fatal("CX_METRICS_KEY is a tenant's key; metrics tell of all tenants and need a key of their own")
    if settings.metrics_port is not None:
        return None
    return settings.metrics_key or _kept_key(settings)


def _kept_key(settings: Settings) -> str:
    """The key in the home folder; "", which opens nothing, where it can't be kept."""
    try:
        return metrics_key(settings.home)
    except OSError as error:
        structlog.get_logger("cx_hub").warning(
            "/metrics stays closed: set CX_METRICS_PORT or CX_METRICS_KEY", why=error.strerror
        )
        return ""


@asynccontextmanager
async def measures_served(settings: Settings, metrics: Metrics, health: Health) -> AsyncIterator[int]:
    """Serve ``/metrics`` on a port of its own, if one is configured, until the block ends. The port; 0 if none is.

    It is there first and goes last, so that a start and a stop can be watched.
    """
    if settings.metrics_port is None:
        yield 0
        return
    app = measures_app(metrics, health, settings.metrics_key or None)
    with listening(settings.host, settings.metrics_port, "metrics", "CX_METRICS_PORT") as listener:
        port = int(listener.getsockname()[1])
        config = server_config(app, settings.host, port, drain_seconds=1.0, log_level="warning", lifespan="off")
        server = Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name="metrics")
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.01)
        try:
            yield port
        finally:
            server.should_exit = True
            await task
