"""``import vcon`` and ``export vcon``: move conversations as IETF vCons, over HTTP. ``moving`` registers them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console

from cx_channels.dry_run import DEMO_IDS, DEMO_NOW, DEMO_TENANT
from cx_channels.limits import Limits
from cx_channels.vcon_import import read_request
from cx_events.errors import CxError, Refused, TryLater
from cx_events.facts import vcon_source
from cx_events.json_types import Json
from cx_events.stamp import stamp
from cx_hub.client import Client, connected, key_of
from cx_hub.input_files import content_of
from cx_hub.output import Format, OutputOption, line, print_table, show, show_rows, to_err
from cx_hub.resources import run_async
from cx_runtime.settings import Settings
from cx_vcon.importing import event_drafts
from cx_vcon.reading import MEDIA_TYPE
from cx_vcon.round_trip import id_part

TRIES = 6

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="vCons, one in each; - is standard input.")]


def import_vcon(
    files: Files,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Take the payload of a signed vCon without checking the signature.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the events that it would be; ask no hub.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Import vCons. Exit 2 if any was refused; importing all again is safe."""
    contents = [(name, content_of(name)) for name in files]
    if dry_run:
        refused = [_try(name, content, unverified) for name, content in contents]
        raise typer.Exit(2 if any(refused) else 0)
    taken, refused = run_async(_send_all(Settings(), contents, unverified))
    show_rows(taken, ("file", "uuid", "conversation", "events"), output, "nothing was imported")
    if any(refused):
        raise typer.Exit(2)


def export_vcon(
    conversation: Annotated[
        str, typer.Argument(help="Any id of a conversation; or the uuid of a vCon that was imported, to have that.")
    ],
    syntax: Annotated[str, typer.Option(help="0.4.0: also of an imported vCon, which else is as it came.")] = "",
    output: OutputOption = Format.JSONL,
) -> None:
    """A conversation as vCon: its JSON on one line, unless -o says otherwise."""
    content = run_async(_export(Settings(), conversation, syntax))
    if output is Format.JSONL:
        line(content)
    else:
        vcon = msgspec.json.decode(content, type=dict[str, Any])
        show(vcon, output, lambda out: _tell(out, vcon))


def _tell(out: Console, vcon: Json) -> None:
    """Print the head of a vCon and a line for each dialog."""
    parties = [each.get("name") or each.get("mailto") or each.get("tel") or "?" for each in vcon.get("parties", [])]
    for name in ("uuid", "created_at", "subject"):
        if vcon.get(name):
            out.print(f"{name:10}  {' '.join(str(vcon[name]).split())}")
    out.print(f"{'parties':10}  {', '.join(map(str, parties))}")
    dialogs = [{**each, "text": each.get("body")} for each in vcon.get("dialog", [])]
    if dialogs:
        print_table(out, dialogs, ("start", "type", "parties", "text"))


async def _export(settings: Settings, conversation: str, syntax: str) -> bytes:
    asked = {"syntax": syntax} if syntax else {}
    async with connected(settings.url, key_of(settings)) as client:
        # A uuid may hold what no path can; such a one has a plain name, too.
        path = f"/v1/conversations/{quote(id_part(conversation), safe='')}/vcon"
        return (await client.ask("GET", path, params=asked)).content


async def _send_all(
    settings: Settings, contents: Sequence[tuple[str, bytes]], unverified: bool
) -> tuple[list[dict[str, Any]], list[bool]]:
    taken: list[dict[str, Any]] = []
    refused: list[bool] = []
    async with connected(settings.url, key_of(settings)) as client:
        for name, content in contents:
            try:
                answer = await _patiently(client, content, unverified)
            except Refused as error:
                to_err().print(f"refused: {name}: {error}")
                refused.append(True)
                continue
            for warning in answer.get("warnings", ()):
                to_err().print(f"{name}: {warning}", markup=False)
            told = {each: answer[each] for each in ("uuid", "conversation", "interaction")}
            taken.append({"file": name, **told, "events": len(answer["accepted"])})
    return taken, refused


async def _patiently(client: Client, content: bytes, unverified: bool) -> Any:
    """Again where the hub says so: the same vCon is the same events."""
    for left in reversed(range(TRIES)):
        try:
            asked = {"unverified": "true"} if unverified else {}
            headers = {"content-type": MEDIA_TYPE}
            return (await client.ask("POST", "/v1/vcons", content=content, headers=headers, params=asked)).json()
        except TryLater as error:
            if not left:
                raise
            to_err().print(f"{error.part} does not take vCons now ({error.detail}); trying again")
            await asyncio.sleep(error.retry_after)
    raise AssertionError("unreachable")


def _try(name: str, content: bytes, unverified: bool) -> bool:
    """Print what a vCon would become in a demo tenant; whether it was refused."""
    try:
        found = event_drafts(
            read_request(content, MEDIA_TYPE, b"unverified=true" if unverified else b"", Limits().vcon_bytes)
        )
        source = vcon_source(DEMO_TENANT)
        stamped = [stamp(draft, source=source, recorded=DEMO_NOW, ids=DEMO_IDS) for draft in found]
    except CxError as error:
        to_err().print(f"refused: {name}: {error}")
        return True
    for event in stamped:
        line(event.raw)
    return False
