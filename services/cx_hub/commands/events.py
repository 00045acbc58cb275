"""``events send``: send CloudEvents to the hub over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json
from cx_events.strict_json import Limits, decode
from cx_hub.client import Client, connected, key_of
from cx_hub.input_files import content_of
from cx_hub.output import Format, OutputOption, line, show, to_err
from cx_hub.resources import run_async
from cx_runtime.settings import Settings

AT_ONCE = 100
TRIES = 6
MAX_BYTES = 64 << 20


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Events to the hub.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("send")(send)
    app.add_typer(group, name="events")


def send(
    file: Annotated[str, typer.Argument(help="One event, an array of them, or JSON lines; - is standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; print what would be stored, an event a line.")
    ] = False,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="Return once all of them can be read; exit 1 after so long.", min=0)
    ] = 0.0,
    output: OutputOption = Format.TEXT,
) -> None:
    """Send CloudEvents. Exit 2 if the hub rejected any; sending all again is safe. What is probably misspelt is told on
    stderr."""
    answer = run_async(_send_all(Settings(), read_events(content_of(file)), dry_run))
    for one in answer["rejected"]:
        to_err().print(
            f"rejected: event {one['index']}: {one['reason']} {one.get('detail', '')}".rstrip(), markup=False
        )
    for one in answer["warnings"]:
        to_err().print(f"event {one['index']}: {one['detail']}", markup=False)
    events = answer.pop("events")
    if wait and not dry_run:
        run_async(_wait_until_read(Settings(), answer["accepted"], wait))
    if dry_run and output is not Format.JSON:
        for event in events:
            line(event)
    else:
        show({**answer, "events": events} if dry_run else answer, output, lambda out: _tell(out, answer))
    if answer["rejected"]:
        raise typer.Exit(2)


async def _wait_until_read(settings: Settings, accepted: Sequence[Json], seconds: float) -> None:
    """Raise ``TryLater`` where an event can't be read after so many seconds."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    async with connected(settings.url, key_of(settings)) as client:
        for one in accepted:
            while not await _is_read(client, one):
                if clock() > until:
                    raise TryLater("projector", f"{one['source']}#{one['id']} was not applied in {seconds:g} s")
                await asyncio.sleep(0.1)


async def _is_read(client: Client, accepted: Json) -> bool:
    try:
        await client.get("/v1/event", source=accepted["source"], id=accepted["id"])
    except Refused as refused:
        if refused.reason != "unknown-event":
            raise
        return False
    return True


def _tell(out: Console, answer: Json) -> None:
    out.print(f"{len(answer['accepted'])} accepted, {len(answer['rejected'])} rejected")


def read_events(content: bytes) -> list[Any]:
    """The JSON values in a file: one, those of an array, or one on each line. ``Refused`` names the line."""
    limits = Limits(max_bytes=MAX_BYTES)
    try:
        whole = decode(content, limits)
    except Refused:
        if b"\n" not in content.strip():
            raise
        return [_line(number, text, limits) for number, text in enumerate(content.splitlines(), 1) if text.strip()]
    return whole if isinstance(whole, list) else [whole]


def _line(number: int, text: bytes, limits: Limits) -> Any:
    try:
        return decode(text, limits)
    except Refused as error:
        raise Refused(error.reason, f"line {number}: {error.detail}") from None


async def _send_all(settings: Settings, events: Sequence[Any], dry_run: bool) -> Json:
    whole: Json = {"accepted": [], "rejected": [], "warnings": [], "events": []}
    async with connected(settings.url, key_of(settings)) as client:
        for start, batch in _batches(events):
            _, answer = await _patiently(client, batch, dry_run)
            for name in ("accepted", "events"):
                whole[name] += answer[name]
            for name in ("rejected", "warnings"):
                whole[name] += [{**one, "index": start + one["index"]} for one in answer[name]]
    return whole


def _batches(events: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    for start in range(0, len(events), AT_ONCE):
        yield start, events[start : start + AT_ONCE]


async def _patiently(client: Client, batch: Sequence[Any], dry_run: bool) -> tuple[int, Any]:
    """Again where the hub says so: events are known by their ids."""
    for left in reversed(range(TRIES)):
        try:
            return await client.send(batch, dry_run=dry_run)
        except TryLater as error:
            if not left:
                raise
            to_err().print(f"{error.part} does not take events now ({error.detail}); trying again")
            await asyncio.sleep(error.retry_after)
    raise AssertionError("unreachable")
