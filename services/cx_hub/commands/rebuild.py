"""``rebuild``: what is made of the log, made anew beside the live tables, compared, exchanged, and taken back."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cx_context.store import Store
from cx_events.json_types import Json
from cx_events.log import Log
from cx_hub.output import Format, OutputOption, show, to_err
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async
from cx_hub.tenancies import tenancies_and_windows, tenancies_of
from cx_ops.rebuild import control
from cx_ops.rebuild.comparison import Watch
from cx_ops.rebuild.control import Asker, Status
from cx_ops.rebuild.ownership import Ownership
from cx_ops.rebuild.plan import Plan, plan_of
from cx_ops.rebuild.run import Filler, Rebuild
from cx_projectors.catch_up import CatchUp
from cx_runtime.settings import Settings

Why = Annotated[str, typer.Option("--why", help="Kept with the act, beside who you are.")]
Rate = Annotated[float | None, typer.Option(help="Events a second, at most.", min=1)]
Workers = Annotated[int, typer.Option(help="Workers that share the partitions.", min=1, max=64)]


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
    review: Annotated[bool, typer.Option("--review", help="Compare, and stop before the switch.")] = False,
    rate: Rate = None,
    workers: Workers = 1,
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Fill a second set of tables from the log, compare every customer, and give readers the new ones. Services run all
    the while; the old tables are kept until rebuild drop."""
    if plan:
        planned = run_async(_planned(rate))
        show(msgspec.to_builtins(planned), output, lambda out: _tell_plan(out, planned))
        return
    _work(lambda store: control.begin(store, _asker(why), review=review), rate, workers, output)


def status(output: OutputOption = Format.TEXT) -> None:
    """How the latest rebuild is, what differed, and who asked for what."""

    async def ask() -> Status | None:
        async with opened_store(Settings()) as store:
            return await control.status(store)

    _show(run_async(ask()), output)


def pause(why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Ask the process that works on it to stop; rebuild resume goes on."""
    _ask("pause", why, output)


def cancel(why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Stop, and delete the second set of tables: nothing is left of it."""
    _ask("cancel", why, output)


def resume(rate: Rate = None, workers: Workers = 1, why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Go on with one that was paused, reviewed, or broke off."""
    _work(lambda store: control.resume(store, _asker(why)), rate, workers, output)


def undo(rate: Rate = None, workers: Workers = 1, why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Give readers the tables back that the switch replaced, with all that came since."""
    _work(lambda store: control.undo(store, _asker(why)), rate, workers, output)


def drop(why: Why = "", output: OutputOption = Format.TEXT) -> None:
    """Delete the tables that are kept; there is no undo afterwards."""

    async def ask() -> Status:
        async with opened_store(Settings()) as store:
            return await control.drop(store, _asker(why))

    _show(run_async(ask()), output)


def _ask(wanted: str, why: str, output: Format) -> None:
    async def ask() -> Status:
        async with opened_store(Settings()) as store:
            return await control.ask(store, _asker(why), wanted)

    _show(run_async(ask()), output)


def _asker(why: str) -> Asker:
    return Asker(getpass.getuser(), why, f"{platform.node()}-{os.getpid()}")


async def _planned(rate: float | None) -> Plan:
    settings = Settings()
    async with opened_log(settings) as log, opened_store(settings) as store:
        before = await control.status(store)
        known = before.record.rate if before is not None else 0.0
        return await plan_of(store, log, rate=rate, known_rate=known)


def _work(claim: Callable[[Store], Awaitable[Ownership]], rate: float | None, workers: int, output: Format) -> None:
    async def work() -> Status:
        settings = Settings()
        async with opened_log(settings) as log, opened_store(settings) as store:
            own = await claim(store)
            rebuild = composed(settings, log, store, own, rate, workers)
            own = await rebuild.run()
            return Status(own.phase, "", "", own.record)

    _show(run_async(work()), output)


def composed(
    settings: Settings, log: Log, store: Store, own: Ownership, rate: float | None = None, workers: int = 1
) -> Rebuild:
    """Put a rebuild together: the projectors' path fills what the operators' part asks for."""
    tenants = load_tenants(settings)
    tenancies = tenancies_of(tenants)
    windows = {name: (each.ids, window) for name, (each, window) in tenancies_and_windows(tenants).items()}

    def filler(shadow: Store, watch: Watch) -> Filler:
        name = f"rebuild-{platform.node()}-{os.getpid()}"
        return CatchUp(shadow, log, tenancies, name, watch, workers=workers, rate=rate, batch=settings.batch_events)

    err = to_err()
    return Rebuild(store, own, windows, filler, lambda sentence: err.print(sentence, markup=False))


def _show(found: Status | None, output: Format) -> None:
    if found is None:
        show({"phase": None}, output, lambda out: out.print("nothing was ever rebuilt here"))
        return
    told: Json = {
        "phase": found.phase,
        "owner": found.owner,
        "wanted": found.wanted,
        **msgspec.to_builtins(found.record),
    }
    show(told, output, lambda out: _tell(out, found))


def _tell_plan(out: Console, plan: Plan) -> None:
    out.print(
        f"{plan.events} records to apply: about {plan.seconds:.0f} s at {plan.rate:.0f} a second; "
        f"{plan.bytes / (1 << 20):.0f} MB more on the store's disk"
    )
    for sentence in plan.locks:
        out.print(sentence, markup=False)


def _tell(out: Console, found: Status) -> None:
    record = found.record
    works = f", {found.owner} works on it" if found.owner else ""
    asked = f", asked to {found.wanted}" if found.wanted else ""
    out.print(f"{found.phase} since {record.started}{works}{asked}", markup=False)
    if record.events:
        out.print(f"{record.applied} of {record.events} records applied, {record.rate:.0f} a second")
    if (report := record.report) is not None:
        out.print(f"{report.customers} customers compared at {report.at}, {report.differing} differ")
        for one in report.first:
            events = f"; {', '.join(one.events)}" if one.events else ""
            out.print(f"  {one.tenant} {one.customer}: {', '.join(one.paths) or '/'}{events}", markup=False)
        for table in report.tables:
            if table.differing or table.live != table.rebuilt:
                differ = f", {table.differing} rows differ" if table.differing is not None else ""
                out.print(f"  table {table.table}: {table.live} rows, rebuilt {table.rebuilt}{differ}", markup=False)
    for act in record.acts:
        out.print(f"  {act.at} {act.what} by {act.who}{f': {act.why}' if act.why else ''}", markup=False)
