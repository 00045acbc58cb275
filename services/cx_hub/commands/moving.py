"""``import`` and ``export``: move the log with its blobs, to and from a folder or another hub's log; and vCons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from cx_events.archive import ArchiveLog, Manifest
from cx_events.archive.parquet_extra import check_installed
from cx_events.blob import Blobs
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.log.kafka_access import without_password
from cx_events.log.open import open_log
from cx_hub.command_acts import Why, append_act
from cx_hub.commands.vcons import export_vcon, import_vcon
from cx_hub.output import Format, OutputOption, show, to_err
from cx_hub.progress_line import ProgressLine
from cx_hub.remapping import spaces_of
from cx_hub.resources import load_tenants, opened_blobs, opened_log, run_long
from cx_ops.moving.exporting import Export
from cx_ops.moving.import_progress import ProgressFile
from cx_ops.moving.importing import Import
from cx_ops.moving.sources import Source, archive_source, log_source
from cx_ops.replay.targets import PARQUET
from cx_runtime.release import release
from cx_runtime.settings import Settings

Rate = Annotated[float | None, typer.Option(help="Records a second, at most.", min=1)]


def register(app: typer.Typer) -> None:
    for name, what, commands in (
        ("import", "From other systems into the hub.", ((import_log, "log"), (import_vcon, "vcon"))),
        ("export", "Out of the hub for other systems.", ((export_log, "log"), (export_vcon, "vcon"))),
    ):
        group = typer.Typer(help=what, no_args_is_help=True)
        group.callback()(lambda: None)
        for command, its_name in commands:
            group.command(its_name)(command)
        app.add_typer(group, name=name)


def export_log(
    to: Annotated[Path, typer.Option("--to", help="A folder that is empty, or holds an earlier export of this log.")],
    rate: Rate = None,
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Write the whole log, with all blobs that it names, into a folder. An earlier export of this log goes on there.
    Services run all the while."""
    manifest = run_long(_export(Settings(), to, rate, why))
    for name in manifest.missing_blobs[:20]:
        to_err().print(f"not in the blob store: {name}", markup=False)
    told: Json = {
        "folder": str(to),
        "id": manifest.id,
        "records": manifest.records,
        "segments": len(manifest.segments),
        "tenants": sorted(manifest.tenants),
        "missing_blobs": len(manifest.missing_blobs),
    }
    sentence = (
        f"{to}: {manifest.records} records in {len(manifest.segments)} segments, of {len(manifest.tenants)} tenants"
    )
    show(told, output, lambda out: out.print(sentence, markup=False))


def import_log(
    source: Annotated[str, typer.Argument(help="The folder of an export, another hub's log, or a .parquet of replay.")],
    blobs: Annotated[str, typer.Option(help="The blob store of that log, as CX_BLOB_URL; a folder has its own.")] = "",
    topic_prefix: Annotated[str, typer.Option(help="The CX_TOPIC_PREFIX of that hub.")] = "",
    rate: Rate = None,
    beside: Annotated[bool, typer.Option("--beside", help="Also where this log has other events already.")] = False,
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring a whole log into this hub's, with its blobs. Begun again after a crash, it goes on where it was; later, it
    brings what came since."""
    settings = Settings()
    records, missing = run_long(_import(settings, source, blobs, topic_prefix, rate, beside, why))
    if missing:
        to_err().print(f"{missing} blobs that these records name are nowhere, as at the source")
    told: Json = {"source": without_password(source), "records": records, "missing_blobs": missing}
    show(told, output, lambda out: out.print(f"{records} records imported", markup=False))


async def _export(settings: Settings, folder: Path, rate: float | None, why: str) -> Manifest:
    spaces = spaces_of(load_tenants(settings))
    async with opened_log(settings) as log, opened_blobs(settings.resolved_blob_url()) as blobs:
        with ProgressLine("records exported") as line:
            export = Export(log, blobs, folder, spaces, software=release(), rate=rate, report=line.show)
            manifest = await export.run()
        attributes: Json = {"archive": manifest.id, "records": manifest.records}
        await append_act(log, spaces, "cx.operations.log_exported.v1", why, attributes)
        return manifest


async def _import(
    settings: Settings, source: str, blob_url: str, prefix: str, rate: float | None, beside: bool, why: str
) -> tuple[int, int]:
    spaces = spaces_of(load_tenants(settings))
    async with (
        _opened_source(source, blob_url, prefix) as found,
        opened_log(settings) as log,
        opened_blobs(settings.resolved_blob_url()) as blobs,
    ):
        file = ProgressFile(settings.home, found.id, settings.resolved_log_url() + settings.topic_prefix)

        async def tell(records: int) -> None:
            attributes: Json = {"source": found.id, "records": records}
            await append_act(log, spaces, "cx.operations.log_imported.v1", why, attributes)

        with ProgressLine("records imported", found.records) as line:
            work = Import(found, log, blobs, spaces, file, rate=rate, beside=beside, report=line.show, tell=tell)
            return await work.run()


@asynccontextmanager
async def _opened_source(source: str, blob_url: str, prefix: str) -> AsyncIterator[Source]:
    """An archive's folder, the Parquet file of a replay, or another hub's log, with its blobs."""
    if "://" not in source and source.endswith(PARQUET):
        check_installed()
        from cx_ops.moving.parquet_source import parquet_source

        async with _opened_if_named(blob_url) as blobs:
            yield await parquet_source(Path(source), blobs)
        return
    if "://" not in source:
        archive = ArchiveLog(Path(source))
        await archive.start()
        yield await archive_source(archive)
        return
    log: Log = open_log(source, prefix=prefix)
    try:
        await log.start()
        name = without_password(source) + prefix
        async with _opened_if_named(blob_url) as blobs:
            yield await log_source(log, name, blobs)
    finally:
        await log.stop()


@asynccontextmanager
async def _opened_if_named(url: str) -> AsyncIterator[Blobs | None]:
    if not url:
        yield None
        return
    async with opened_blobs(url) as blobs:
        yield blobs
