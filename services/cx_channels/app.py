"""The channels' HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from cx_channels.chat_sessions import Chats
from cx_channels.deliveries import Deliveries
from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.routes import add_routes
from cx_runtime.fast_routes import StraightApp
from cx_runtime.health import Health
from cx_runtime.http import metrics_route, operations
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants


def create_app(
    intake: Intake,
    tenants: Tenants,
    deliveries: Deliveries,
    metrics: Metrics,
    health: Health,
    *,
    limits: Limits = Limits(),
    public_url: str = "",
) -> FastAPI:
    """The app, its chats in ``app.state.chats``. Whoever makes the parts starts and stops them. ``public_url``: see
    ``routes.add_routes``.

    Serve it by ``cx_runtime.serve.server_config``, which adds the deadlines that the server lacks.
    """
    app = StraightApp(metrics, title="Throughline: channels", version="1", docs_url=None, redoc_url=None)
    chats = app.state.chats = Chats(intake, deliveries, metrics, limits.chat)
    add_routes(app, intake, tenants, metrics, chats, limits=limits, public_url=public_url)
    app.router.routes.extend([*operations(health), metrics_route(metrics, None)])
    return app
