"""``rebuild``: make anew what is made of the log, beside the live tables; compare it, exchange it, take it back; or
make a few customers anew in place.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from cx_context.store import Store
from cx_events.errors import Refused
from cx_events.ids import parse_node_id
from cx_hub.command_acts import Why, account
from cx_hub.commands.rebuild_view import show_customers, show_plan, show_status
from cx_hub.customer_names.in_store import customer_id_in_store
from cx_hub.customer_names.readings import HELP
from cx_hub.output import Format, OutputOption, to_err
from cx_hub.rebuilding import customers_rebuild, process_name, whole_rebuild, windows_of
from cx_hub.remapping import spaces_of
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async, run_long
from cx_ops.moments import read_moment
from cx_ops.rebuild import control
from cx_ops.rebuild.audit import announce
from cx_ops.rebuild.control import Asker, Status
from cx_ops.rebuild.customers import CustomersReport
from cx_ops.rebuild.fold_state import FoldState, fold_state
from cx_ops.rebuild.ownership import Ownership
from cx_ops.rebuild.plan import Plan, plan_of
from cx_ops.rebuild.selection import Selection, checked
from cx_runtime.pace import Pace
from cx_runtime.settings import Settings

Rate = Annotated[float | None, typer.Option(help="Events a second, at most.", min=1)]
Workers = Annotated[int, typer.Option(help="Workers that share the partitions.", min=1, max=64)]

Found = tuple[Status | None, FoldState]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Contexts made anew from the log, beside the live ones.", no_args_is_help=True)
    for command, name in (
        (context, "context"),
        (status, "status"),
        (pause, "pause"),
        (resume, "resume"),
        (cancel, "cancel"),
        (undo, "undo"),
        (drop, "drop"),
    ):
        group.command(name)(command)
    app.add_typer(group, name="rebuild")


def context(
    plan: Annotated[bool, typer.Option("--plan", help="Tell what it would do, and change nothing.")] = False,
    review: Annotated[bool, typer.Option("--review", help="Compare, and stop before anybody sees it.")] = False,
    fold_version: Annotated[
        bool, typer.Option("--fold-version", help="Only where an older fold made some parts; else do nothing.")
    ] = False,
    customer: Annotated[str, typer.Option(help=f"Only this customer, in place. {HELP}")] = "",
    tenant: Annotated[str, typer.Option(help="Only this tenant's customers, in place.")] = "",
    since: Annotated[
        str, typer.Option("--from", help="Only customers of whom something was recorded since then, in place: 2h.")
    ] = "",
    rate: Rate = None,
    workers: Workers = 1,
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Fill a second set of tables from the log, compare every customer, and give readers the new ones. Services run all
    the while; the old tables are kept until rebuild drop. Selected customers are made anew in place, from their stored
    events."""
    selection = Selection(tenant, None, read_moment(since, "--from") if since else None)
    if customer or not selection.is_everything:
        if workers > 1 or fold_version:
            raise Refused("bad-selection", "--workers and --fold-version are for a rebuild of everything", 400)
        show_customers(run_async(_customers(selection, customer, _asker(why), rate, review=review or plan)), output)
    elif plan:
        show_plan(run_async(_planned(rate)), output)
    elif fold_version and not (folds := run_async(_fold_state())).is_outdated:
        to_err().print(folds.told(), markup=False)
    else:
        _work("begin", lambda store: control.begin(store, _asker(why), review=review), why, rate, workers, output)


def status(output: OutputOption = Format.TEXT) -> None:
    """Show how the latest rebuild is, what differed, who asked for what, and which fold made the parts."""

    async def ask() -> Found:
        async with opened_store(Settings()) as store:
            return await control.status(store), await fold_state(store)

    show_status(*run_async(ask()), output)


def pause(why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Ask the process that works on it to stop; rebuild resume goes on."""
    _act("pause", lambda store: control.ask(store, _asker(why), "pause"), why, output)


def cancel(why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Stop, and delete the second set of tables: nothing is left of it."""
    _act("cancel", lambda store: control.ask(store, _asker(why), "cancel"), why, output)


def resume(rate: Rate = None, workers: Workers = 1, why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Go on with one that was paused, reviewed, or broke off."""
    _work("resume", lambda store: control.resume(store, _asker(why)), why, rate, workers, output)


def undo(rate: Rate = None, workers: Workers = 1, why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Give readers the tables back that the switch replaced, with all that came since."""
    _work("undo", lambda store: control.undo(store, _asker(why)), why, rate, workers, output)


def drop(why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Delete the tables that are kept; there is no undo afterwards."""
    _act("drop", lambda store: control.drop(store, _asker(why)), why, output)


def _act(what: str, act: Callable[[Store], Awaitable[Status]], why: str, output: Format) -> None:
    async def work() -> Found:
        settings = Settings()
        tenants = load_tenants(settings)
        async with opened_log(settings) as log, opened_store(settings, tenants) as store:
            found = await act(store)
            await announce(log, spaces_of(tenants), _asker(why), what)
            return found, await fold_state(store)

    show_status(*run_long(work()), output)


def _asker(why: str) -> Asker:
    return Asker(account(), why, process_name())


async def _fold_state() -> FoldState:
    async with opened_store(Settings()) as store:
        return await fold_state(store)


async def _planned(rate: float | None) -> Plan:
    settings = Settings()
    async with opened_log(settings) as log, opened_store(settings) as store:
        before = await control.status(store)
        known = before.record.rate if before is not None else 0.0
        return await plan_of(store, log, rate=rate, known_rate=known)


async def _customers(
    selection: Selection, customer: str, asker: Asker, rate: float | None, *, review: bool
) -> CustomersReport:
    """Rebuild the selected customers in place. ``customer``: the name of one, empty for none."""
    settings = Settings()
    tenants = load_tenants(settings)
    selection = checked(selection, windows_of(tenants), time.time_ns() // 1000)
    async with opened_log(settings) as log, opened_store(settings, tenants) as store:
        if customer:
            id = await customer_id_in_store(store, tenants, customer, selection.tenant)
            one = selection._replace(customer=parse_node_id(id))
            selection = checked(one, windows_of(tenants), time.time_ns() // 1000)
        rebuild = customers_rebuild(tenants, store, _tell)
        report = await rebuild.run(selection, review=review, pace=Pace(rate).keep)
        if report.written:
            told = {
                "selection": dict(selection.as_texts()),
                "customers": report.customers,
                "differing": report.differing,
            }
            concerned = {selection.tenant} if selection.tenant else None
            await announce(log, spaces_of(tenants), asker, "customers", told, concerned)
        return report


def _work(
    what: str,
    claim: Callable[[Store], Awaitable[Ownership]],
    why: str,
    rate: float | None,
    workers: int,
    output: Format,
) -> None:
    async def work() -> Found:
        settings = Settings()
        tenants = load_tenants(settings)
        async with opened_log(settings) as log, opened_store(settings, tenants) as store:
            own = await claim(store)
            async with own.renewed():  # the log may be away for longer than a lease lasts
                await announce(log, spaces_of(tenants), _asker(why), what)
            own = await whole_rebuild(settings, tenants, log, store, own, _tell, rate, workers).run()
            return Status(own.phase, "", "", own.record), await fold_state(store)

    show_status(*run_long(work()), output)


def _tell(sentence: str) -> None:
    to_err().print(sentence, markup=False)
