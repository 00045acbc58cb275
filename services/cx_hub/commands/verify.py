"""``verify``: hold the store against the log and the definition."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cx_hub.output import Format, OutputOption, show
from cx_hub.progress_line import ProgressLine
from cx_hub.resources import load_tenants, opened_blobs, opened_log, opened_store, run_long
from cx_hub.tenancies import tenancies_and_windows
from cx_projectors.verify import Findings, How
from cx_projectors.verify import verify as check
from cx_runtime.settings import Settings

MOST_WORKERS = 2
"""Processes without being told: what shares the machine wants some of it, too."""


def register(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify(
    resume: Annotated[bool, typer.Option("--resume", help="Go on where one that was killed or failed was.")] = False,
    rate: Annotated[float | None, typer.Option(help="Records, rows and events a second, at most.", min=1)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that check: two, on one core one.", min=1, max=64)
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for what is read meanwhile. Usually CX_HOME/verify.", file_okay=False)
    ] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Hold every row of the store, every context and every blob against the log. Exit 1 if anything is wrong.

    To be behind is not wrong: what the log has beyond what was applied is counted, and waits for a projector.
    """
    settings = Settings()
    progress = _Steps()
    how = How(
        folder=work or settings.home / "verify",
        resume=resume,
        origin=_origin(settings),
        workers=workers or min(MOST_WORKERS, os.cpu_count() or 1),
        rate=rate,
        progress=progress.tell,
    )
    try:
        findings = run_long(_verify(settings, how))
    finally:
        progress.end()
    show({"ok": not findings.wrong, **asdict(findings)}, output, lambda out: _tell(out, findings))
    if findings.wrong:
        raise typer.Exit(1)


class _Steps:
    """Shows one step after the other."""

    def __init__(self) -> None:
        self._step = ""
        self._lines = ExitStack()

    def tell(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self.end()
            self._step = step
            self._line = self._lines.enter_context(ProgressLine(step, total or None))
        self._line.show(done)

    def end(self) -> None:
        self._lines.close()


def _origin(settings: Settings) -> bytes:
    """Return what stands for the log and the store, by which none of another hub is gone on with."""
    named = (settings.resolved_log_url(), settings.topic_prefix, settings.resolved_store_url())
    return blake2b("\n".join(named).encode(), digest_size=16).hexdigest().encode()


async def _verify(settings: Settings, how: How) -> Findings:
    tenants = load_tenants(settings)
    async with (
        opened_log(settings) as log,
        opened_store(settings, tenants) as store,
        opened_blobs(settings.resolved_blob_url()) as blobs,
    ):
        return await check(store, log, tenancies_and_windows(tenants), blobs, how)


def _tell(out: Console, findings: Findings) -> None:
    out.print(
        f"{findings.records} records, {findings.events} events, {findings.customers} customers, {findings.blobs} blobs "
        f"checked; behind by {findings.behind} records, which no projector has applied yet"
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
