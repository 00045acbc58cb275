"""Make running services from settings: the one composition root.

    async with running_hub(settings, tenants) as hub:
        await hub.supervisor.stopping.wait()

Everything is made here and handed on; nothing else opens a log, a store or a socket. Whatever is down at the start is
waited for: the HTTP server is there from the first moment and answers 503 for what it can't do yet. At the end what is
under way is finished: requests, then mails, then batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from cx_channels.registry import providers
from cx_context.store import open_store
from cx_context.store.directories import LiveDirectories
from cx_context.store.id_keys import hold_id_keys
from cx_context.store.table_check import check_tables
from cx_events.blob.open import open_blobs
from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS
from cx_hub.compose.api import context_api, operations
from cx_hub.compose.channels import channels
from cx_hub.compose.desktop import desktop, session_auth
from cx_hub.compose.http import http_server
from cx_hub.compose.hub import SERVICES, TAKE_IN, USE_BLOBS, USE_THE_STORE, Hub, Service, once
from cx_hub.compose.intake import taking_in
from cx_hub.compose.pollers import pollers
from cx_hub.compose.projectors import projectors
from cx_hub.compose.subscriptions import subscriptions
from cx_hub.configuration import findings
from cx_hub.deferred import DeferredBlobs, DeferredLog
from cx_hub.disk import check_room, embedded_folders
from cx_hub.home_folder import close_home
from cx_hub.id_keys import LOOK_SECONDS, looking_at, watch_id_keys
from cx_hub.identity_rules import configured_rules
from cx_hub.listening_sockets import measures_served
from cx_hub.remapping import spaces_of
from cx_hub.resources import log_of
from cx_hub.supervise import Supervisor
from cx_runtime.addresses import Addresses
from cx_runtime.gc_tuning import settle
from cx_runtime.health import Health
from cx_runtime.in_flight import PACE, InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.rates import Rate
from cx_runtime.serve import room_for
from cx_runtime.settings import Settings
from cx_runtime.shares import share_among
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Tenants
from cx_runtime.tracing import OFF, Tracing

_SAY_WHO_AGENTS_ARE: frozenset[Service] = frozenset({"api", "projectors", "desktop"})


@asynccontextmanager
async def running_hub(
    settings: Settings, tenants: Tenants, services: frozenset[Service] = SERVICES, tracing: Tracing = OFF
) -> AsyncIterator[Hub]:
    """Services in this process, until the block ends. ``Fatal`` for settings that can't be, or a port that is taken."""
    for name, tenant in tenants.by_name.items():
        configured_rules(name, tenant)
    close_home(settings.home)
    hub = _new_hub(settings, tenants, services)
    hub.tracing = tracing
    health = hub.health
    _tell_what_is_missing(hub)
    health.probe("log", lambda: hub.log.end_offsets(INTERACTIONS))
    hub.supervisor.run("log", lambda: _start_log(hub))
    if services & USE_BLOBS:
        hub.supervisor.run("blobs", hub.blobs.start)
    if services & USE_THE_STORE:
        health.probe("store", lambda: _ask_store(hub))
    if folders := embedded_folders(settings):
        health.probe("disk", lambda: check_room(folders, settings.min_free_bytes))
    async with _running(hub):
        settle()
        yield hub


def _new_hub(settings: Settings, tenants: Tenants, services: frozenset[Service]) -> Hub:
    """Make the parts that all services share. Nothing is started."""
    metrics, health = Metrics(), Health()
    metrics.watch(health)
    store = open_store(settings.resolved_store_url())
    return Hub(
        settings,
        tenants,
        services,
        metrics,
        health,
        Supervisor(health, metrics),
        DeferredLog(log_of(settings)),
        DeferredBlobs(open_blobs(settings.resolved_blob_url())),
        store,
        InFlight(
            metrics,
            max_requests=settings.max_requests,
            max_bytes=settings.max_bytes_in_flight,
            max_connections=room_for(settings.max_connections),
            max_streams=settings.max_streams,
            tenant_share=share_among(len(tenants.by_name)),
            addresses=Addresses(settings.proxies()),
            pace=PACE,
        ),
        Rates(tenants, key=Rate.parse(settings.key_rate), connection=Rate.parse(settings.connection_rate)),
        LiveDirectories(store, tenants.configured_directories),
    )


def _tell_what_is_missing(hub: Hub) -> None:
    """Connections that can't work as they are set up, or from which less is made, are named; the others run."""
    if not hub.services & TAKE_IN:
        return
    for place, lack in findings(hub.tenants, providers(), hub.settings.public_url):
        about = {"connection": lack.connection, "reason": lack.reason}
        structlog.get_logger("cx_hub").warning("a connection is not set up well", place=place, **about, why=lack.detail)
        if not lack.works:
            hub.health.note(f"connection {lack.connection}", f"{lack.reason}: {lack.detail}")


async def _ask_store(hub: Hub) -> None:
    if not hub.store_opened.is_set():
        raise TryLater("store", "it is being opened")
    async with hub.store.reading() as tx:
        await check_tables(tx)


@asynccontextmanager
async def _running(hub: Hub) -> AsyncIterator[None]:
    sessions = session_auth(hub)
    try:
        async with (
            measures_served(hub.settings, hub.metrics, hub.health) as hub.metrics_port,
            _store(hub),
            projectors(hub),
            subscriptions(hub),
            taking_in(hub) as intake,
            pollers(hub, intake),
            channels(hub, intake) as channel_routes,
            context_api(hub) as api_routes,
            http_server(
                hub, [*channel_routes, *api_routes, *operations(hub), *desktop(hub, sessions, intake)], sessions
            ),
        ):
            yield
    finally:
        await hub.supervisor.stop_all()
        await hub.blobs.stop()
        await hub.log.stop()


async def _start_log(hub: Hub) -> None:
    """Open the log once the store was asked under which keys it was filled, or does not answer: what is appended under
    another key stays."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            await hub.id_keys_looked_at.wait()
    await hub.log.start()


@asynccontextmanager
async def _store(hub: Hub) -> AsyncIterator[None]:
    keys = spaces_of(hub.tenants)

    async def start() -> None:
        with looking_at(hub.id_keys_looked_at):
            await hub.store.start()
            await hold_id_keys(hub.store, keys)
        hub.store_opened.set()

    async def keep_directories() -> None:
        await hub.directories.run(hub.health.progress("directories"))

    if hub.services & USE_THE_STORE:
        hub.supervisor.run("store", start)
    else:
        hub.supervisor.run("id-keys", lambda: watch_id_keys(hub.store, keys, hub.id_keys_looked_at))
    if hub.services & _SAY_WHO_AGENTS_ARE:
        hub.health.expect("directories")
        hub.supervisor.keep("directories", once(hub.store_opened, work=keep_directories))
    try:
        yield
    finally:
        await hub.supervisor.stop("directories")
        await hub.supervisor.stop("id-keys")
        await hub.store.stop()
