"""Report what is missing in the settings and the configuration, over all connections of all tenants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cx_channels.provider import Connection, Provider
from cx_channels.readiness import SetupProblem, setup_problems
from cx_runtime.tenants import Tenants


class Finding(NamedTuple):
    """``place``: in the configuration, as ``tenants.acme.connections.acme-calls``."""

    place: str
    problem: SetupProblem


def findings(tenants: Tenants, known: Mapping[str, Provider], public_url: str) -> Iterator[Finding]:
    """Yield what connections lack, in the configuration's order; those whose provider is unknown are passed over."""
    for tenant, config in tenants.by_name.items():
        for id, its in config.connections.items():
            if its.provider in known:
                connection = Connection(id, tenant, its.provider, its.secrets, its.region, its.settings)
                for problem in setup_problems(connection, known[its.provider], public_url):
                    yield Finding(f"tenants.{tenant}.connections.{id}", problem)
