"""``customer``: read a context, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cx_hub.client import connected, key_of
from cx_hub.context_view import print_context
from cx_hub.output import Format, OutputOption, show, show_rows
from cx_hub.resources import run_async
from cx_runtime.settings import Settings

_KIND = re.compile(r"[a-z][a-z0-9_-]*:.+")
_SCHEMES = ("tel:", "callto:", "mailto:")
"""Of URIs that name a number or an address, and no kind of identifier."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Read a customer's context from the hub at CX_URL.", no_args_is_help=True)
    group.command("find")(find)
    group.command("show")(show_one)
    group.command("timeline")(timeline)
    group.command("as-of")(as_of)
    app.add_typer(group, name="customer")


Identifier = Annotated[str, typer.Argument(help="KIND:VALUE, a mail address or a phone number.")]
CustomerId = Annotated[str, typer.Argument(metavar="ID", help="Any id that ever was the customer's.")]
AsOf = Annotated[str, typer.Option(metavar="TIME", help="As it was: by what had happened until then (RFC 3339).")]
KnownAt = Annotated[str, typer.Option(metavar="TIME", help="As it was known: by what the hub had been told by then.")]


def find(identifier: Identifier, as_of: AsOf = "", known_at: KnownAt = "", output: OutputOption = Format.TEXT) -> None:
    """The context of whoever has an identifier."""
    asked = {"identifier": with_kind(identifier)}
    _show_context(_post("/v1/context/lookup", asked, _moment(as_of, known_at)), output)


def show_one(
    customer: CustomerId,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    interaction: Annotated[
        str, typer.Option(metavar="ID", help="Tell how sure it is who is at the other end of this contact.")
    ] = "",
    assurance: Annotated[
        str, typer.Option(metavar="LEVEL", help="proved or asserted: refuse less, and leave claims out.")
    ] = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """The context of a customer."""
    contact = {"interaction": interaction, "assurance": assurance}
    asked = {**_moment(as_of, known_at), **{name: value for name, value in contact.items() if value}}
    _show_context(_get(f"/v1/customers/{customer}/context", asked), output)


def as_of(
    customer: CustomerId,
    time: Annotated[str, typer.Argument(help="The moment, as RFC 3339: 2026-11-22T10:02:11Z.")],
    known_at: KnownAt = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """The context of a customer as it was."""
    show_one(customer, time, known_at, output=output)


def timeline(
    customer: CustomerId,
    limit: Annotated[int, typer.Option(help="How many of the latest events.", min=1)] = 50,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Show what happened, newest first."""
    items = run_async(_pages(f"/v1/customers/{customer}/timeline", limit, _moment(as_of, known_at)))
    show_rows(items, ("time", "channel", "type", "role", "name", "text"), output, "nothing happened yet")


def with_kind(identifier: str) -> str:
    """Return the identifier with ``email:`` or ``phone:`` before what looks like one and says no kind."""
    if _KIND.fullmatch(identifier) and not identifier.startswith(_SCHEMES):
        return identifier
    return f"email:{identifier}" if "@" in identifier else f"phone:{identifier}"


def _moment(as_of: str, known_at: str) -> dict[str, str]:
    return {name: value for name, value in (("as_of", as_of), ("known_at", known_at)) if value}


def _show_context(document: Any, output: Format) -> None:
    show(document, output, lambda out: print_context(out, document))


def _get(path: str, query: Mapping[str, str]) -> Any:
    async def ask() -> Any:
        settings = Settings()
        async with connected(settings.url, key_of(settings)) as client:
            return await client.get(path, **query)

    return run_async(ask())


def _post(path: str, body: Any, query: Mapping[str, str]) -> Any:
    async def ask() -> Any:
        settings = Settings()
        async with connected(settings.url, key_of(settings)) as client:
            return await client.post(path, body, **query)

    return run_async(ask())


async def _pages(path: str, limit: int, asked: Mapping[str, str]) -> list[Any]:
    """Items over as many pages as needed."""
    settings = Settings()
    items: list[Any] = []
    cursor = ""
    async with connected(settings.url, key_of(settings)) as client:
        while len(items) < limit:
            page = await client.get(path, cursor=cursor, **asked)
            items += page["items"]
            cursor = page.get("next") or ""
            if not cursor:
                break
    return items[:limit]
