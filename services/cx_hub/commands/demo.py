"""``demo``: tell one customer's story through the real doors of a hub, in this process or elsewhere."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cx_events.errors import CxError, Fatal, Refused
from cx_hub.commands.services import stop_on_signals
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.actors import PATIENCE
from cx_hub.demo.cast import BEN, FIRST, Cast
from cx_hub.demo.run import (
    TENANT,
    Doors,
    embedded_settings,
    hold_against_the_log,
    home_folder,
    play,
    until_ready,
    with_keys_of_the_story,
)
from cx_hub.demo.stage import Stage
from cx_hub.output import to_err
from cx_hub.resources import load_tenants, run_async
from cx_runtime import logs
from cx_runtime.settings import Settings

WIDTH = 118
"""Columns where it is told into a pipe and nothing else is asked for (COLUMNS)."""


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the story; exit 0 only if all of it held.")] = False,
    home: Annotated[Path | None, typer.Option(help="Folder to keep the files in; without it they are deleted.")] = None,
    port: Annotated[int, typer.Option(help="HTTP port; 0 picks a free one.", min=0, max=65535)] = 0,
    url: Annotated[str, typer.Option(help="Tell it to the hub at this address; CX_CONFIG is that hub's.")] = "",
    smtp: Annotated[str, typer.Option(help="HOST:PORT of that hub's mail; else its host and CX_SMTP_PORT.")] = "",
) -> None:
    """One customer over web chat, voice, email and a social network, and what each channel knows of the others.

    A hub elsewhere hears it of somebody new each time. CX_KEY goes before the keys of its configuration.
    """
    logs.configure("warning")
    if url:
        broken = run_async(_elsewhere(url.rstrip("/"), smtp, Settings()))
    else:
        with home_folder(home) as folder:
            broken = run_async(_demo(folder, port, once))
    for sentence in broken:
        to_err().print(f"cx demo: this did not hold: {sentence}", style="bold red")
    if broken:
        raise typer.Exit(1)


async def _demo(home: Path, port: int, once: bool) -> list[str]:
    """Tell the story and return what did not hold. Raises ``Fatal`` where the story broke off."""
    settings = embedded_settings(home, port)
    stage = _stage()
    async with running_hub(settings, with_keys_of_the_story(load_tenants(settings))) as hub:
        stop_on_signals(hub)
        telling = asyncio.create_task(_tell(hub, stage))
        stopping = asyncio.create_task(hub.supervisor.stopping.wait())
        await asyncio.wait({telling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            telling.cancel()
            await asyncio.wait({telling})
            raise hub.supervisor.fatal or KeyboardInterrupt
        telling.result()
        if not once:
            stage.out.print(_addresses(hub, home))
            await stopping
        stopping.cancel()
    if hub.supervisor.fatal is not None:
        raise hub.supervisor.fatal
    return stage.broken


async def _tell(hub: Hub, stage: Stage) -> None:
    try:
        await until_ready(hub.url)
        await play(Doors(hub.url, hub.url, ("127.0.0.1", hub.smtp_port), hub.tenants), stage)
        await hold_against_the_log(stage, hub.tenants, hub.store, hub.log)
    except (CxError, TimeoutError, OSError) as error:
        raise _broke_off(stage, error) from error
    stage.ending()


async def _elsewhere(url: str, smtp: str, settings: Settings) -> list[str]:
    """The same story told to a hub that runs, and what did not hold of it. What only log and store can tell is left to
    ``cx verify``."""
    if settings.config is None:
        raise Refused("no-config", "CX_CONFIG must name that hub's configuration: its secrets sign the webhooks")
    host, _, port = smtp.rpartition(":") if smtp else (urlsplit(url).hostname or "", "", str(settings.smtp_port))
    if not host or not port.isdecimal():
        raise Refused("bad-smtp", f"{smtp!r} is not HOST:PORT")
    stage = _stage()
    mail = (host.strip("[]"), int(port))
    public_url = settings.public_url or url
    doors = Doors(url, url, mail, load_tenants(settings), settings.key, public_url, f"at {url}")
    try:
        await until_ready(url, PATIENCE)
        await play(doors, stage, Cast.anew(secrets.randbelow(10**7)))
    except (CxError, TimeoutError, OSError) as error:
        raise _broke_off(stage, error) from error
    stage.ending()
    return stage.broken


def _stage() -> Stage:
    return Stage(Console(width=shutil.get_terminal_size((WIDTH, 0)).columns, highlight=False))


def _broke_off(stage: Stage, error: Exception) -> Fatal:
    return Fatal(f"the story broke off at step {stage.steps}: {error or type(error).__name__}")


def _addresses(hub: Hub, home: Path) -> Panel:
    page = home / "chat.html"
    page.write_text(_PAGE.format(url=hub.url), encoding="utf-8")
    key = hub.tenants.by_name[TENANT].keys[0].secret
    return Panel(
        Text(
            f"desk     {hub.url}/desk/email/{FIRST.email}\n"
            f"         sign in as {BEN['id']} with the key below; operators: {hub.url}/console\n"
            f"API      {hub.url}\n"
            f"SMTP     127.0.0.1:{hub.smtp_port}, for support@acme.example\n"
            f"web chat {page.absolute()}, a page to open in a browser\n"
            f"key      {key}\n\n"
            f"curl -s -H 'Authorization: Bearer {key}' '{hub.url}/v1/context?identifier=email:{FIRST.email}'\n"
            f"CX_URL={hub.url} CX_KEY={key} ./cx customer find {FIRST.email}\n"
            f"curl -s {hub.url}/readyz"
        ),
        title="The hub stays up; Ctrl-C ends it",
        title_align="left",
    )


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Acme: help</title>
<h1>Acme</h1>
<p>Say something in the chat below, then ask the hub for its context.</p>
<script src="{url}/v1/chat/widget.js" data-connection="acme-chat" data-title="Acme" async></script>
"""
