"""Look up the connections that tenants configure, with their providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.provider import Connection, Provider
from cx_events.errors import Fatal
from cx_events.spelling import nearest
from cx_runtime.tenants import Tenants


def configured_connections(
    tenants: Tenants, providers: Mapping[str, Provider]
) -> dict[str, tuple[Connection, Provider]]:
    """Return each connection with its provider, by its id. Raise ``Fatal`` for a provider that does not exist, or a
    setting that it does not have."""
    found: dict[str, tuple[Connection, Provider]] = {}
    for name, tenant in tenants.by_name.items():
        for id, config in tenant.connections.items():
            if config.provider not in providers:
                known = ", ".join(sorted(providers))
                place = f"tenants.{name}.connections.{id}"
                raise Fatal(f"{place}: there is no provider {config.provider!r}; there are {known}")
            check_setting_names(f"tenants.{name}.connections.{id}", providers[config.provider], config.settings)
            connection = Connection(id, name, config.provider, config.secrets, config.region, config.settings)
            found[id] = connection, providers[config.provider]
    return found


def check_setting_names(place: str, provider: Provider, names: Iterable[str]) -> None:
    """Raise ``Fatal`` for a setting that the provider does not have. ``place``: of the connection."""
    for name in names:
        if name not in provider.settings:
            near = nearest(str(name), provider.settings)
            known = f"did you mean {near!r}?" if near else f"{provider.name} has {_listed(provider)}"
            raise Fatal(f"{place}.settings.{str(name)[:64]}: there is no such setting; {known}")


def _listed(provider: Provider) -> str:
    return ", ".join(sorted(provider.settings)) or "none"
