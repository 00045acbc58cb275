"""Put the operators' routes together."""

from __future__ import annotations

from cx_context.store import Store
from cx_events.log import Log
from cx_ops.dead_letters.acts import LetterActs
from cx_ops.dead_letters.retrying import MapAgain
from cx_ops.http_routes.connection_routes import ConnectionFacts, ConnectionRoutes
from cx_ops.http_routes.documented import Background, OpsRoutes
from cx_ops.http_routes.event_page_routes import EventPageRoutes
from cx_ops.http_routes.letter_routes import LetterRoutes
from cx_ops.http_routes.log_routes import LogRoutes
from cx_ops.http_routes.projector_routes import ProjectorRoutes
from cx_ops.http_routes.rebuild_routes import RebuildRoutes
from cx_ops.http_routes.rebuild_routes import Work as RebuildWork
from cx_ops.http_routes.replay_routes import ReplayRoutes
from cx_ops.http_routes.subscription_routes import SubscriptionRoutes
from cx_ops.replay.acts import Ground
from cx_ops.subscriptions.acts import SubscriptionActs
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.tenants import Tenants


def router(
    log: Log,
    store: Store,
    tenants: Tenants,
    map_again: MapAgain,
    process: str,
    rebuild: RebuildWork,
    replays: tuple[Ground, Background],
    facts: ConnectionFacts,
) -> OpsRoutes:
    """Return all routes below ``/v1/ops``. ``map_again``: of whoever has the adapters. ``rebuild``: goes on with a
    rebuild in this process, of the name ``process``. ``replays``: where they begin, and what works on them.
    ``facts``: what the adapters know of connections."""
    spaces = {name: tenants.ids(name) for name in tenants.by_name}
    routes = OpsRoutes()
    ProjectorRoutes(log, store, tenants).add_to(routes)
    EventPageRoutes(log, store, tenants).add_to(routes)
    LogRoutes(log, store, tenants).add_to(routes)
    ConnectionRoutes(log, store, tenants, facts).add_to(routes)
    SubscriptionRoutes(log, store, tenants, SubscriptionActs(log, store, spaces)).add_to(routes)
    LetterRoutes(store, tenants, LetterActs(log, store, spaces, map_again)).add_to(routes)
    ground, background = replays
    RebuildRoutes(log, store, tenants, spaces, process, rebuild, background).add_to(routes)
    ReplayRoutes(log, store, tenants, spaces, ground, background).add_to(routes)
    return routes


def add_routes(app: FastRouteApp, routes: OpsRoutes) -> None:
    """Add the routes to ``app``, and their descriptions to its OpenAPI document."""
    app.include_router(routes)
    app.describe(routes.description())
