"""Look up the connections that tenants configure, with their providers."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Connection, Provider
from cx_events.errors import Fatal
from cx_runtime.tenants import Tenants


def configured_connections(
    tenants: Tenants, providers: Mapping[str, Provider]
) -> dict[str, tuple[Connection, Provider]]:
    """Return each connection with its provider, by its id. Raise ``Fatal`` for a provider that does not exist."""
    found: dict[str, tuple[Connection, Provider]] = {}
    for name, tenant in tenants.by_name.items():
        for id, config in tenant.connections.items():
            if config.provider not in providers:
                known = ", ".join(sorted(providers))
                place = f"tenants.{name}.connections.{id}"
                raise Fatal(f"{place}: there is no provider {config.provider!r}; there are {known}")
            connection = Connection(id, name, config.provider, config.secrets, config.region, config.settings)
            found[id] = connection, providers[config.provider]
    return found
