"""The one composition root: from settings to running services.

    async with running_hub(settings, tenants) as hub:
        await hub.supervisor.stopping.wait()

Everything is made here and handed on; nothing else opens a log, a store or a socket. Whatever is down at the start is
waited for: the HTTP server is there from the first moment and answers 503 for what it can't do yet. At the end what is
under way is finished: requests, then mails, then batches.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import structlog

from cx_channels.intake import Intake, wall_clock
from cx_channels.kit.mail.mime.parse import content_at
from cx_channels.limits import Limits
from cx_channels.mapping_pool import MappingPool
from cx_channels.provider import Connection, Provider
from cx_channels.provider_server import ProviderServer, ServerPorts, server_factories
from cx_channels.registry import providers
from cx_channels.routes import add_routes as add_channel_routes
from cx_channels.smtp.bounds import SmtpLimits
from cx_channels.smtp.listener import SmtpListener, by_recipient
from cx_context.store import Store, open_store
from cx_context.store.leases import read_current_to
from cx_context_api.app import ContextApi
from cx_context_api.app import add_routes as add_api_routes
from cx_context_api.reads.processes import ReadProcesses
from cx_context_api.reads.turns import ReadTurns
from cx_events.blob.open import open_blobs
from cx_events.errors import Fatal, TryLater
from cx_events.log import INTERACTIONS
from cx_events.log.open import open_log
from cx_hub.app import AddRoutes, compose_app
from cx_hub.configuration import findings
from cx_hub.deferred import DeferredBlobs, DeferredLog
from cx_hub.disk import check_room, embedded_folders
from cx_hub.gc_tuning import settle
from cx_hub.heavy_reads import COMMAND, setting_up
from cx_hub.home_folder import close_home
from cx_hub.identity_rules import configured_rules, put_in_force
from cx_hub.listening_sockets import listening, measures_key, measures_served
from cx_hub.mail_certificate import MailCertificate, mail_certificate
from cx_hub.supervise import Supervisor, Work
from cx_identity.rules import DEFAULT
from cx_ops.routes import router as ops_router
from cx_projectors.consumer import Consumer, ConsumerLimits
from cx_projectors.relay import Relay
from cx_projectors.tenancy import Tenancy
from cx_runtime.addresses import Addresses
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.http import BodyLimits
from cx_runtime.in_flight import PACE, InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.rates import Rate, Rates
from cx_runtime.serve import Server, room_for, server_config
from cx_runtime.settings import Settings
from cx_runtime.shares import share_among
from cx_runtime.tenants import Tenants

Service = Literal["channels", "projectors", "api", "ops"]
SERVICES: frozenset[Service] = frozenset({"channels", "projectors", "api", "ops"})

CHAT_SECONDS = 3.0
"""Within them a chat's last message is durable and acknowledged, or put off."""

USE_THE_STORE: frozenset[Service] = SERVICES - {"channels"}


@dataclass
class Hub:
    """A running hub. ``port`` and ``smtp_port`` are those listened on; 0 for an SMTP listener that there is not.
    ``metrics_port``: that of ``/metrics`` alone; 0 where it is on the HTTP port."""

    settings: Settings
    tenants: Tenants
    services: frozenset[Service]
    metrics: Metrics
    health: Health
    supervisor: Supervisor
    log: DeferredLog
    blobs: DeferredBlobs
    store: Store
    load: InFlight
    rates: Rates
    leaving: list[Callable[[float], Coroutine[None, None, None]]] = field(default_factory=list)
    """What else serves strangers: told to finish within so many seconds, while HTTP still answers."""
    port: int = 0
    smtp_port: int = 0
    metrics_port: int = 0
    workers: dict[str, Consumer] = field(default_factory=dict)
    ending: bool = False
    store_opened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        host = self.settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to reach it at
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@asynccontextmanager
async def running_hub(
    settings: Settings, tenants: Tenants, services: frozenset[Service] = SERVICES
) -> AsyncIterator[Hub]:
    """Services in this process, until the block ends. ``Fatal`` for settings that can't be, or a port that is taken."""
    for name, tenant in tenants.by_name.items():
        configured_rules(name, tenant)
    close_home(settings.home)
    metrics, health = Metrics(), Health()
    metrics.watch(health)
    hub = Hub(
        settings,
        tenants,
        services,
        metrics,
        health,
        Supervisor(health, metrics),
        DeferredLog(
            open_log(settings.resolved_log_url(), partitions=settings.partitions, prefix=settings.topic_prefix),
        ),
        DeferredBlobs(open_blobs(settings.resolved_blob_url())),
        open_store(settings.resolved_store_url()),
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
    )
    _tell_what_is_missing(hub)
    health.probe("log", lambda: hub.log.end_offsets(INTERACTIONS))
    hub.supervisor.run("log", hub.log.start)
    if services & USE_THE_STORE:
        health.probe("store", lambda: _ask_store(hub))
    if folders := embedded_folders(settings):
        health.probe("disk", lambda: check_room(folders, settings.min_free_bytes))
    async with _running(hub):
        settle()
        yield hub


