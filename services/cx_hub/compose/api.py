"""Start the context API and the operators' routes in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog

from cx_channels.kit.mail.mime.parse import content_at
from cx_context_api.app import ContextApi
from cx_context_api.app import add_routes as add_api_routes
from cx_context_api.reads.processes import ReadProcesses
from cx_context_api.reads.turns import ReadTurns
from cx_events.errors import CxError
from cx_hub.app import AddRoutes
from cx_hub.compose.hub import Hub, once
from cx_hub.connection_states import connection_facts
from cx_hub.heavy_reads import COMMAND, setting_up
from cx_hub.rebuilding import process_name, replay_ground, whole_rebuild
from cx_hub.remapping import mapping_again
from cx_mcp.http_endpoint import McpEndpoint
from cx_mcp.openapi import description as mcp_description
from cx_ops.http_routes.rebuild_routes import Pace
from cx_ops.http_routes.router import add_routes as add_ops_routes
from cx_ops.http_routes.router import router as ops_router
from cx_ops.rebuild.ownership import Ownership
from cx_runtime.fast_routes import FastRouteApp


@asynccontextmanager
async def context_api(hub: Hub) -> AsyncIterator[list[AddRoutes]]:
    if "api" not in hub.services:
        yield []
        return
    hub.metrics.begin_refusals("continue", "unknown-token", "token-expired", "token-used", "other-customer")
    api = ContextApi(
        hub.store,
        hub.log,
        hub.tenants,
        hub.metrics,
        rates=hub.rates,
        blobs=hub.blobs,
        part_at=content_at,
        public_url=hub.settings.public_url,
        heartbeat=hub.settings.stream_heartbeat,
        health=hub.health,
        tracing=hub.tracing,
        directories=hub.directories,
        turns=_turns(hub),
    )
    hub.metrics.cache_bytes.labels("bodies").set_function(lambda: api.contexts.bodies_bytes)
    hub.metrics.cache_bytes.labels("pieces").set_function(lambda: api.contexts.pieces_bytes)
    hub.supervisor.keep("following", once(hub.store_opened, hub.log.opened, work=api.follow))
    hub.leaving.append(api.leave)

    def add_mcp(app: FastRouteApp) -> None:
        endpoint = McpEndpoint(app, hub.tenants)
        app.router.routes.append(endpoint.route())
        app.describe(mcp_description())
        hub.supervisor.keep("mcp", endpoint.run)

    try:
        yield [lambda app: add_api_routes(app, api), add_mcp]
    finally:
        await hub.supervisor.stop("mcp")
        await hub.supervisor.stop("following")
        await api.stop()


def _turns(hub: Hub) -> ReadTurns:
    processes = ReadProcesses(COMMAND, setting_up(hub.settings, hub.tenants))
    return ReadTurns.of(len(hub.tenants.by_name), hub.settings.max_reads, processes)


def operations(hub: Hub) -> list[AddRoutes]:
    if "ops" not in hub.services:
        return []
    map_again = mapping_again(hub.log, hub.blobs, hub.tenants, hub.metrics)
    work = partial(_work_on_rebuild, hub)
    replays = (replay_ground(hub.settings), hub.supervisor.run)
    facts = connection_facts(hub.tenants, hub.settings.public_url)
    routes = ops_router(hub.log, hub.store, hub.tenants, map_again, process_name(), work, replays, facts)
    return [lambda app: add_ops_routes(app, routes)]


def _work_on_rebuild(hub: Hub, own: Ownership, pace: Pace) -> None:
    """Go on with a rebuild beside what this process does. How it ends stands in its record."""
    said = structlog.get_logger("cx_hub").bind(task="rebuild")

    async def work() -> None:
        def tell(sentence: str) -> None:
            said.info(sentence)

        rebuild = whole_rebuild(hub.settings, hub.tenants, hub.log, hub.store, own, tell, pace.rate, pace.workers)
        try:
            await rebuild.run()
        except CxError as error:
            said.warning("the rebuild stopped", why=str(error))

    hub.supervisor.run("rebuild", work)
