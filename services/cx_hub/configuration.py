"""Report what is missing in the settings and the configuration, over all connections of all tenants."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from cx_channels.configured_connections import connection_mistakes
from cx_channels.kit.aws.login import read_by_hubs_identity
from cx_channels.provider import Connection, Provider
from cx_channels.readiness import SetupProblem, setup_problems
from cx_events.errors import Fatal
from cx_hub.identity_rules import configured_rules
from cx_runtime.outbound.reach import Reach
from cx_runtime.tenants import TenantConfig, Tenants


class Finding(NamedTuple):
    """``place``: in the configuration, as ``tenants.acme.connections.acme-calls``."""

    place: str
    problem: SetupProblem


def findings(tenants: Tenants, known: Mapping[str, Provider], public_url: str) -> Iterator[Finding]:
    """Yield what connections lack, in the configuration's order; those whose provider is unknown are passed over."""
    for place, connection in _connections(tenants.by_name):
        if connection.provider in known:
            for problem in setup_problems(connection, known[connection.provider], public_url):
                yield Finding(place, problem)


def _connections(tenants: Mapping[str, TenantConfig]) -> Iterator[tuple[str, Connection]]:
    for tenant, config in tenants.items():
        for id, its in config.connections.items():
            connection = Connection(id, tenant, its.provider, its.secrets, its.region, its.settings)
            yield f"tenants.{tenant}.connections.{id}", connection


class Row(NamedTuple):
    """A line of ``cx config check``. ``level``: ``error``, ``warning``, or ``info`` for what is set up well."""

    level: str
    place: str
    reason: str
    detail: str


def all_findings(
    tenants: Mapping[str, TenantConfig],
    known: Mapping[str, Provider],
    public_url: str,
    reach: Reach,
    at_aws: Collection[str],
) -> Iterator[Row]:
    """Yield all that is wrong or missing in tenants that can be read, where a start would end with the first.

    ``at_aws``: the tenants that may log in at AWS by the hub's own identity, ``*`` for all.
    """
    for name, tenant in tenants.items():
        try:
            configured_rules(name, tenant)
        except Fatal as mistake:
            yield mistake_row(str(mistake))
    yield from map(mistake_row, connection_mistakes(tenants, known))
    for place, connection in _connections(tenants):
        if connection.provider not in known:
            continue
        try:
            problems = setup_problems(connection, known[connection.provider], public_url)
        except Fatal as mistake:
            yield from _mistakes_of(place, str(mistake))
            continue
        for each in problems:
            yield Row("warning" if each.works else "error", place, each.reason, each.detail)
        for note in known[connection.provider].notes(connection):
            yield Row("info", place, "set-up", note)
        if not {"*", connection.tenant} & set(at_aws):
            yield from _without_identity(place, connection)
    yield from _unreachable_receivers(tenants, reach)


def _without_identity(place: str, connection: Connection) -> Iterator[Row]:
    """Yield a line where a connection asks for the hub's own identity, which its tenant may not use."""
    if read := read_by_hubs_identity(connection):
        settings = " and ".join(f"settings.{name}" for name in read)
        why = (
            f"CX_AWS_TENANTS does not list {connection.tenant}: nothing of {settings} is read by the hub's own identity"
        )
        yield Row("warning", place, "not-allowed", why)


def _mistakes_of(connection: str, mistakes: str) -> Iterator[Row]:
    """Yield a line for each mistake in a connection's settings; one that names no place is the connection's."""
    for each in mistakes.splitlines():
        yield mistake_row(each) if each.startswith(f"{connection}.") else Row("error", connection, "mistake", each)


def mistake_row(mistake: str) -> Row:
    """Return the line of a mistake, which begins with its place."""
    place, colon, detail = mistake.partition(": ")
    if not colon or " is " in place or " has " in place:  # a sentence that begins with it
        place, detail = mistake.split(" ", 1)[0], mistake
    return Row("error", place, "mistake", detail)


def _unreachable_receivers(tenants: Mapping[str, TenantConfig], reach: Reach) -> Iterator[Row]:
    """Yield the subscriptions whose receivers nothing is sent to. Names are looked up as a delivery would."""
    for name, tenant in tenants.items():
        for id, its in tenant.subscriptions.items():
            place, parts = f"tenants.{name}.subscriptions.{id}.url", urlsplit(its.url)
            host = parts.hostname or ""
            try:
                found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                yield Row("warning", place, "no-address", f"{host} has no address here")
                continue
            addresses = {str(each[4][0]) for each in found}
            if not any(map(reach.reaches, addresses)):
                why = f"{host} is in a private network that CX_OUTBOUND_NETWORKS does not list: nothing is sent to it"
                yield Row("error", place, "private-address", why)
            elif parts.scheme == "http" and not any(map(reach.allows, addresses)):
                why = "http:// is sent to networks alone that CX_OUTBOUND_NETWORKS lists: use https://"
                yield Row("error", place, "plain-http", why)
