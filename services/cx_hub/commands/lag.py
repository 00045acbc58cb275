"""``lag``: show how far projectors are behind, how fast they go, and how that was for a day."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cx_context.store.lag_samples import MINUTES_KEPT, WorkerReport
from cx_events.errors import Refused
from cx_events.timestamps import format_time
from cx_hub.output import Format, OutputOption, show, show_rows
from cx_hub.resources import opened_log, opened_store, run_async
from cx_ops.moments import read_moment
from cx_ops.projectors.reading import read_history, read_projectors
from cx_ops.projectors.states import LagMinute, ProjectorState
from cx_runtime.settings import Settings

_HEAD = f"{'partition':<22} {'state':<8} {'offset':>12} {'behind':>9} {'seconds':>8} {'/s':>7} {'level in':>8}"
_HISTORY_HEAD = f"{'minute':<20} {'offset':>14} {'end':>14} {'behind':>10} {'/s':>8} {'in /s':>8}"


def register(app: typer.Typer) -> None:
    app.command("lag")(lag)


def lag(
    history: Annotated[bool, typer.Option("--history", help="Minute by minute, kept for a day.")] = False,
    since: Annotated[str, typer.Option(metavar="TIME", help="Of the history: RFC 3339, or how long ago.")] = "1h",
    topic: Annotated[str, typer.Option(help="Of the history: this topic alone.")] = "",
    partition: Annotated[int | None, typer.Option(help="Of the history: this partition alone.", min=0)] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show how projectors get on: of each partition its state and owner, how many events wait and for how long, how
    many are applied a second, and when it will be level."""
    if history:
        found = run_async(_history(Settings(), minutes_since(since, time.time()), topic, partition))
        _show_history(found, output)
        return
    states, workers = run_async(_states(Settings()))
    if output is Format.TEXT:
        show({}, output, lambda out: _tell(out, states, workers))
    else:
        show_rows([msgspec.to_builtins(each) for each in states], (), output, "")


def minutes_since(text: str, now: float) -> int:
    """Return how many minutes ago a moment was, at most what is kept. Raises ``Refused("bad-time")``."""
    minutes = int((now - read_moment(text, "since", now) / 1_000_000) // 60) + 1
    if minutes < 1:
        raise Refused("bad-time", f"since: {text} has not come yet", 400)
    return min(minutes, MINUTES_KEPT)


async def _states(settings: Settings) -> tuple[list[ProjectorState], list[WorkerReport]]:
    async with opened_log(settings) as log, opened_store(settings) as store:
        return await read_projectors(log, store)


async def _history(settings: Settings, minutes: int, topic: str, partition: int | None) -> list[LagMinute]:
    async with opened_store(settings) as store:
        return await read_history(store, minutes, topic, partition)


def _tell(out: Console, states: Sequence[ProjectorState], workers: Sequence[WorkerReport]) -> None:
    """Print partitions below their owners: a worker's name is as long as it is, and stands on a line of its own."""
    if not states:
        out.print("no partitions yet")
    owners = sorted({each.owner for each in states if each.owner} | {each.worker for each in workers})
    reports = {each.worker: each for each in workers}
    for owner in [*owners, None]:
        rows = [each for each in states if each.owner == owner]
        if owner is not None:
            _line(out, f"{owner}{_said(reports.get(owner))}")
        elif rows:
            _line(out, "no owner")
        if rows:
            _line(out, _HEAD)
        for each in rows:
            _line(out, _row(each))


def _said(report: WorkerReport | None) -> str:
    if report is None:
        return ""
    version = f"  {report.version}" if report.version else ""
    gone = "" if report.is_live else ", gone"
    error = f"\n  last error {_at(report.error_at)}: {report.error}" if report.error else ""
    return f"{version}  {report.state} since {_at(report.since)}{gone}{error}"


def _row(each: ProjectorState) -> str:
    level = "never" if each.seconds_to_level is None else "now" if not each.events else f"{each.seconds_to_level:.0f} s"
    if each.events and each.rate is None:
        level = "?"
    rate = "?" if each.rate is None else f"{each.rate:.1f}"
    return (
        f"{f'{each.topic}/{each.partition}':<22} {each.state:<8} {each.position:>12} {each.events:>9} "
        f"{each.seconds:>8.1f} {rate:>7} {level:>8}"
    )


def _show_history(found: Sequence[LagMinute], output: Format) -> None:
    if output is not Format.TEXT:
        show_rows([msgspec.to_builtins(each) for each in found], (), output, "")
        return

    def tell(out: Console) -> None:
        if not found:
            out.print("no samples: no projector has run in that time")
        before = ""
        for each in found:
            name = f"{each.topic}/{each.partition}"
            if name != before:
                _line(out, name)
                _line(out, _HISTORY_HEAD)
                before = name
            rate, arrivals = ("?" if value is None else f"{value:.1f}" for value in (each.rate, each.arrivals))
            _line(
                out,
                f"{_at(each.minute):<20} {each.position:>14} {each.end:>14} {each.events:>10} {rate:>8} {arrivals:>8}",
            )

    show({}, output, tell)


def _line(out: Console, text: str) -> None:
    """Print without ever breaking a line: who copies a name wants it whole."""
    out.print(text, markup=False, soft_wrap=True)


def _at(seconds: float) -> str:
    return format_time(int(seconds) * 1_000_000)[:19] + "Z"
