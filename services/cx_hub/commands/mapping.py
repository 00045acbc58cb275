"""``map``: show what a recorded request or message becomes, without a hub."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from cx_channels.correlations import Correlations, correlation_mistakes
from cx_channels.dry_run import DryRunResult, check_settings, dry_run
from cx_channels.kit.declaration.mapping import SETTING as MAPPING
from cx_events.errors import Refused
from cx_hub.input_files import content_of
from cx_hub.output import Format, OutputOption, line, show_rows
from cx_runtime.settings import Settings, environment
from cx_runtime.tenants import ConnectionConfig, load

ONLY_IGNORED = 3
_COLUMNS = ("time", "type", "interaction", "id")
_SAME_CALL = "same-call"


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
    mapping: Annotated[
        Path | None, typer.Option(help="A YAML file with a declared mapping, the setting of that name of */generic.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option(help="A connection of CX_CONFIG, whose settings and region are taken.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Country whose national phone numbers are read, as US.")] = None,
    output: OutputOption = Format.JSONL,
) -> None:
    """Show what recorded requests or messages become: events as JSON lines, unless -o says otherwise.

    Exit 0: events; 2: refused, or a part could not be mapped; 3: only kinds that are left out on purpose, or that no
    adapter maps yet. With --connection a call bears the references (same-call) that the tenant's correlations make;
    calls of two connections with an equal one are joined.
    """
    configured, more = _configured(connection, provider) if connection is not None else (None, {})
    settings = _settings(configured, setting or (), mapping)
    region = region or (configured.region if configured is not None else None)
    check_settings(provider, settings, region)
    headers = [_header(text) for text in header or ()]
    more |= {"content_type": content_type, "headers": headers, "settings": settings, "region": region}
    results = [dry_run(provider, content_of(name), filename=name, **more) for name in files]
    if output is not Format.JSONL:
        _show([event.raw for result in results for event in result.events], output)
    for name, result in zip(files, results, strict=True):
        _print(name if len(files) > 1 else "", result, output)
    codes = {result.exit_code for result in results}
    raise typer.Exit(2 if 2 in codes else 0 if 0 in codes else ONLY_IGNORED)


def _show(events: Sequence[bytes], output: Format) -> None:
    rows = [msgspec.json.decode(raw, type=dict[str, Any]) for raw in events]
    if output is Format.TEXT:
        rows = [_text_row(row) for row in rows]
    correlated = any(row.get(_SAME_CALL) for row in rows)
    show_rows(rows, (*_COLUMNS, _SAME_CALL) if correlated else _COLUMNS, output, "no events")


def _text_row(row: dict[str, Any]) -> dict[str, Any]:
    data = row.get("data", {})
    same_call = [each["value"] for each in data.get("references", ()) if each["kind"] == _SAME_CALL]
    return {**row, "interaction": data.get("interaction"), _SAME_CALL: ", ".join(same_call)}


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


def _configured(name: str, provider: str) -> tuple[ConnectionConfig, dict[str, Any]]:
    """Return a connection's configuration, and its id with the correlations of all tenants for the dry run."""
    settings = Settings()
    tenants = load(settings.config, settings.home, environment())
    found = tenants.connection(name)
    if found is None:
        raise Refused("unknown-connection", f"the configuration has no connection {name[:64]!r}")
    if found[1].provider != provider:
        raise Refused("bad-connection", f"the connection {name[:64]!r} is of {found[1].provider}, not of {provider}")
    mistakes = list(correlation_mistakes(found[0], tenants.by_name[found[0]]))
    if mistakes:
        raise Refused("bad-correlations", "\n  ".join(mistakes))
    return found[1], {"connection_id": name, "correlations": Correlations(tenants.by_name)}


def _settings(configured: ConnectionConfig | None, given: Iterable[str], mapping: Path | None) -> dict[str, Any]:
    """Return a connection's settings: those of the configuration, then those of the command line."""
    settings = dict(configured.settings) if configured is not None else {}
    settings |= dict(_setting(text) for text in given)
    return settings if mapping is None else settings | {MAPPING: _yaml_file(mapping)}


def _yaml_file(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused("no-file", f"{path} can't be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused("bad-setting", f"{path} is not YAML: {error}") from None
