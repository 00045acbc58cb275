"""``connections catch-up``: ask vendors at once for what their webhooks did not bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from cx_channels.catch_up.known_events import KnownEvents
from cx_channels.catch_up.listing import listings
from cx_channels.catch_up.manual_run import CaughtUp, ManualRun
from cx_channels.catch_up.source import CatchUpParts
from cx_channels.intake import Intake, wall_clock
from cx_channels.provider import Connection, Provider
from cx_channels.registry import providers
from cx_context.store import poller_rows
from cx_events.errors import Refused
from cx_events.timestamps import Micros
from cx_hub.aws import aws_keys
from cx_hub.cli import FAILED
from cx_hub.output import Format, OutputOption, show_rows
from cx_hub.resources import load_tenants, opened_blobs, opened_log, opened_store, run_async
from cx_ops.moments import read_moment
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings
from cx_runtime.tenants import Tenants

_COLUMNS = ("connection", "provider", "since", "until", "listed", "missed", "stored", "problem")
_NONE = "no connection has an API to ask: see docs/operators.md, What was missed"


def catch_up(
    tenant: Annotated[str, typer.Option(help="Only this tenant's connections.")] = "",
    connection: Annotated[str, typer.Option(help="Only this connection.")] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="RFC 3339, or a time ago like 6h; else from where the hub last asked.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what was missed, and store nothing.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Ask vendors what came while nobody took it, and store what the hub does not have, under the ids that the webhooks
    would have given it. cx run pollers does the same by itself.

    Exit 1 where a vendor did not tell all of it.
    """
    begin = read_moment(since, "--since") if since else None
    found = run_async(_catch_up(Settings(), tenant, connection, begin, dry_run))
    show_rows([msgspec.to_builtins(each) for each in found], _COLUMNS, output, _NONE)
    if any(each.problem for each in found):
        raise typer.Exit(FAILED)


async def _catch_up(
    settings: Settings, tenant: str, connection: str, since: Micros | None, is_dry: bool
) -> list[CaughtUp]:
    tenants, metrics = load_tenants(settings), Metrics()
    async with (
        opened_log(settings) as log,
        opened_store(settings, tenants) as store,
        opened_blobs(settings.resolved_blob_url()) as blobs,
    ):
        intake = Intake(log, blobs, tenants, providers(), metrics)
        wanted = chosen(intake.connections, tenants, tenant, connection)
        parts = CatchUpParts(intake, KnownEvents(log, store), aws=aws_keys(settings))
        async with store.reading() as tx:
            cursors = await poller_rows.cursors(tx, list(wanted))
        found = []
        for id, each in wanted.items():
            asking = ManualRun(each, listings()[each.provider], parts, metrics, is_dry=is_dry)
            found.append(await asking.run(wall_clock(), since, cursors.get(id, b"")))
        return found


def chosen(
    connections: Mapping[str, tuple[Connection, Provider]], tenants: Tenants, tenant: str, connection: str
) -> dict[str, Connection]:
    """Return the connections to be asked, by their ids. Raise ``Refused`` for a name that can't be meant."""
    if tenant and tenant not in tenants.by_name:
        raise Refused(
            "unknown-tenant", f"--tenant: there is no tenant {tenant!r}; there are {_listed(tenants.by_name)}"
        )
    of_tenant = {id: each for id, each in connections.items() if tenant in ("", each[0].tenant)}
    if connection and connection not in of_tenant:
        raise Refused("unknown-connection", f"--connection: there is no {connection!r}; there are {_listed(of_tenant)}")
    asked = {id: its for id, (its, provider) in of_tenant.items() if its.provider in listings() and provider.asks(its)}
    if connection and connection not in asked:
        its = of_tenant[connection][0]
        why = "has no API set up" if its.provider in listings() else f"is of {its.provider}, whose vendor lists nothing"
        raise Refused("nothing-to-ask", f"--connection: {connection} {why}: see its README, What was missed")
    return {connection: asked[connection]} if connection else asked


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
