"""Add the routes of the channels to an HTTP app: events from clients, and webhooks from providers.

Handlers take the bare request and read bodies themselves: under the sender's limit, after the key was checked, and
without a framework's parser, which would answer 500 to JSON made to break it.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.routing import Route

from cx_channels import openapi
from cx_channels.event_routes import EventRoutes
from cx_channels.hook_routes import HookRoutes
from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.registry import providers
from cx_events.directory import Directory
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants


def add_routes(
    app: FastRouteApp,
    intake: Intake,
    tenants: Tenants,
    metrics: Metrics,
    *,
    limits: Limits = Limits(),
    public_url: str = "",
    directories: Mapping[str, Directory] | None = None,
) -> None:
    """Add the routes to an app of their own, or to one that holds others' too.

    ``public_url``: how providers reach this hub (``CX_PUBLIC_URL``), for signatures over the URL. Without it, requests
    of a provider that signs the URL are answered 503: the request's own Host and X-Forwarded-... are whatever the
    sender writes. ``directories``: who agents are, by tenant; without them as the configuration says.
    """
    routes = APIRouter()
    clients = EventRoutes(intake, tenants, metrics, limits, directories)
    hooks = HookRoutes(intake, metrics, limits, public_url.rstrip("/"))
    routes.add_route(openapi.HOOKS, hooks.receive, methods=["GET", "HEAD", "POST", "PUT"])
    routes.add_route(openapi.EVENTS, clients.send_events, methods=["POST"])
    routes.add_route(openapi.VCONS, clients.import_vcon, methods=["POST"])
    app.include_router(routes)
    app.fast_route(openapi.EVENTS, clients.send_events, methods={"POST"})
    app.fast_route(openapi.VCONS, clients.import_vcon, methods={"POST"})
    app.fast_route(openapi.HOOKS, hooks.receive, methods={"GET", "HEAD", "POST", "PUT"})
    app.router.routes.append(_below(hooks))
    app.describe(openapi.description(providers().values()))


def add_session_routes(
    app: FastRouteApp,
    intake: Intake,
    tenants: Tenants,
    metrics: Metrics,
    *,
    limits: Limits,
    directories: Mapping[str, Directory],
) -> None:
    """Add the route by which the hub's own pages send events, at the process that reads sessions' cookies.

    A process of channels alone has no store, so it can't tell who was signed out, and a gateway sends ``/v1/events``
    there.
    """
    clients = EventRoutes(intake, tenants, metrics, limits, directories)
    app.router.routes.append(Route(openapi.SESSION_EVENTS, clients.send_events, methods=["POST"]))
    app.fast_route(openapi.SESSION_EVENTS, clients.send_events, methods={"POST"})
    app.describe(openapi.session_description())


def _below(hooks: HookRoutes) -> Route:
    """Return the route of paths below a connection's address; it is named as the document names it."""
    route = Route(f"{openapi.HOOKS}/{{path:path}}", hooks.receive_below, methods=["GET", "POST", "PUT"])
    route.path = openapi.BELOW_HOOKS
    return route
