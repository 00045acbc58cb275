"""``verify``: the store held against the log and the definition."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console

from cx_events.blob.open import open_blobs
from cx_hub.output import Format, OutputOption, show, to_err
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async
from cx_hub.tenancies import tenancies_and_windows
from cx_projectors.verify import Findings
from cx_projectors.verify import verify as check
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify(output: OutputOption = Format.TEXT) -> None:
    """Hold every row of the store and every context against the log. Exit 1 if anything is wrong.

    To be behind is not wrong: what the log has beyond what was applied is counted, and waits for a projector.
    """
    to_err().print("reading the whole log, every table and every context ...")
    findings = run_async(_verify(Settings()))
    show({"ok": not findings.wrong, **asdict(findings)}, output, lambda out: _tell(out, findings))
    if findings.wrong:
        raise typer.Exit(1)


async def _verify(settings: Settings) -> Findings:
    tenants = load_tenants(settings)
    blobs = open_blobs(settings.resolved_blob_url())
    async with opened_log(settings) as log, opened_store(settings) as store:
        await blobs.start()
        try:
            return await check(store, log, tenancies_and_windows(tenants), blobs)
        finally:
            await blobs.stop()


def _tell(out: Console, findings: Findings) -> None:
    out.print(
        f"{findings.records} records, {findings.events} events, {findings.customers} customers, {findings.blobs} blobs "
        "checked; "
        f"behind by {findings.behind} records, which no projector has applied yet"
    )
    if findings.set_aside:
        out.print(f"{findings.set_aside} events could not be applied: cx dlq list --reason not-applied")
    for sentence in findings.notes:
        out.print(sentence, markup=False)
    for sentence in findings.wrong:
        out.print(f"wrong: {sentence}", markup=False)
    if findings.wrong:
        out.print(f"{len(findings.wrong)} findings")
    elif findings.events:
        out.print("everything is as it should be")
