"""``connections``: show what each connection lacks, what came last by it, and what its webhooks missed."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from cx_channels.configured_connections import configured_connections
from cx_channels.media.references import fetches_media
from cx_channels.media.worker import ROW
from cx_channels.readiness import setup_problems
from cx_channels.registry import providers
from cx_context.store import poller_rows
from cx_context.store.poller_rows import Standing
from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_hub.cli import FAILED
from cx_hub.commands.catching_up import catch_up
from cx_hub.connection_states import ERROR, connection_state, polled_providers
from cx_hub.output import Format, OutputOption, print_table, show_rows, to_err, to_out
from cx_hub.request_counts import read_request_counts
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async
from cx_ops.connection_traffic import TrafficFound, read_traffic
from cx_runtime.settings import Settings

_COLUMNS = ("connection", "provider", "state", "last_event", "last_error", "refused", "poller")
_PROBLEM_COLUMNS = ("level", "connection", "reason", "detail")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Channel accounts that tenants configure.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("check")(check)
    group.command("catch-up")(catch_up)
    app.add_typer(group, name="connections")


def check(output: OutputOption = Format.TEXT) -> None:
    """Tell what each connection lacks (secrets, CX_PUBLIC_URL, the provider's settings), its latest event, its latest
    error, how many requests the hub at CX_URL refused, and how its poller gets on, where it has one.

    Exit 1 where a connection can take nothing, what came last by it could not be used, every request was refused, its
    poller is refused or runs nowhere, or log or store could not be asked.
    """
    settings = Settings()
    found, is_whole = run_async(_states(settings))
    if output is Format.TEXT:
        _tell(found)
    else:
        show_rows(found, (), output, "")
    if not is_whole or any(each["state"] == ERROR for each in found):
        raise typer.Exit(FAILED)


async def _states(settings: Settings) -> tuple[list[Json], bool]:
    """Return the connections' states, and whether log and store could be asked."""
    known = providers()
    connections = configured_connections(load_tenants(settings), known)
    traffic = await _traffic(settings, {id: each.tenant for id, (each, _) in connections.items()})
    counts = await read_request_counts(settings)
    standings, polled = traffic[1] if traffic is not None else {}, polled_providers()
    states = [
        connection_state(
            each.tenant,
            id,
            provider.name,
            setup_problems(each, provider, settings.public_url),
            traffic[0].by_connection[id] if traffic is not None else None,
            counts.get(id, {}) if counts is not None else None,
            standings.get(id, Standing(each.tenant, id, "", b""))
            if traffic is not None and provider.name in polled and provider.asks(each)
            else None,
            standings.get(ROW, Standing("", ROW, "", b""))
            if traffic is not None and fetches_media(each, provider)
            else None,
        )
        for id, (each, provider) in connections.items()
    ]
    return states, traffic is not None


async def _traffic(settings: Settings, connections: dict[str, str]) -> tuple[TrafficFound, dict[str, Standing]] | None:
    """Return what came last by each connection, and how pollers get on; None where log or store is away."""
    try:
        async with opened_log(settings) as log, opened_store(settings) as store:
            found = await read_traffic(log, store, connections)
            async with store.reading() as tx:
                standings = await poller_rows.standings(tx)
    except TryLater as error:
        to_err().print(f"latest events and errors are not known: {error}", markup=False)
        return None
    if found.looked_back_to:
        to_err().print(f"no event since {found.looked_back_to} counts as none", markup=False)
    return found, standings


def _tell(states: Sequence[Json]) -> None:
    if not any(each["requests"] is not None for each in states):
        to_err().print("refused requests are not known: no metrics at CX_URL for this key", markup=False)
    show_rows([_row(each) for each in states], _COLUMNS, Format.TEXT, "no connections")
    problems = [{"connection": each["connection"], **problem} for each in states for problem in each["problems"]]
    if problems:
        out = to_out()
        out.print()
        print_table(out, problems, _PROBLEM_COLUMNS)


def _row(state: Json) -> Json:
    event, error, requests = state["last_event"], state["last_error"], state["requests"]
    poller = state["poller"]
    return {
        **state,
        "last_event": event["time"] if event else "none",
        "last_error": error["time"] if error else "none",
        "refused": "?" if requests is None else requests.get("refused", 0),
        "poller": poller["state"] if poller is not None else "",
    }
