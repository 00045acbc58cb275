"""Build the channels' HTTP app."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI

from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.provider_server import ProviderServer
from cx_channels.routes import add_routes
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.http import metrics_route, operations
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants


def create_app(
    intake: Intake,
    tenants: Tenants,
    servers: Iterable[ProviderServer],
    metrics: Metrics,
    health: Health,
    *,
    limits: Limits = Limits(),
    public_url: str = "",
) -> FastAPI:
    """Return the app. Whoever makes the parts starts and stops them.

    ``servers``: what providers serve beside webhooks. ``public_url``: see ``routes.add_routes``.

    Serve it by ``cx_runtime.serve.server_config``, which adds the deadlines that the server lacks.
    """
    app = FastRouteApp(metrics, docs_url=None, redoc_url=None)
    add_routes(app, intake, tenants, metrics, limits=limits, public_url=public_url)
    for server in servers:
        server.add_routes(app)
    app.router.routes.extend([*operations(health), metrics_route(metrics, None, health)])
    return app
