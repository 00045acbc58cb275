"""``verify``: the store held against the log and the definition."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console

from cx_hub.opened import load_tenants, opened_log, opened_store, run_async
from cx_hub.output import Format, OutputOption, show, to_err
from cx_identity.rules import DEFAULT
from cx_projectors.apply import Tenancy
from cx_projectors.verify import Findings
from cx_projectors.verify import verify as check
from cx_runtime.settings import Settings

MICROS = 1_000_000


def register(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify(output: OutputOption = Format.TEXT) -> None:
    """Hold every stored event and every context against the log. Exit 1 if anything is wrong."""
    to_err().print("reading the whole log and every context ...")
    findings = run_async(_verify(Settings()))
    show({"ok": not findings.wrong, **asdict(findings)}, output, lambda out: _tell(out, findings))
    if findings.wrong:
        raise typer.Exit(1)


async def _verify(settings: Settings) -> Findings:
    tenants = load_tenants(settings)
    known = {
        name: (Tenancy(tenants.ids(name), DEFAULT), tenant.threading.window * MICROS)
        for name, tenant in tenants.by_name.items()
    }
    async with opened_log(settings) as log, opened_store(settings) as store:
        return await check(store, log, known)


def _tell(out: Console, findings: Findings) -> None:
    out.print(
        f"{findings.records} records, {findings.events} events, {findings.customers} customers checked; "
        f"{findings.behind} records not applied yet"
    )
    for sentence in findings.wrong:
        out.print(f"wrong: {sentence}", markup=False)
    out.print("everything is as it should be" if not findings.wrong else f"{len(findings.wrong)} findings")
