"""``customer``: read a context, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from cx_events.json_types import Json
from cx_hub.client import connected, key_of
from cx_hub.context_view import print_context
from cx_hub.customer_names.over_http import find_customer
from cx_hub.customer_names.readings import HELP, Sort
from cx_hub.output import Format, OutputOption, show, show_rows
from cx_hub.resources import run_async
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Read a customer's context from the hub at CX_URL.", no_args_is_help=True)
    group.command("find")(find)
    group.command("show")(show_one)
    group.command("timeline")(timeline)
    group.command("as-of")(as_of)
    app.add_typer(group, name="customer")


CustomerName = Annotated[str, typer.Argument(metavar="CUSTOMER", help=HELP)]
AsOf = Annotated[str, typer.Option(metavar="TIME", help="As it was: by what had happened until then (RFC 3339).")]
KnownAt = Annotated[str, typer.Option(metavar="TIME", help="As it was known: by what the hub had been told by then.")]


def find(customer: CustomerName, as_of: AsOf = "", known_at: KnownAt = "", output: OutputOption = Format.TEXT) -> None:
    """The context of whoever is known by an identifier, an interaction or an id."""
    show_one(customer, as_of, known_at, output=output)


def show_one(
    customer: CustomerName,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    interaction: Annotated[
        str, typer.Option(metavar="ID", help="Tell how sure it is who is at the other end of this contact.")
    ] = "",
    assurance: Annotated[
        str, typer.Option(metavar="LEVEL", help="proved or asserted: refuse what is less sure, leave claims out.")
    ] = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """The context of a customer."""
    document = run_async(_context(customer, _moment(as_of, known_at), interaction, assurance))
    show(document, output, lambda out: print_context(out, document))


def as_of(
    customer: CustomerName,
    time: Annotated[str, typer.Argument(help="The moment, as RFC 3339: 2026-11-22T10:02:11Z.")],
    known_at: KnownAt = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """The context of a customer as it was."""
    show_one(customer, time, known_at, output=output)


def timeline(
    customer: CustomerName,
    limit: Annotated[int, typer.Option(help="How many of the latest events.", min=1)] = 50,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Show what happened, newest first."""
    items = run_async(_timeline(customer, limit, _moment(as_of, known_at)))
    show_rows(items, ("time", "channel", "type", "role", "name", "text"), output, "nothing happened yet")


def _moment(as_of: str, known_at: str) -> dict[str, str]:
    return {name: value for name, value in (("as_of", as_of), ("known_at", known_at)) if value}


async def _context(customer: str, moment: Mapping[str, str], interaction: str, assurance: str) -> Json:
    """Return the context. ``assurance`` without an interaction is of the one by which the customer is named."""
    settings = Settings()
    async with connected(settings.url, key_of(settings)) as client:
        found = await find_customer(client, customer, moment)
        if assurance and not interaction and found.reading.sort is Sort.INTERACTION:
            interaction = found.reading.value
        if found.context is not None and not (interaction or assurance):
            return found.context
        contact = {"interaction": interaction, "assurance": assurance}
        document: Json = await client.get(f"/v1/customers/{found.customer}/context", **contact, **moment)
        return document


async def _timeline(customer: str, limit: int, moment: Mapping[str, str]) -> list[Json]:
    """Return items over as many pages as needed."""
    settings = Settings()
    items: list[Json] = []
    cursor = ""
    async with connected(settings.url, key_of(settings)) as client:
        found = await find_customer(client, customer, moment)
        while len(items) < limit:
            page = await client.get(f"/v1/customers/{found.customer}/timeline", cursor=cursor, **moment)
            items += page["items"]
            cursor = page.get("next") or ""
            if not cursor:
                break
    return items[:limit]
