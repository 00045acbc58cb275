"""``demo``: one customer's story through the real doors of a hub in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cx_events.errors import CxError, Fatal
from cx_hub.commands.services import stop_on_signals
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import (
    TENANT,
    Doors,
    embedded_settings,
    hold_against_the_log,
    home_folder,
    play,
    until_ready,
)
from cx_hub.demo.stage import Stage
from cx_hub.demo.story import EMAIL
from cx_hub.opened import load_tenants, run_async
from cx_hub.output import to_err
from cx_runtime import logs

WIDTH = 118


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the story; exit 0 only if all of it held.")] = False,
    home: Annotated[Path | None, typer.Option(help="Keep the files here; a folder that is gone afterwards.")] = None,
    port: Annotated[int, typer.Option(help="HTTP port; 0 picks a free one.", min=0, max=65535)] = 0,
) -> None:
    """One customer over web chat, voice, email and a social network, and what each channel knows of the others."""
    logs.configure("warning")
    with home_folder(home) as folder:
        broken = run_async(_demo(folder, port, once))
    for sentence in broken:
        to_err().print(f"cx demo: this did not hold: {sentence}", style="bold red")
    if broken:
        raise typer.Exit(1)


async def _demo(home: Path, port: int, once: bool) -> list[str]:
    """What did not hold. ``Fatal`` where the story broke off."""
    settings = embedded_settings(home, port)
    stage = Stage(Console(width=None if Console().is_terminal else WIDTH, highlight=False))
    async with running_hub(settings, load_tenants(settings)) as hub:
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
        await play(Doors(hub.url, hub.url, hub.smtp_port, hub.tenants), stage)
        await hold_against_the_log(stage, hub.tenants, hub.store, hub.log)
    except (CxError, TimeoutError, OSError) as error:
        raise Fatal(f"the story broke off at step {stage.steps}: {error or type(error).__name__}") from error
    stage.ending()


def _addresses(hub: Hub, home: Path) -> Panel:
    page = home / "chat.html"
    page.write_text(_PAGE.format(url=hub.url), encoding="utf-8")
    key = hub.tenants.by_name[TENANT].keys[0].secret
    return Panel(
        Text(
            f"API      {hub.url}\n"
            f"SMTP     127.0.0.1:{hub.smtp_port}, for support@acme.example\n"
            f"web chat {page.absolute()}, a page to open in a browser\n"
            f"key      {key}\n\n"
            f"curl -s -H 'Authorization: Bearer {key}' '{hub.url}/v1/context?identifier=email:{EMAIL}'\n"
            f"CX_URL={hub.url} CX_KEY={key} ./cx customer find {EMAIL}\n"
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
