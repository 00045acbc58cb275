"""Look up the connections that tenants configure, with their providers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from cx_channels.correlations import correlation_mistakes
from cx_channels.provider import Connection, Provider
from cx_channels.published_keys import NO_KEYS, PublishedKeys
from cx_events.spelling import nearest
from cx_runtime.configuration_errors import Mistakes
from cx_runtime.tenants import TenantConfig, Tenants

KeysOf = Callable[[str, str], PublishedKeys]
"""Returns the published keys that a connection may read: of a tenant's name and the connection's id."""


def no_keys(_tenant: str, _connection: str) -> PublishedKeys:
    """Return none: nobody fetches any here."""
    return NO_KEYS


def configured_connections(
    tenants: Tenants, providers: Mapping[str, Provider], keys_of: KeysOf = no_keys
) -> dict[str, tuple[Connection, Provider]]:
    """Return each connection with its provider, by its id. Raise ``Mistakes`` for a provider that does not exist, or a
    setting that it does not have."""
    mistakes = list(connection_mistakes(tenants.by_name, providers))
    if mistakes:
        raise Mistakes(mistakes)
    return {
        id: (
            Connection(id, name, config.provider, config.secrets, config.region, config.settings, keys_of(name, id)),
            providers[config.provider],
        )
        for name, tenant in tenants.by_name.items()
        for id, config in tenant.connections.items()
    }


def connection_mistakes(tenants: Mapping[str, TenantConfig], providers: Mapping[str, Provider]) -> Iterator[str]:
    """Yield each connection whose provider does not exist, each setting that its provider does not have, and what is
    wrong in correlations of connections."""
    for name, tenant in tenants.items():
        for id, config in tenant.connections.items():
            place = f"tenants.{name}.connections.{id}"
            if config.provider in providers:
                yield from _unknown_settings(place, providers[config.provider], config.settings)
            else:
                known = ", ".join(sorted(providers))
                yield f"{place}: there is no provider {config.provider!r}; there are {known}"
        yield from correlation_mistakes(name, tenant)


def check_setting_names(place: str, provider: Provider, names: Iterable[str]) -> None:
    """Raise ``Mistakes`` for a setting that the provider does not have. ``place``: of the connection."""
    mistakes = list(_unknown_settings(place, provider, names))
    if mistakes:
        raise Mistakes(mistakes)


def _unknown_settings(place: str, provider: Provider, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name not in provider.settings:
            near = nearest(str(name), provider.settings)
            known = f"did you mean {near!r}?" if near else f"{provider.name} has {_listed(provider)}"
            yield f"{place}.settings.{str(name)[:64]}: there is no such setting; {known}"


def _listed(provider: Provider) -> str:
    return ", ".join(sorted(provider.settings)) or "none"
