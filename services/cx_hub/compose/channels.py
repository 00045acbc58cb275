"""Start what takes events in, in this process: HTTP routes, mail, and what providers serve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.provider_server import ProviderServer, ServerPorts, server_factories
from cx_channels.routes import add_routes as add_channel_routes
from cx_channels.smtp.bounds import SmtpLimits
from cx_channels.smtp.listener import SmtpListener, by_recipient
from cx_hub.app import AddRoutes
from cx_hub.compose.hub import Hub, once
from cx_hub.compose.intake import providers_of
from cx_hub.mail_certificate import MailCertificate, mail_certificate
from cx_runtime.addresses import Addresses
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.http import BodyLimits
from cx_runtime.shares import share_among


@asynccontextmanager
async def channels(hub: Hub, intake: Intake | None) -> AsyncIterator[list[AddRoutes]]:
    """Serve what comes in. ``intake``: of ``taking_in``."""
    if "channels" not in hub.services or intake is None:
        yield []
        return
    settings = hub.settings
    limits = Limits(body=BodyLimits(max_bytes=settings.max_body))
    tenant_share = share_among(len(hub.tenants.by_name))
    servers = _provider_servers(hub, intake, limits, tenant_share)
    certificate = mail_certificate(settings)
    listener = _smtp_listener(hub, intake, certificate)
    try:
        for name, server in servers.items():
            if name in providers_of(hub):  # the work of the others would be for nobody
                hub.supervisor.keep(server.worker, once(hub.log.opened, work=server.run))
        if listener is not None:
            await _start_mail(hub, listener, certificate)
        hub.leaving.extend(server.stop for server in servers.values())

        def add_routes(app: FastRouteApp) -> None:
            add_channel_routes(
                app,
                intake,
                hub.tenants,
                hub.metrics,
                limits=limits,
                public_url=settings.public_url,
                directories=hub.directories,
            )
            for server in servers.values():
                server.add_routes(app)

        yield [add_routes]
    finally:
        if listener is not None:
            await listener.stop()
        for server in servers.values():
            await hub.supervisor.stop(server.worker)
        await hub.supervisor.stop("mail-certificate")


async def _start_mail(hub: Hub, listener: SmtpListener, certificate: MailCertificate | None) -> None:
    await listener.start()
    hub.health.probe("mail", listener.check)
    hub.smtp_port = listener.port
    hub.leaving.append(listener.stop)
    if certificate is not None:
        hub.supervisor.keep("mail-certificate", certificate.keep_renewed)


def _provider_servers(hub: Hub, intake: Intake, limits: Limits, tenant_share: float) -> dict[str, ProviderServer]:
    """Open what providers serve beside webhooks, by the provider's name. Only workers that are needed are watched."""
    used, unwatched = providers_of(hub), Health()
    return {
        name: open_server(
            ServerPorts(
                intake,
                hub.log,
                hub.metrics,
                hub.health.expect if name in used else unwatched.progress,
                limits,
                tenant_share,
                hub.existing_store,
            )
        )
        for name, open_server in server_factories().items()
    }


def _smtp_listener(hub: Hub, intake: Intake, certificate: MailCertificate | None) -> SmtpListener | None:
    """One for all mail connections, where there are any."""
    mail = [connection for connection, provider in intake.connections.values() if provider.transport == "smtp"]
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
