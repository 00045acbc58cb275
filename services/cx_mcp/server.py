"""Serve the tools over the Model Context Protocol, by its official SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json
from cx_mcp.answers import ToolAnswer
from cx_mcp.arguments import read_arguments, schema_of
from cx_mcp.customer_words import NOTICE
from cx_mcp.hub_api import HubApi
from cx_mcp.tool_caller import ToolCaller
from cx_mcp.tools import TOOLS
from cx_runtime.release import release

INSTRUCTIONS = (
    "Throughline knows what a customer said and did on every channel: calls, chats, mails, posts. Read the context of "
    "the contact that is going on before you answer, and don't ask for what it knows. Tell personal things only where "
    "it says that the contact is proved or asserted. Hand over to a person when you can't help. " + NOTICE
)


HttpApp = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI app: takes scope, receive and send."""

FindCaller = Callable[[Any], ToolCaller]
"""Takes the HTTP request that a call came with, None over stdio."""


def make_server(find_caller: FindCaller) -> Server[Any]:
    """Return the protocol's server. ``find_caller`` may raise ``Refused``."""

    async def list_tools(_context: ServerRequestContext, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(name) for name in TOOLS])

    async def call_tool(context: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        caller = find_caller(context.request)
        answer = await run_tool(caller.api, params.name, params.arguments or {})
        _log.info(
            "tool called",
            tenant=caller.tenant or None,
            key=caller.key or None,
            agent=caller.api.actor.id,
            tool=params.name[:64],
            outcome=answer.ids.get("reason", "refused") if answer.refused else "done",
        )
        return CallToolResult(
            content=[TextContent(text=answer.text)], structured_content=answer.ids, is_error=answer.refused
        )

    return Server(
        "throughline",
        title="Throughline",
        version=release(),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


@asynccontextmanager
async def http_sessions(server: Server[Any], max_body: int) -> AsyncIterator[HttpApp]:
    """Yield the app that serves over streamable HTTP, JSON answers alone. ``max_body``: bytes of a request."""
    sessions = StreamableHTTPSessionManager(server, json_response=True, stateless=True, max_request_body_size=max_body)
    async with sessions.run():
        yield sessions.handle_request


async def serve_stdio(server: Server[Any]) -> None:
    """Serve whoever holds this process's stdin and stdout, until stdin ends."""
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def run_tool(api: HubApi, name: str, raw: Json) -> ToolAnswer:
    """Run a tool. Every mistake becomes an answer that the model can read and mend."""
    tool = TOOLS.get(name)
    if tool is None:
        known = ", ".join(TOOLS)
        return ToolAnswer(f"Refused (unknown-tool): there are {known}.", {"reason": "unknown-tool"}, refused=True)
    try:
        return await tool.call(api, read_arguments(raw, tool.arguments))
    except Refused as error:
        return ToolAnswer(f"Refused ({error.reason}): {error.detail}", {"reason": error.reason}, refused=True)
    except TryLater as error:
        return ToolAnswer(f"Try again in a moment: {error.detail}", {"reason": "try-later"}, refused=True)


def _described(name: str) -> Tool:
    tool = TOOLS[name]
    return Tool(
        name=name,
        title=tool.title,
        description=tool.description,
        input_schema=schema_of(tool.arguments),
        annotations=ToolAnnotations(
            title=tool.title, read_only_hint=not tool.writes, destructive_hint=False, open_world_hint=False
        ),
    )


_log = structlog.get_logger("cx_mcp")
