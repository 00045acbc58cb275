"""Make the intake of this process, for what comes to it and for what it fetches itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cx_channels.intake import Intake
from cx_channels.mapping_pool import MappingPool
from cx_channels.provider import Provider
from cx_channels.registry import providers
from cx_hub.compose.hub import TAKE_IN, Hub
from cx_hub.compose.vendor_keys import keep_keys, key_worker
from cx_runtime.shares import share_among


@asynccontextmanager
async def taking_in(hub: Hub) -> AsyncIterator[Intake | None]:
    """Make the intake, where this process takes anything in; None elsewhere. Mappings are stopped at the end."""
    if not hub.services & TAKE_IN:
        yield None
        return
    mapping = MappingPool(tenant_share=share_among(len(hub.tenants.by_name)))
    _begin_counting(hub)
    async with key_worker(hub) as keys:
        intake = Intake(
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
        if "channels" in hub.services:  # what we ask for ourselves bears no signature
            keep_keys(hub, keys, intake)
        async with _mapping(hub, mapping):
            yield intake


def intake_of_sessions(hub: Hub) -> Intake:
    """Make an intake for what is sent in sessions, in a process that takes nothing else in. It maps nothing."""
    _count_clients(hub)
    return Intake(hub.log, hub.blobs, hub.tenants, providers(), hub.metrics, rates=hub.rates, tracing=hub.tracing)


@asynccontextmanager
async def _mapping(hub: Hub, mapping: MappingPool) -> AsyncIterator[None]:
    try:
        if _any_provider(hub, lambda provider: provider.isolated):
            hub.health.probe("mapping", mapping.check)
            hub.supervisor.keep("mapping", mapping.run)
        yield
    finally:
        await hub.supervisor.stop("mapping")
        await mapping.stop()


def _begin_counting(hub: Hub) -> None:
    """Count what each provider and each connection sends from now on, at zero."""
    _count_clients(hub)
    for name in providers_of(hub):
        hub.metrics.begin_provider(name, providers()[name].ignored_kinds)
    hub.metrics.begin_refusals("smtp", "mail-bytes", "session-too-long", "commands-without-mail")
    for tenant in hub.tenants.by_name.values():
        for id, connection in tenant.connections.items():
            hub.metrics.begin_connection(connection.provider, id)


def _count_clients(hub: Hub) -> None:
    hub.metrics.begin_provider("client")
    hub.metrics.begin_connection("client", "")


def _any_provider(hub: Hub, is_such: Callable[[Provider], bool]) -> bool:
    """Return whether the provider of any connection meets a condition."""
    known = providers()
    return any(is_such(known[name]) for name in providers_of(hub))


def providers_of(hub: Hub) -> set[str]:
    """Return the names of the providers of all connections."""
    tenants = hub.tenants.by_name.values()
    return {connection.provider for tenant in tenants for connection in tenant.connections.values()}