def _tell_what_is_missing(hub: Hub) -> None:
    """Connections that can't work as they are set up, or from which less is made, are named; the others run."""
    if "channels" not in hub.services:
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
        await read_current_to(tx)


@asynccontextmanager
async def _running(hub: Hub) -> AsyncIterator[None]:
    try:
        async with (
            measures_served(hub.settings, hub.metrics) as hub.metrics_port,
            _store(hub),
            _projectors(hub),
            _channels(hub) as channels,
            _api(hub) as api,
            _http(hub, [*channels, *api, *_ops(hub)]),
        ):
            yield
    finally:
        await hub.supervisor.stop_all()
        await hub.blobs.stop()
        await hub.log.stop()


@asynccontextmanager
async def _store(hub: Hub) -> AsyncIterator[None]:
    async def start() -> None:
        await hub.store.start()
        hub.store_opened.set()

    if hub.services & USE_THE_STORE:
        hub.supervisor.run("store", start)
    try:
        yield
    finally:
        await hub.store.stop()


@asynccontextmanager
async def _projectors(hub: Hub) -> AsyncIterator[None]:
    if "projectors" not in hub.services:
        yield
        return
    tenancies = {name: Tenancy(hub.tenants.ids(name), DEFAULT) for name in hub.tenants.by_name}
    opened = (hub.store_opened, hub.log.opened)
    hub.health.expect("relay")
    relay = Relay(hub.store, hub.log, hub.metrics, hub.health)
    pace = ConsumerLimits(hub.settings.batch_events, hub.settings.lease_seconds)
    for number in range(hub.settings.workers):
        name = f"{platform.node()}-{os.getpid()}-{number}"

        async def work(name: str = name) -> None:
            if not hub.supervisor.stopping.is_set():
                worker = hub.workers[name] = Consumer(
                    hub.store, hub.log, tenancies, name, hub.metrics, hub.health, pace, relay.wake
                )
                await worker.run()

        hub.health.expect(name)
        hub.supervisor.keep(name, _once(*opened, work=work))
    hub.supervisor.keep("relay", _once(*opened, work=relay.run))

    async def rules() -> None:
        await put_in_force(hub.tenants, hub.store, hub.log, wall_clock())

    hub.supervisor.run("rules", _once(*opened, work=rules))
    try:
        yield
    finally:
        hub.supervisor.stopping.set()
        for worker in hub.workers.values():
            worker.stop()
        await hub.supervisor.finished(list(hub.workers))
        await hub.supervisor.stop("rules")
        await hub.supervisor.stop("relay")


def _once(*opened: asyncio.Event, work: Work) -> Work:
    """The same work, begun once what it needs is there."""

    async def begin() -> None:
        for event in opened:
            await event.wait()
        await work()

    return begin


@asynccontextmanager
async def _channels(hub: Hub) -> AsyncIterator[list[AddRoutes]]:
    if "channels" not in hub.services:
        yield []
        return
    settings = hub.settings
    limits = Limits(body=BodyLimits(max_bytes=settings.max_body))
    tenant_share = share_among(len(hub.tenants.by_name))
    mapping = MappingPool(tenant_share=tenant_share)
    for name in {"client", *_providers_of(hub)}:
        hub.metrics.begin_provider(name)
    intake = Intake(hub.log, hub.blobs, hub.tenants, providers(), hub.metrics, mapper=mapping.mapper, rates=hub.rates)
    servers = _provider_servers(hub, intake, limits, tenant_share)
    certificate = mail_certificate(settings)
    listener = _smtp_listener(hub, intake, certificate)
    try:
        hub.supervisor.run("blobs", hub.blobs.start)
        for name, server in servers.items():
            if name in _providers_of(hub):  # the work of the others would be for nobody
                hub.supervisor.keep(server.worker, _once(hub.log.opened, work=server.run))
        if _any_provider(hub, lambda provider: provider.isolated):
            hub.health.probe("mapping", mapping.check)
            hub.supervisor.keep("mapping", mapping.run)
        if listener is not None:
            await listener.start()
            hub.health.probe("mail", listener.check)
            hub.smtp_port = listener.port
            hub.leaving.append(listener.stop)
            if certificate is not None:
                hub.supervisor.keep("mail-certificate", certificate.keep_renewed)
        hub.leaving.extend(server.stop for server in servers.values())

        def add_routes(app: FastRouteApp) -> None:
            public_url = settings.public_url
            add_channel_routes(app, intake, hub.tenants, hub.metrics, limits=limits, public_url=public_url)
            for server in servers.values():
                server.add_routes(app)

        yield [add_routes]
    finally:
        if listener is not None:
            await listener.stop()
        for server in servers.values():
            await hub.supervisor.stop(server.worker)
        await hub.supervisor.stop("mapping")
        await hub.supervisor.stop("mail-certificate")
        await mapping.stop()


