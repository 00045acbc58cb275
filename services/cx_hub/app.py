"""The HTTP apps that the hub serves: those of its services side by side, with one set of operations."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI

from cx_runtime.health import Health
from cx_runtime.http import install_problems, operations
from cx_runtime.metrics import Metrics


def compose_app(routers: Iterable[APIRouter], health: Health, metrics: Metrics) -> FastAPI:
    """One app of some services' routers, with ``/healthz``, ``/readyz`` and ``/metrics``."""
    app = FastAPI(title="Throughline", version="1", docs_url=None, redoc_url=None)
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(operations(health, metrics))
    install_problems(app, metrics)
    return app
