"""Play an AI agent with the hub as its tools: the Model Context Protocol, by the client of the official SDK.

A script stands where a language model would, so the story needs no network and is the same each time. Its key has
``required_assurance``, so it is told nothing of a customer before the contact is assured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx2
import msgspec

from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_hub.demo.actors import PATIENCE, insist

ASSURED = ("asserted", "proved")
_QUOTED = r'("(?:[^"\\]|\\.)*")'
_NAME = re.compile(rf"^Customer \S+, called {_QUOTED}\.$", re.MULTILINE)
_LEVEL = re.compile(rf"^Who is in contact {_QUOTED} is (?P<level>\w+)", re.MULTILINE)
_TOPIC = re.compile(rf"^Conversation [^\"\n]*, topic {_QUOTED},", re.MULTILINE)
_KNOWN = re.compile(r"^Known already, don't ask again: (.*)\.$", re.MULTILINE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^"]+|".*', re.DOTALL)
"""A quoted text, what stands between two, or one that does not end; so a text is read once."""


class ToolResult(NamedTuple):
    """``text``: what a model would read. ``ids``: ids, and the reason of a refusal."""

    text: str
    ids: Json
    refused: bool

    @property
    def outcome(self) -> str:
        return str(self.ids.get("reason", "refused")) if self.refused else "done"

    @property
    def level(self) -> str:
        """Return how sure it is who is in the contact; empty where nothing is told."""
        found = _LEVEL.search(self.text)
        return found["level"] if found else ""


class AiAgent:
    """Calls the tools of the hub at ``url`` with a key of its own."""

    def __init__(self, url: str, key: str, patience: float) -> None:
        self._url = f"{url}/mcp"
        self._headers = {"authorization": f"Bearer {key}"}
        self._patience = patience

    async def uses(
        self, tool: str, arguments: Mapping[str, Any], until: Callable[[ToolResult], bool] = lambda _: True
    ) -> ToolResult:
        """Call a tool, again until ``until`` is content with its result; else return the last one."""
        found: list[ToolResult] = []

        async def call() -> ToolResult:
            found.append(await self._call(tool, arguments))
            if not until(found[-1]):
                raise TryLater("hub", f"{tool} does not say yet what the story needs")
            return found[-1]

        try:
            return await insist(call, self._patience)
        except TryLater:
            if not found:
                raise
            return found[-1]

    async def _call(self, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Connect and call once. Raises ``TryLater`` where the hub gives no result."""
        from mcp import MCPError  # takes a second, and no other step needs it
        from mcp.client import Client
        from mcp.client.streamable_http import streamable_http_client

        result = None
        try:
            async with (
                httpx2.AsyncClient(headers=self._headers, timeout=PATIENCE, trust_env=False) as http,
                Client(streamable_http_client(self._url, http_client=http)) as connected,
            ):
                result = await connected.call_tool(tool, dict(arguments))
        except* (MCPError, httpx2.HTTPError, OSError) as errors:
            if result is None:
                raise TryLater("mcp", _first_of(errors)) from None
        assert result is not None
        text = "\n".join(part.text for part in result.content if part.type == "text")
        told = ToolResult(text, result.structured_content or {}, bool(result.is_error))
        if told.outcome == "try-later":
            raise TryLater("mcp", told.text)
        return told


def answer_from(told: ToolResult) -> str:
    """Return what is said to whoever is in the contact: of the customer only what an assured contact may hear."""
    if told.level not in ASSURED:
        return "I can't say anything about that before I know that it is you. Please log in."
    name, topic = _first(_NAME, told.text), _first(_TOPIC, told.text)
    order = known_in(told).get("order", "")
    about = f"{topic or 'something new'}{f', order {order}' if order else ''}"
    return f"Thank you, {name}. It is about: {about}. A colleague who knows all of it takes over."


def known_in(told: ToolResult) -> dict[str, str]:
    """Return what the customer was asked for already, by its name."""
    found = _KNOWN.search(told.text)
    tokens = _TOKEN.findall(found[1]) if found else []
    threes = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return {_unquoted(name): _unquoted(value) for name, between, value in threes if between == " is "}


def shown_of(told: ToolResult) -> Iterator[tuple[str, str]]:
    """Yield the lines of a context that the story shows."""
    for label, pattern in (("who", _NAME), ("how sure", _LEVEL), ("known", _KNOWN)):
        yield label, next((line for line in told.text.split("\n") if pattern.search(line)), "")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return _unquoted(found[1]) if found else ""


def _unquoted(quoted: str) -> str:
    return msgspec.json.decode(quoted, type=str)


def _first_of(errors: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) or type(first).__name__
