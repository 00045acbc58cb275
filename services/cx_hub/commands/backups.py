"""``backup`` and ``restore``: save and bring back a whole hub whose parts are files of this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import msgspec
import typer

from cx_context.change_notifications import StoreOpened
from cx_context.store import leases
from cx_events.errors import Fatal, Refused, TryLater
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import STORES, Record
from cx_hub.command_acts import Why, append_act
from cx_hub.output import Format, OutputOption, show, to_err
from cx_hub.remapping import spaces_of
from cx_hub.resources import load_tenants, opened_log, opened_store, run_long
from cx_ops.backups.backing_up import back_up
from cx_ops.backups.manifest import BackupManifest
from cx_ops.backups.parts import EmbeddedParts, embedded_parts
from cx_ops.backups.restoring import STORES_MEANWHILE, announced_stores, checked_backup, existing
from cx_ops.backups.restoring import restore as put_back
from cx_runtime.release import release
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    to: Annotated[Path, typer.Argument(help="A folder that is empty or missing.")],
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Copy log, store, blobs and keys of an embedded hub into a folder, while it runs."""
    manifest = run_long(_backup(Settings(), to, why))
    told = {"folder": str(to), **_told(manifest)}
    show(told, output, lambda out: out.print(f"{to}: {manifest.files} files, {manifest.bytes} bytes", markup=False))


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="The folder of a backup.")],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also where a hub is; its log and store are kept under other names."),
    ] = False,
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring a backup to where the settings say that log, store, blobs and keys are. Stop the hub before."""
    manifest, kept = run_long(_restore(Settings(), source, replace, why))
    for path in kept:
        to_err().print(f"kept: {path}", markup=False)
    told = {"folder": str(source), **_told(manifest), "kept": [str(path) for path in kept]}
    sentence = f"restored as of {manifest.made}; cx verify holds the store against the log"
    show(told, output, lambda out: out.print(sentence, markup=False))


def _told(manifest: BackupManifest) -> Json:
    names = ("id", "made", "software", "revision", "files", "bytes")
    return {name: getattr(manifest, name) for name in names}


async def _backup(settings: Settings, folder: Path, why: str) -> BackupManifest:
    parts = _parts(settings)
    if not parts.log.is_file():
        raise Refused("no-hub", f"{parts.log} is not there: is this the CX_HOME that you mean?")
    spaces = spaces_of(load_tenants(settings))
    id = str(uuid4())

    def work() -> BackupManifest:
        return back_up(parts, folder, spaces, software=release(), id=id, say=_say)

    manifest = await asyncio.to_thread(work)
    async with opened_log(settings) as log:
        await append_act(log, spaces, "cx.operations.hub_backed_up.v1", why, {"backup": id})
    return manifest


async def _restore(settings: Settings, folder: Path, replace: bool, why: str) -> tuple[BackupManifest, list[Path]]:
    parts = _parts(settings)
    _say("checking every digest ...")
    manifest, files = await asyncio.to_thread(checked_backup, folder)
    if (found := existing(parts)) and not replace:
        raise Refused("not-empty", f"{found[0]} is there already: restore elsewhere, or say --replace", 409)
    if parts.store.is_file():
        await _check_stopped(settings)
    stores = await asyncio.to_thread(announced_stores, parts.log)
    _say("copying ...")
    kept = await asyncio.to_thread(put_back, parts, folder, manifest, files)
    spaces = spaces_of(load_tenants(settings))
    for tenant, digest in manifest.tenants.items():
        if tenant in spaces and spaces[tenant].key_digest() != digest:
            _say(f"the id_key of the tenant {tenant} is not that of the backup: set it before anything is started")
    await _announce(settings, manifest, stores, spaces, why)
    return manifest, kept


async def _check_stopped(settings: Settings) -> None:
    try:
        async with opened_store(settings) as store, store.reading() as tx:
            workers = await leases.live_workers(tx)
    except (Fatal, TryLater):  # a store that is broken is why somebody restores
        return
    if workers:
        raise Refused("hub-runs", f"{', '.join(workers)} work on the store: stop the hub, then restore", 409)


async def _announce(
    settings: Settings, manifest: BackupManifest, stores: int, spaces: dict[str, IdSpace], why: str
) -> None:
    """Say on the restored log what was done, and let versions begin above all that clients may have seen."""
    async with opened_log(settings) as log:
        here = (await log.end_offsets(STORES)).get(0, 0)
        lacking = max(stores, here) + STORES_MEANWHILE - here
        await log.append([Record(STORES, b"stores", msgspec.json.encode(StoreOpened("restored")))] * lacking)
        attributes: Json = {"backup": manifest.id, "made": manifest.made}
        await append_act(log, spaces, "cx.operations.hub_restored.v1", why, attributes)


def _parts(settings: Settings) -> EmbeddedParts:
    return embedded_parts(
        settings.home, settings.resolved_log_url(), settings.resolved_store_url(), settings.resolved_blob_url()
    )


def _say(sentence: str) -> None:
    to_err().print(sentence, markup=False)
