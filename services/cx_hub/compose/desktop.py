"""Start the pages, signing in, and the cookies of those who are signed in, in this process."""

from __future__ import annotations

from functools import partial

from cx_desktop.app import add_routes
from cx_desktop.assets import load_assets
from cx_desktop.ended_sessions import StoredEndedSessions
from cx_desktop.me import Environment
from cx_desktop.page_headers import PageHeaders
from cx_desktop.page_routes import PageRoutes
from cx_desktop.session_routes import SignInRoutes
from cx_hub.app import AddRoutes
from cx_hub.compose.hub import USE_THE_STORE, Hub
from cx_runtime.addresses import Addresses
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


def desktop(hub: Hub, auth: SessionAuth | None) -> list[AddRoutes]:
    """Return what adds the routes of signing in, where this process serves them."""
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
    return [partial(add_routes, routes=routes, pages=pages)]
