"""``media``: fetch files that events name from where their provider keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, NamedTuple

import typer

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.intake import Intake
from cx_channels.mapping_pool import MappingPool
from cx_channels.media.fetching import Fetching, Files
from cx_channels.media.references import MediaConnections, Reference
from cx_channels.media.storing import store
from cx_channels.provider import Connection, Mapped, Provider, Request
from cx_channels.registry import providers
from cx_context.store import Store
from cx_context.store.events import read_stored_copies
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log, Partition
from cx_hub.aws import aws_keys
from cx_hub.cli import FAILED
from cx_hub.output import Format, OutputOption, show_rows, to_err
from cx_hub.resources import load_tenants, opened_blobs, opened_log, opened_store, run_async
from cx_ops.moments import read_moment
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import open_files
from cx_runtime.outbound.reach import Reach
from cx_runtime.settings import Settings
from cx_runtime.tenants import Tenants

_COLUMNS = ("time", "connection", "name", "content_type", "bytes", "outcome", "file")
_RECORDS, _BYTES = 500, 8 << 20


class Asked(NamedTuple):
    """The files that are meant; an empty member stands for any."""

    tenant: str
    connection: str
    since: str
    dry_run: bool


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Files that events name by their provider's addresses.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("fetch")(fetch_files)
    app.add_typer(group, name="media")


def fetch_files(
    tenant: Annotated[str, typer.Option(help="Only of this tenant.")] = "",
    connection: Annotated[str, typer.Option(help="Only of this connection.")] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Of events from then on: RFC 3339, or a time ago like 12h.")
    ] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be fetched, and fetch nothing.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Fetch and store the files that events name and the hub does not have: what came before settings.media was true,
    or was given up. What is stored already is not fetched again. Exit 1 where any file did not come.
    """
    found = run_async(_fetch_all(Settings(), Asked(tenant, connection, since, dry_run)))
    show_rows(found, _COLUMNS, output, "no files to fetch")
    if any(each["outcome"] not in ("stored", "to be fetched") for each in found):
        raise typer.Exit(FAILED)


async def _fetch_all(settings: Settings, asked: Asked) -> list[Json]:
    tenants = load_tenants(settings)
    mapping = MappingPool()
    async with (
        opened_log(settings) as log,
        opened_store(settings) as store_of_events,
        opened_blobs(settings.resolved_blob_url()) as blobs,
        open_files(Reach.parse(settings.outbound_networks)) as files,
    ):

        async def mapper(provider: Provider, request: Request, connection: Connection) -> Mapped:
            await mapping.start()
            return await mapping.mapper(provider, request, connection)

        intake = Intake(log, blobs, tenants, providers(), Metrics(), mapper=mapper)
        try:
            meant, aws = _meant(intake, tenants, asked), aws_keys(settings)
            return await fetch_missing(log, store_of_events, intake, files, meant, asked, aws)
        finally:
            await mapping.stop()


async def fetch_missing(
    log: Log,
    store_of_events: Store,
    intake: Intake,
    files: Files,
    connections: MediaConnections,
    asked: Asked,
    aws: AwsKeys | None = None,
) -> list[Json]:
    """Return the files that events since ``asked.since`` name and the hub does not have, each with its outcome."""
    begin = await log.offsets_at(INTERACTIONS, read_moment(asked.since, "--since") // 1000)
    found: list[Json] = []
    fetching = Fetching(files, aws=aws)
    async for some in _pages(log, begin, connections):
        for connection, reference in await _missing(store_of_events, some):
            outcome = "to be fetched"
            if not asked.dry_run:
                outcome = await _fetch_one(intake, connections, fetching, connection, reference)
            found.append(_row(connection, reference, outcome))
    return found


def _meant(intake: Intake, tenants: Tenants, asked: Asked) -> MediaConnections:
    """Return the connections that are meant. Raise ``Refused`` where there is none, with why."""
    if asked.tenant and asked.tenant not in tenants.by_name:
        raise Refused("unknown-tenant", f"there is no tenant {asked.tenant[:64]!r}")
    if asked.connection:
        intake.connection(asked.connection)
    meant = {
        id: found
        for id, found in intake.connections.items()
        if asked.connection in ("", id) and asked.tenant in ("", found[0].tenant)
    }
    connections = MediaConnections(meant)
    if not connections.by_id:
        detail = "no connection that is meant has settings.media true and all that it needs: cx connections check"
        raise Refused("no-media", detail)
    return connections


Found = list[tuple[Connection, Reference]]


async def _pages(log: Log, begin: dict[int, int], connections: MediaConnections) -> AsyncIterator[Found]:
    """Yield the files that events name which lie on the log now, page by page."""
    ends = await log.end_offsets(INTERACTIONS)
    at = {number: offset for number, offset in begin.items() if offset < ends.get(number, 0)}
    reader = log.reader()
    try:
        reader.assign({Partition(INTERACTIONS, number): offset for number, offset in at.items()})
        while any(offset < ends[number] for number, offset in at.items()):
            page: dict[bytes, tuple[Connection, Reference]] = {}
            for record in await reader.read(_RECORDS, max_bytes=_BYTES):
                at[record.partition] = record.offset + 1
                if record.offset < ends[record.partition]:
                    page.update({each[1].stored_key: each for each in connections.references_in(record.value)})
            if page:
                yield list(page.values())
    finally:
        await reader.close()


async def _missing(store_of_events: Store, found: Found) -> Found:
    """Return the files of which no event tells yet that they are stored."""
    async with store_of_events.reading() as tx:
        known = await read_stored_copies(tx, [reference.stored_key for _, reference in found])
    return [each for each in found if each[1].stored_key not in known]


async def _fetch_one(
    intake: Intake, connections: MediaConnections, fetching: Fetching, connection: Connection, reference: Reference
) -> str:
    provider = connections.by_id[connection.id][1]
    assert provider.media is not None
    try:
        came = await fetching.fetch(reference, connection, provider.media, intake.now())
        await store(intake, connection, provider, reference, came)
    except NotFetched as why:
        to_err().print(f"{connection.id} {reference.id}: {why.reason}: {why}", markup=False)
        return why.reason
    return "stored"


def _row(connection: Connection, reference: Reference, outcome: str) -> Json:
    file = reference.file
    return {
        "time": reference.event.time,
        "tenant": connection.tenant,
        "connection": connection.id,
        "file": reference.id,
        "name": file.name,
        "content_type": file.content_type,
        "bytes": file.bytes,
        "outcome": outcome,
    }
