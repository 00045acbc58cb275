"""``search`` and ``conversations``: look through all customers, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cx_events.json_types import Json
from cx_hub.client import connected, key_of
from cx_hub.output import Format, OutputOption, show_rows
from cx_hub.resources import run_async
from cx_runtime.settings import Settings

_Limit = Annotated[int, typer.Option(help="How many.", min=1)]


def register(app: typer.Typer) -> None:
    app.command("search")(search)
    app.command("conversations")(conversations)


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="A name, an address, part of a number; words.")],
    within: Annotated[Literal["customers", "messages"], typer.Option("--in", help="Where to look.")] = "customers",
    limit: _Limit = 50,
    output: OutputOption = Format.TEXT,
) -> None:
    """Find customers, or what was said."""
    found = run_async(_search(" ".join(words), within, limit))
    columns = ("customer", "display", "last_at", "open") if within == "customers" else _SAID
    show_rows(found, columns, output, "nothing is found")


_SAID = ("customer", "time", "channel", "role", "text")


def conversations(
    state: Annotated[str, typer.Option(help="open or resolved.")] = "",
    queue: Annotated[str, typer.Option(help="A queue's id.")] = "",
    agent: Annotated[str, typer.Option(help="An agent's id.")] = "",
    channel: Annotated[str, typer.Option(help="voice, chat, email, ...")] = "",
    order: Annotated[str, typer.Option(help="last, opened or waiting.")] = "",
    limit: _Limit = 50,
    output: OutputOption = Format.TEXT,
) -> None:
    """List the conversations of all customers."""
    asked = {"state": state, "queue": queue, "agent": agent, "channel": channel, "order": order}
    found = run_async(_conversations(asked, limit))
    columns = ("id", "display", "state", "last_at", "waiting_since", "topic")
    show_rows(found, columns, output, "there are none")


async def _search(words: str, within: str, limit: int) -> list[Json]:
    settings = Settings()
    found: list[Json] = []
    more: Json = {}
    async with connected(settings.url, key_of(settings)) as client:
        while len(found) < limit:
            page = await client.post("/v1/search", {"q": words, "in": within, "limit": min(limit, 200), **more})
            found += page["items"]
            if page["next"] is None:
                break
            more = {"cursor": page["next"]}
    return found[:limit]


async def _conversations(asked: dict[str, str], limit: int) -> list[Json]:
    settings = Settings()
    found: list[Json] = []
    cursor = ""
    async with connected(settings.url, key_of(settings)) as client:
        while len(found) < limit:
            page = await client.get("/v1/conversations", **asked, limit=min(limit, 200), cursor=cursor)
            found += page["items"]
            cursor = page["next"] or ""
            if not cursor:
                break
    return found[:limit]
