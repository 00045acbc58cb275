"""The OpenAPI documents under ``schemas/openapi``, as each process serves them.

``python -m tests.openapi_files`` writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.channels import tenants

from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.provider_server import ServerPorts, server_factories
from cx_channels.registry import providers
from cx_channels.routes import add_routes as add_channel_routes
from cx_channels.routes import add_session_routes
from cx_context.store import open_store
from cx_context_api.app import ContextApi
from cx_context_api.app import add_routes as add_api_routes
from cx_desktop.app import add_routes as add_desktop_routes
from cx_desktop.assets import load_assets
from cx_desktop.ended_sessions import StoredEndedSessions
from cx_desktop.me import Environment
from cx_desktop.page_headers import PageHeaders
from cx_desktop.page_routes import PageRoutes
from cx_desktop.session_routes import SignInRoutes
from cx_events.blob.folder import FolderBlobs
from cx_events.dead_letters import DeadLetter
from cx_events.json_types import Json
from cx_events.log.sqlite import SqliteLog
from cx_hub.app import AddRoutes, compose_app
from cx_hub.pages.front_page import Process, links_of
from cx_mcp.http_endpoint import McpEndpoint
from cx_mcp.openapi import description as mcp_description
from cx_ops.http_routes.connection_routes import ConnectionFacts
from cx_ops.http_routes.router import add_routes as add_ops_routes
from cx_ops.http_routes.router import router
from cx_ops.replay.acts import Ground
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.sessions.sealing import SessionSealer
from cx_runtime.sessions.session_auth import SessionAuth
from cx_runtime.tenants import Tenants

ROOT = Path(__file__).parents[1]
FOLDER = "schemas/openapi"
SERVICES = ("channels", "projectors", "api", "ops", "desktop")
COMMAND = "python -m tests.openapi_files"


@cache
def documents() -> dict[str, dict[str, Any]]:
    """By name: the document of a hub with all services in one process, and of each service in a process of its own."""
    services = {
        "channels": [_add_channels],
        "context": [_add_api, _add_mcp],
        "ops": [_add_ops],
        "desktop": [_add_desktop],
    }
    apps = {"hub": [add for several in services.values() for add in several], **services}
    return {name: app_of(several).openapi() for name, several in apps.items()}


def app_of(services: Sequence[AddRoutes]) -> FastRouteApp:
    """Of the real routes; nothing behind them is started."""
    process = Process(SERVICES, {"log": "SQLite", "store": "SQLite"}, links_of(SERVICES, with_metrics=True))
    return compose_app(services, Health(), Metrics(), "a key for /metrics", process=process)


def hub_app() -> FastRouteApp:
    return app_of([_add_channels, _add_api, _add_mcp, _add_ops, _add_desktop])


def files() -> Mapping[str, bytes]:
    """By path below the root."""
    return {f"{FOLDER}/{name}.json": _json(document) for name, document in documents().items()}


_NOWHERE = Path("unused")


def _tenants() -> Tenants:
    return Tenants({name: config.model_copy(update={"connections": {}}) for name, config in tenants().by_name.items()})


def _add_channels(app: FastRouteApp) -> None:
    log, metrics = SqliteLog(_NOWHERE, 1), Metrics()
    intake = Intake(log, FolderBlobs(_NOWHERE), _tenants(), providers(), metrics)
    add_channel_routes(app, intake, _tenants(), metrics)
    ports = ServerPorts(intake, log, metrics, Health().progress)
    for open_server in server_factories().values():
        open_server(ports).add_routes(app)


def _add_api(app: FastRouteApp) -> None:
    store = open_store(f"sqlite+aiosqlite:///{_NOWHERE}")
    add_api_routes(app, ContextApi(store, SqliteLog(_NOWHERE, 1), _tenants(), Metrics(), now=lambda: 0))


def _add_mcp(app: FastRouteApp) -> None:
    app.router.routes.append(McpEndpoint(app, _tenants()).route())
    app.describe(mcp_description())


def _add_desktop(app: FastRouteApp) -> None:
    store = open_store(f"sqlite+aiosqlite:///{_NOWHERE}")
    auth = SessionAuth(SessionSealer(_tenants()), StoredEndedSessions(store), Metrics())
    pages = PageRoutes(auth, PageHeaders(_tenants()), Environment(), load_assets(), {}, _tenants())
    add_desktop_routes(app, SignInRoutes(_tenants(), auth, Metrics(), Environment()), pages)
    intake = Intake(SqliteLog(_NOWHERE, 1), FolderBlobs(_NOWHERE), _tenants(), providers(), Metrics())
    add_session_routes(app, intake, _tenants(), Metrics(), limits=Limits(), directories={})


def _add_ops(app: FastRouteApp) -> None:
    store = open_store(f"sqlite+aiosqlite:///{_NOWHERE}")
    replays = (Ground(_NOWHERE, f"sqlite:///{_NOWHERE}", "", ""), never_begun)
    log = SqliteLog(_NOWHERE, 1)
    nothing_known = ConnectionFacts({}, frozenset(), never_shown)
    add_ops_routes(app, router(log, store, Tenants({}), never_mapped, "nobody", never_rebuilt, replays, nothing_known))


def never_shown(_poller: object) -> Json:
    raise NotImplementedError


def never_rebuilt(_own: object, _pace: object) -> None:
    raise NotImplementedError


def never_begun(_name: str, _work: object) -> None:
    raise NotImplementedError


async def never_mapped(_letter: DeadLetter, _connection: str) -> None:
    raise NotImplementedError


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def main() -> None:
    for path, content in files().items():
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        print(path)


if __name__ == "__main__":
    main()
