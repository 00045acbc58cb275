"""``size``: tell how many bytes tables and topics take, and a million events."""

from __future__ import annotations

import msgspec
import typer
from rich.console import Console

from cx_hub.output import Format, OutputOption, show, show_rows
from cx_hub.resources import opened_log, opened_store, run_async
from cx_ops.sizes import Size, sizes_of
from cx_runtime.settings import Settings

_MB = 1_000_000


def register(app: typer.Typer) -> None:
    app.command("size")(size)


def size(output: OutputOption = Format.TEXT) -> None:
    """Tell the bytes of each table (on disk, indexes included) and topic (as sent), in all and for a million events."""
    events, found = run_async(_sizes(Settings()))
    if output is Format.TEXT:
        show({}, output, lambda out: _tell(out, events, found))
    else:
        show_rows([msgspec.to_builtins(each) for each in found], (), output, "")


async def _sizes(settings: Settings) -> tuple[int, list[Size]]:
    async with opened_log(settings) as log, opened_store(settings) as store:
        return await sizes_of(log, store)


def _tell(out: Console, events: int, found: list[Size]) -> None:
    out.print(f"{events} events", markup=False)
    out.print(f"{'':<6}{'name':<22} {'rows':>12} {'MB':>12} {'MB a million':>14}", markup=False, soft_wrap=True)
    for kind in ("table", "topic"):
        rows = [each for each in found if each.kind == kind]
        total = Size(kind, "in all", 0, sum(each.size for each in rows), sum(each.per_million or 0 for each in rows))
        for each in [*rows, total]:
            million = "" if each.per_million is None else f"{each.per_million / _MB:.1f}"
            counted = "" if each is total else str(each.rows)
            line = f"{kind:<6}{each.name:<22} {counted:>12} {each.size / _MB:>12.1f} {million:>14}"
            out.print(line, markup=False, soft_wrap=True)
