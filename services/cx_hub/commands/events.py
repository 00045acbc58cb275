"""``events send``: CloudEvents to the hub over HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cx_events.errors import Refused, TryLater
from cx_events.strict_json import Limits, decode
from cx_hub.client import Client, connected, key_of
from cx_hub.output import Format, OutputOption, show, to_err
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
    output: OutputOption = Format.TEXT,
) -> None:
    """Send CloudEvents. Exit 2 if the hub rejected any; sending all again is safe."""
    settings = Settings()
    events = read_events(_content(file))
    accepted, rejected = run_async(_send_all(settings, events))

    for one in rejected:
        to_err().print(f"rejected: event {one['index']}: {one['reason']} {one.get('detail', '')}".rstrip())
    show(
        {"accepted": accepted, "rejected": rejected},
        output,
        lambda out: out.print(f"{len(accepted)} accepted, {len(rejected)} rejected"),
    )
    if rejected:
        raise typer.Exit(2)


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


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Refused("no-file", f"{file} can't be read: {error.strerror}") from None


async def _send_all(settings: Settings, events: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    accepted: list[Any] = []
    rejected: list[Any] = []
    async with connected(settings.url, key_of(settings)) as client:
        for start, batch in _batches(events):
            _, answer = await _patiently(client, batch)
            accepted += answer["accepted"]
            rejected += [{**one, "index": start + one["index"]} for one in answer["rejected"]]
    return accepted, rejected


def _batches(events: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    for start in range(0, len(events), AT_ONCE):
        yield start, events[start : start + AT_ONCE]


async def _patiently(client: Client, batch: Sequence[Any]) -> tuple[int, Any]:
    """Again where the hub says so: events are known by their ids."""
    for left in reversed(range(TRIES)):
        try:
            return await client.send(batch)
        except TryLater as error:
            if not left:
                raise
            to_err().print(f"{error.part} does not take events now ({error.detail}); trying again")
            await asyncio.sleep(error.retry_after)
    raise AssertionError("unreachable")
