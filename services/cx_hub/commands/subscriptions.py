"""``subscriptions``: show and steer what goes to receivers outside as it comes, and what waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console

from cx_events.json_types import Json
from cx_events.stamp import COMMAND_WRITER
from cx_hub.command_acts import account
from cx_hub.output import Format, OutputOption, print_table, show, show_rows
from cx_hub.remapping import spaces_of
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async
from cx_ops.subscriptions.acts import SubscriptionActs
from cx_ops.subscriptions.overview import find, overview, whole
from cx_ops.subscriptions.subscription import Subscription, subscriptions_of
from cx_runtime.settings import Settings

_COLUMNS = (
    "tenant", "id", "state", "delivered", "behind", "waiting_keys", "dead_letter_count", "oldest_failure", "last_error",
)  # fmt: skip

Id = Annotated[str, typer.Argument(metavar="ID", help="As configured.")]
Tenant = Annotated[str, typer.Option(help="Of this tenant, where several have one of this name.")]
Why = Annotated[str, typer.Option(help="Why, for the event that tells of it.")]
Act = Callable[[Subscription, str, str, str], Awaitable[Json]]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What goes to receivers outside, and what waits for them.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show_one)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("retry")(retry)
    app.add_typer(group, name="subscriptions")


def list_(output: OutputOption = Format.TEXT) -> None:
    """All subscriptions: state, how many were delivered, how far behind, what waits and why."""

    async def ask() -> list[Json]:
        settings = Settings()
        async with opened_log(settings) as log, opened_store(settings) as store:
            return await overview(log, store, subscriptions_of(load_tenants(settings)))

    show_rows(run_async(ask()), _COLUMNS, output, "no subscriptions")


def show_one(id: Id, tenant: Tenant = "", output: OutputOption = Format.TEXT) -> None:
    """A subscription with its partitions, the keys that wait and the dead letters."""

    async def ask() -> Json:
        settings = Settings()
        wanted = find(subscriptions_of(load_tenants(settings)), id, tenant)
        async with opened_log(settings) as log, opened_store(settings) as store:
            return await whole(log, store, wanted)

    found = run_async(ask())
    show(found, output, lambda out: _tell(out, found))


def pause(
    id: Id,
    why: Annotated[str, typer.Option(help="Why, for whoever finds it paused.")],
    tenant: Tenant = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Deliver nothing until it is resumed. Nothing is lost: it goes on where it was."""
    _act(id, tenant, why, output, lambda acts: acts.pause)


def resume(id: Id, why: Why = "", tenant: Tenant = "", output: OutputOption = Format.TEXT) -> None:
    """Go on, after a pause or after the receiver had answered 410."""
    _act(id, tenant, why, output, lambda acts: acts.resume)


def retry(id: Id, why: Why = "", tenant: Tenant = "", output: OutputOption = Format.TEXT) -> None:
    """Try now what waits, and the dead letters once more."""
    _act(id, tenant, why, output, lambda acts: acts.retry)


def _act(id: str, tenant: str, why: str, output: Format, chosen: Callable[[SubscriptionActs], Act]) -> None:
    async def work() -> Json:
        settings = Settings()
        tenants = load_tenants(settings)
        wanted = find(subscriptions_of(tenants), id, tenant)
        async with opened_log(settings) as log, opened_store(settings, tenants) as store:
            act = chosen(SubscriptionActs(log, store, spaces_of(tenants)))
            return await act(wanted, COMMAND_WRITER, account(), why)

    done = run_async(work())
    show(done, output, lambda out: out.print(", ".join(f"{name} {value}" for name, value in done.items())))


def _tell(out: Console, found: Json) -> None:
    for name, value in found.items():
        if not isinstance(value, list):
            out.print(f"{name:18} {'' if value is None else value}", markup=False)
    for name in ("partitions", "waiting", "dead_letters"):
        if found[name]:
            out.print(f"\n{name.replace('_', ' ')}", markup=False)
            print_table(out, found[name], found[name][0])
