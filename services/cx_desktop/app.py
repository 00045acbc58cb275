"""Put the service together: its routes in an app of one or several services."""

from __future__ import annotations

from cx_desktop.openapi import description
from cx_desktop.page_routes import PageRoutes
from cx_desktop.session_routes import SignInRoutes
from cx_runtime.fast_routes import FastRouteApp


def add_routes(app: FastRouteApp, routes: SignInRoutes, pages: PageRoutes) -> None:
    """Add the routes to ``app``, and the descriptions of those of the API to its OpenAPI document."""
    app.router.routes.extend([*routes.all(), *pages.all(app)])
    app.describe(description())
