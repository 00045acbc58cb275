"""Build the HTTP app that the hub serves: those of its services side by side, with one set of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from starlette.applications import Starlette
from starlette.routing import Route

from cx_hub.pages.front_page import Process
from cx_hub.pages.routes import page_routes
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.http import install_problems, metrics_route, operations
from cx_runtime.metrics import Metrics
from cx_runtime.openapi.process_routes import process_description
from cx_runtime.tracing import OFF, Tracing

AddRoutes = Callable[[FastRouteApp], object]


def compose_app(
    services: Iterable[AddRoutes],
    health: Health,
    metrics: Metrics,
    metrics_key: str | None,
    *,
    process: Process = Process(),
    tracing: Tracing = OFF,
    is_trusted: Callable[[str], bool] = lambda _: False,
) -> FastRouteApp:
    """One app with the routes of some services, the pages, ``/healthz``, ``/readyz``, and ``/metrics`` behind a key;
    without ``/metrics`` where ``metrics_key`` is None, since it has a port of its own. ``process``: what the front page
    says."""
    app = FastRouteApp(
        metrics,
        tracing=tracing,
        is_trusted=is_trusted,
        docs_url=None,
        redoc_url=None,
    )
    for add_routes in services:
        add_routes(app)
    app.router.routes.extend([*operations(health), *page_routes(app, process)])
    app.describe(process_description(with_metrics=metrics_key is not None, with_key=True))
    if metrics_key is not None:
        app.router.routes.append(metrics_route(metrics, metrics_key, health))
    for path in _paths(app.routes):
        metrics.begin_route(path)
    return app


def _paths(routes: Iterable[object]) -> Iterator[str]:
    """Yield the paths of routes, those of included routers among them."""
    for each in routes:
        if isinstance(each, Route):
            yield each.path
        elif (router := getattr(each, "original_router", None)) is not None:
            yield from _paths(router.routes)


def measures_app(metrics: Metrics, health: Health, key: str | None) -> Starlette:
    """``/metrics`` alone, for a port of its own. ``key`` as of ``metrics_route``."""
    app = Starlette(routes=[metrics_route(metrics, key, health)])
    install_problems(app, metrics)
    return app
