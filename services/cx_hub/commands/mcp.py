"""``mcp``: offer the hub as tools for an AI agent, over stdin and stdout."""

from __future__ import annotations

from typing import Annotated

import httpx2
import typer

from cx_hub.client import key_of
from cx_hub.resources import run_async
from cx_mcp.hub_api import SECONDS, Actor, HubApi
from cx_mcp.server import make_server, serve_stdio
from cx_mcp.tool_caller import ToolCaller
from cx_runtime import logs
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("mcp")(mcp)


def mcp(
    agent: Annotated[str, typer.Option(metavar="ID", help="Who acts: stands in the events.")] = "ai-agent",
    name: Annotated[str, typer.Option(help="Its name, for people.")] = "",
) -> None:
    """Serve the hub at CX_URL to an AI agent, under CX_KEY (Model Context Protocol over stdin and stdout)."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    run_async(_serve(settings, Actor(agent, name)))


async def _serve(settings: Settings, actor: Actor) -> None:
    authorization = f"Bearer {key_of(settings)}"
    async with httpx2.AsyncClient(base_url=settings.url, timeout=SECONDS, trust_env=False) as http:
        caller = ToolCaller(HubApi(http, authorization, actor))
        await serve_stdio(make_server(lambda _request: caller))
