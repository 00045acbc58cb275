"""``directory``: show who agents and queues are."""

from __future__ import annotations

from typing import Any

import typer

from cx_events.json_types import Json
from cx_hub.client import connected, key_of
from cx_hub.output import Format, OutputOption, show_rows, to_err
from cx_hub.resources import run_async
from cx_runtime.settings import Settings

_COLUMNS = ("kind", "id", "name", "known_as", "teams", "queues", "told_by")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who agents and queues are.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("list")(list_entries)
    app.add_typer(group, name="directory")


def list_entries(output: OutputOption = Format.TEXT) -> None:
    """List agents and queues, by which ids systems know them, and whether the configuration or an event says so.

    What an event tells in vain, since the configuration or a later event says something else, is told on stderr.
    """
    found = run_async(_read(Settings()))
    rows = [{"kind": kind, **each} for kind in ("agent", "queue") for each in found[f"{kind}s"]]
    for each in found["unheeded"]:
        what = f"{each['system']} {each['id']}" if each["system"] else "all of it"
        to_err().print(f"not heeded of {each['kind']} {each['entry']}: {what}: {each['reason']}", markup=False)
    show_rows(rows if output is not Format.TEXT else [_shown(row) for row in rows], _COLUMNS, output, "nobody is in it")


async def _read(settings: Settings) -> Any:
    async with connected(settings.url, key_of(settings)) as client:
        return await client.get("/v1/directory")


def _shown(row: Json) -> Json:
    event = row["event"]
    return {
        **row,
        "known_as": ", ".join(f"{each['system']} {each['id']}" for each in row["ids"]),
        "teams": ", ".join(row.get("teams", ())),
        "queues": ", ".join(row.get("queues", ())),
        "told_by": f"{event['source']}#{event['id']}" if event is not None else row["told_by"],
    }
