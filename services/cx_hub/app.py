"""The HTTP app that the hub serves: those of its services side by side, with one set of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.routing import Route

from cx_runtime.health import Health
from cx_runtime.http import operations
from cx_runtime.metrics import Metrics
from cx_runtime.straight import StraightApp

AddRoutes = Callable[[StraightApp], object]


def compose_app(services: Iterable[AddRoutes], health: Health, metrics: Metrics, measures: Route | None) -> StraightApp:
    """One app with the routes of some services, ``/healthz`` and ``/readyz``, and ``measures``, where ``/metrics`` has
    no port of its own."""
    app = StraightApp(metrics, title="Throughline", version="1", docs_url=None, redoc_url=None)
    for add_routes in services:
        add_routes(app)
    app.router.routes.extend(operations(health))
    if measures is not None:
        app.router.routes.append(measures)
    return app
