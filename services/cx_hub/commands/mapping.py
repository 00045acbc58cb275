"""``map``: what a recorded request or message becomes, without a hub."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from cx_channels.dry_run import DryRunResult, dry_run
from cx_events.errors import Refused
from cx_hub.output import Format, OutputOption, line, show_rows

ONLY_IGNORED = 3
_COLUMNS = ("time", "type", "interaction", "id")


def register(app: typer.Typer) -> None:
    app.command("map")(map_files)


def map_files(
    provider: Annotated[str, typer.Argument(metavar="CHANNEL/PROVIDER", help="As in voice/twilio.")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Recorded bodies; - is standard input.")],
    content_type: Annotated[str | None, typer.Option(help="Guessed from the file where not given.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="A header of the request, 'Name: value'.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option(help="One of the connection's settings, 'name=value', the value as YAML.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Country whose national phone numbers are read, as US.")] = None,
    output: OutputOption = Format.JSONL,
) -> None:
    """Show what recorded requests or messages become: events as JSON lines, unless -o says otherwise.

    Exit 0: events; 2: refused, or a part could not be mapped; 3: only kinds that are left out on purpose, or that no
    adapter maps yet.
    """
    headers = [_header(text) for text in header or ()]
    settings = dict(_setting(text) for text in setting or ())
    results = [
        dry_run(
            provider,
            _content(name),
            content_type=content_type,
            headers=headers,
            filename=name,
            settings=settings,
            region=region,
        )
        for name in files
    ]
    if output is not Format.JSONL:
        _show([event.raw for result in results for event in result.events], output)
    for name, result in zip(files, results, strict=True):
        _print(name if len(files) > 1 else "", result, output)
    codes = {result.exit_code for result in results}
    raise typer.Exit(2 if 2 in codes else 0 if 0 in codes else ONLY_IGNORED)


def _show(events: Sequence[bytes], output: Format) -> None:
    rows = [msgspec.json.decode(raw, type=dict[str, Any]) for raw in events]
    if output is Format.TEXT:
        rows = [{**row, "interaction": row.get("data", {}).get("interaction")} for row in rows]
    show_rows(rows, _COLUMNS, output, "no events")


def _print(name: str, result: DryRunResult, output: Format) -> None:
    """Print the events as lines, where that is asked for, and all else on stderr."""
    if output is Format.JSONL:
        for event in result.events:
            line(event.raw)
    for told in result.lines()[len(result.events) :]:
        sys.stderr.buffer.write((f"{name}: ".encode() if name else b"") + told + b"\n")
    sys.stderr.flush()


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Refused("bad-header", f"a header is written 'Name: value', not {text[:64]!r}")
    return name, value


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise Refused("bad-setting", f"a setting is written 'name=value', not {text[:64]!r}")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise Refused("bad-setting", f"the value of the setting {name.strip()[:64]!r} is not YAML") from None


def _content(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refused("no-file", f"{name} can't be read: {error.strerror}") from None
