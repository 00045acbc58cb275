"""Start the pages, signing in, and the cookies of those who are signed in, in this process."""

from __future__ import annotations

from functools import partial

from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.routes import add_session_routes
from cx_desktop.app import add_routes
from cx_desktop.assets import load_assets
from cx_desktop.ended_sessions import StoredEndedSessions
from cx_desktop.me import Environment
from cx_desktop.page_headers import PageHeaders
from cx_desktop.page_routes import PageRoutes
from cx_desktop.session_routes import SignInRoutes
from cx_hub.app import AddRoutes
from cx_hub.compose.hub import USE_THE_STORE, Hub
from cx_hub.compose.intake import intake_of_sessions
from cx_runtime.addresses import Addresses
from cx_runtime.http import BodyLimits
from cx_runtime.sessions.sealing import SessionSealer
from cx_runtime.sessions.session_auth import SessionAuth


def session_auth(hub: Hub) -> SessionAuth | None:
    """Return what reads sessions' cookies; None in a process without the store, which says who is signed out."""
    if not hub.services & (USE_THE_STORE - {"projectors"}):
        return None
    settings = hub.settings
    return SessionAuth(
        SessionSealer(hub.tenants),
        StoredEndedSessions(hub.store),
        hub.metrics,
        settings.public_url,
        stream_seconds=settings.stream_heartbeat,
    )


def desktop(hub: Hub, auth: SessionAuth | None, intake: Intake | None) -> list[AddRoutes]:
    """Return what adds the routes of the pages, of signing in, and of sending events in a session, where this process
    serves them. ``intake``: that of this process, if it takes events in otherwise."""
    if "desktop" not in hub.services or auth is None:
        return []
    settings = hub.settings
    environment = Environment(settings.environment, settings.environment_color)
    routes = SignInRoutes(
        hub.tenants,
        auth,
        hub.metrics,
        environment,
        Addresses(settings.proxies()),
        settings.session_hours * 3600.0,
        directories=hub.directories,
    )
    pages = PageRoutes(auth, PageHeaders(hub.tenants), environment, load_assets(), hub.directories, hub.tenants)
    send = partial(
        add_session_routes,
        intake=intake or intake_of_sessions(hub),
        tenants=hub.tenants,
        metrics=hub.metrics,
        limits=Limits(body=BodyLimits(max_bytes=settings.max_body)),
        directories=hub.directories,
    )
    return [partial(add_routes, routes=routes, pages=pages), send]