@asynccontextmanager
async def _api(hub: Hub) -> AsyncIterator[list[AddRoutes]]:
    if "api" not in hub.services:
        yield []
        return
    if "channels" not in hub.services:  # which open the blob store where they run
        hub.supervisor.run("blobs", hub.blobs.start)
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
        reading=ReadTurns.of(
            len(hub.tenants.by_name),
            hub.settings.max_reads,
            ReadProcesses(COMMAND, setting_up(hub.settings, hub.tenants)),
        ),
    )
    hub.supervisor.keep("following", _once(hub.store_opened, hub.log.opened, work=api.follow))
    hub.leaving.append(api.leave)
    try:
        yield [lambda app: add_api_routes(app, api)]
    finally:
        await hub.supervisor.stop("following")
        await api.stop()


def _ops(hub: Hub) -> list[AddRoutes]:
    if "ops" not in hub.services:
        return []
    routes = ops_router(hub.log, hub.store, hub.tenants)
    return [lambda app: app.include_router(routes)]


def _provider_servers(hub: Hub, intake: Intake, limits: Limits, tenant_share: float) -> dict[str, ProviderServer]:
    """Open what providers serve beside webhooks, by the provider's name. Only workers that are needed are watched."""
    used, unwatched = _providers_of(hub), Health()
    return {
        name: open_server(
            ServerPorts(
                intake,
                hub.log,
                hub.metrics,
                hub.health.expect if name in used else unwatched.progress,
                limits,
                tenant_share,
            )
        )
        for name, open_server in server_factories().items()
    }


def _any_provider(hub: Hub, is_such: Callable[[Provider], bool]) -> bool:
    """Return whether the provider of any connection meets a condition."""
    known = providers()
    return any(is_such(known[name]) for name in _providers_of(hub))


def _providers_of(hub: Hub) -> set[str]:
    """Their names, of all connections."""
    tenants = hub.tenants.by_name.values()
    return {connection.provider for tenant in tenants for connection in tenant.connections.values()}


def _smtp_listener(hub: Hub, intake: Intake, certificate: MailCertificate | None) -> SmtpListener | None:
    """One for all mail connections, where there are any."""
    known = providers()
    mail: list[Connection] = [
        intake.connection(id)[0]
        for tenant in hub.tenants.by_name.values()
        for id, connection in tenant.connections.items()
        if known[connection.provider].transport == "smtp"
    ]
    if not mail:
        return None
    settings = hub.settings
    return SmtpListener(
        settings.host,
        settings.smtp_port,
        by_recipient(mail),
        intake.receive,
        max_bytes=settings.max_mail,
        max_connections=settings.max_smtp_sessions,
        max_in_flight=settings.max_mail_in_flight,
        tls=certificate.context if certificate is not None else None,
        require_tls=settings.smtp_require_tls,
        clock=intake.now,
        limits=SmtpLimits(tenant_share=share_among(len(hub.tenants.by_name)), addresses=Addresses(settings.proxies())),
        refused=lambda reason: hub.metrics.refused("smtp", reason),
    )


@asynccontextmanager
async def _http(hub: Hub, services: Sequence[AddRoutes]) -> AsyncIterator[None]:
    settings = hub.settings
    app = compose_app(services, hub.health, hub.metrics, measures_key(settings, hub.tenants))
    with listening(settings.host, settings.port) as listener:
        hub.port = listener.getsockname()[1]
        server = Server(
            server_config(
                app,
                settings.host,
                hub.port,
                load=hub.load,
                drain_seconds=settings.drain_seconds,
                log_level="warning",
                lifespan="off",
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        serving.add_done_callback(lambda _: _not_served(hub))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.01)
        structlog.get_logger("cx_hub").info("listening", http=hub.url, smtp_port=hub.smtp_port or None)
        try:
            yield
        finally:
            hub.ending = True
            hub.health.leave("it is stopping")
            hub.load.leaving = True
            await asyncio.sleep(settings.linger_seconds)
            leaving = [asyncio.create_task(leave(settings.drain_seconds)) for leave in hub.leaving]
            if leaving:  # chats are to be told to come back before their sockets are closed
                await asyncio.wait(leaving, timeout=min(CHAT_SECONDS, settings.drain_seconds))
            server.should_exit = True
            for error in await asyncio.gather(serving, *leaving, return_exceptions=True):
                if error is not None:  # the other parts are stopped all the same
                    structlog.get_logger("cx_hub").warning("not everybody left in order", why=repr(error))


def _not_served(hub: Hub) -> None:
    """Nobody could ask this process any more how it is, so it ends and says why."""
    if not hub.ending:
        hub.supervisor.give_up("http", Fatal("the HTTP server has ended, though nobody stopped it"))
