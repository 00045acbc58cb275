"""Intake, webhooks, mail and what providers serve, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cx_channels.intake import Intake
from cx_channels.key_worker.worker import KeyWorker
from cx_channels.limits import Limits
from cx_channels.mapping_pool import MappingPool
from cx_channels.provider import Connection, Provider
from cx_channels.provider_server import ProviderServer, ServerPorts, server_factories
from cx_channels.registry import providers
from cx_channels.routes import add_routes as add_channel_routes
from cx_channels.smtp.bounds import SmtpLimits
from cx_channels.smtp.listener import SmtpListener, by_recipient
from cx_hub.app import AddRoutes
from cx_hub.compose.hub import Hub, once
from cx_hub.compose.keys import keep_keys, key_worker
from cx_hub.mail_certificate import MailCertificate, mail_certificate
from cx_runtime.addresses import Addresses
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.http import BodyLimits
from cx_runtime.shares import share_among


@asynccontextmanager
async def channels(hub: Hub) -> AsyncIterator[list[AddRoutes]]:
    if "channels" not in hub.services:
        yield []
        return
    limits = Limits(body=BodyLimits(max_bytes=hub.settings.max_body))
    tenant_share = share_among(len(hub.tenants.by_name))
    mapping = MappingPool(tenant_share=tenant_share)
    _begin_counting(hub)
    async with (
        key_worker(hub) as keys,
        _served(hub, _intake(hub, mapping, keys), mapping, limits, tenant_share, keys) as routes,
    ):
        yield routes


@asynccontextmanager
async def _served(
    hub: Hub, intake: Intake, mapping: MappingPool, limits: Limits, tenant_share: float, keys: KeyWorker
) -> AsyncIterator[list[AddRoutes]]:
    settings = hub.settings
    servers = _provider_servers(hub, intake, limits, tenant_share)
    certificate = mail_certificate(settings)
    listener = _smtp_listener(hub, intake, certificate)
    try:
        hub.supervisor.run("blobs", hub.blobs.start)
        keep_keys(hub, keys, intake)
        for name, server in servers.items():
            if name in _providers_of(hub):  # the work of the others would be for nobody
                hub.supervisor.keep(server.worker, once(hub.log.opened, work=server.run))
        if _any_provider(hub, lambda provider: provider.isolated):
            hub.health.probe("mapping", mapping.check)
            hub.supervisor.keep("mapping", mapping.run)
        if listener is not None:
            await _start_mail(hub, listener, certificate)
        hub.leaving.extend(server.stop for server in servers.values())

        def add_routes(app: FastRouteApp) -> None:
            add_channel_routes(app, intake, hub.tenants, hub.metrics, limits=limits, public_url=settings.public_url)
            for server in servers.values():
                server.add_routes(app)

        yield [add_routes]
    finally:
        if listener is not None:
            await listener.stop()
        for server in servers.values():
            await hub.supervisor.stop(server.worker)
        await hub.supervisor.stop("keys")
        await hub.supervisor.stop("mapping")
        await hub.supervisor.stop("mail-certificate")
        await mapping.stop()


def _intake(hub: Hub, mapping: MappingPool, keys: KeyWorker) -> Intake:
    return Intake(
        hub.log,
        hub.blobs,
        hub.tenants,
        providers(),
        hub.metrics,
        mapper=mapping.mapper,
        rates=hub.rates,
        tracing=hub.tracing,
        keys_of=keys.keys_of,
    )


def _begin_counting(hub: Hub) -> None:
    """Count what each provider and each connection sends from now on, at zero."""
    hub.metrics.begin_provider("client")
    for name in _providers_of(hub):
        hub.metrics.begin_provider(name, providers()[name].ignored_kinds)
    hub.metrics.begin_refusals("smtp", "mail-bytes", "session-too-long", "commands-without-mail")
    hub.metrics.begin_connection("client", "")
    for tenant in hub.tenants.by_name.values():
        for id, connection in tenant.connections.items():
            hub.metrics.begin_connection(connection.provider, id)


async def _start_mail(hub: Hub, listener: SmtpListener, certificate: MailCertificate | None) -> None:
    await listener.start()
    hub.health.probe("mail", listener.check)
    hub.smtp_port = listener.port
    hub.leaving.append(listener.stop)
    if certificate is not None:
        hub.supervisor.keep("mail-certificate", certificate.keep_renewed)


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
