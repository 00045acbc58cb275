"""The OpenAPI documents under ``schemas/openapi``. ``python -m tests.openapi_files`` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.channels import tenants

from cx_channels.app import create_app
from cx_channels.intake import Intake
from cx_channels.provider_server import ServerPorts, server_factories
from cx_channels.registry import providers
from cx_context.store import open_store
from cx_context_api.openapi import document
from cx_events.blob.folder import FolderBlobs
from cx_events.dead_letters import DeadLetter
from cx_events.log.sqlite import SqliteLog
from cx_ops.http_routes.router import router
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants

ROOT = Path(__file__).parents[1]
FOLDER = "schemas/openapi"
COMMAND = "python -m tests.openapi_files"


def files() -> Mapping[str, bytes]:
    """By path below the root."""
    return {
        f"{FOLDER}/context.json": _json(document()),
        f"{FOLDER}/channels.json": _json(_channels()),
        f"{FOLDER}/ops.json": _json(_ops()),
    }


def _channels() -> dict[str, Any]:
    """Of the real app; nothing in it is started."""
    without = Path("unused")
    log, health, metrics = SqliteLog(without, 1), Health(), Metrics()
    known = Tenants({name: config.model_copy(update={"connections": {}}) for name, config in tenants().by_name.items()})
    intake = Intake(log, FolderBlobs(without), known, providers(), metrics)
    ports = ServerPorts(intake, log, metrics, health.progress)
    servers = [open_server(ports) for open_server in server_factories().values()]
    return create_app(intake, known, servers, metrics, health).openapi()


def _ops() -> dict[str, Any]:
    """Of the real routes; nothing behind them is started."""
    without = Path("unused")
    app = FastRouteApp(Metrics(), title="Throughline: operations", version="1", docs_url=None, redoc_url=None)
    store = open_store(f"sqlite+aiosqlite:///{without}")
    app.include_router(router(SqliteLog(without, 1), store, Tenants({}), never_mapped, "nobody", never_rebuilt))
    return app.openapi()


def never_rebuilt(_own: object, _pace: object) -> None:
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
