"""Back up an embedded hub while it runs. Blocking: for a thread."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from cx_context.store.sqlite_copy import offsets_in_file, revision_in_file
from cx_events.archive.manifest import MANIFEST
from cx_events.archive.sealed_files import copy_durably, digest_of_file, disk_errors, sync_folder
from cx_events.errors import Fatal, Refused
from cx_events.ids import IdSpace
from cx_events.log.sqlite_copy import copy_database, ends_in_file
from cx_events.private_files import make_folder
from cx_ops.backups.manifest import (
    BLOBS,
    FILES,
    HOME,
    LOG,
    STORE,
    BackedUpFile,
    BackupManifest,
    write_files,
    write_manifest,
)
from cx_ops.backups.parts import EmbeddedParts
from cx_ops.moving.import_progress import by_place

_OURS = frozenset({LOG, STORE, BLOBS, HOME, FILES})
"""What a backup that broke off may have left."""

Say = Callable[[str], None]


def back_up(
    parts: EmbeddedParts,
    folder: Path,
    spaces: Mapping[str, IdSpace],
    *,
    software: str = "",
    id: str = "",
    say: Say = lambda sentence: None,
) -> BackupManifest:
    """Copy all parts into a folder that is empty or missing, and return the manifest.

    The store comes first, then the log, then the blobs: so the store is not ahead of the log, and no blob is missing
    that the log names. Raises ``Refused``: ``no-hub``, ``not-empty``. ``TryLater`` where the disk is full: what was
    copied is deleted. ``Fatal`` where a file is damaged.
    """
    for path in (parts.log, parts.store):
        if not path.is_file():
            raise Refused("no-hub", f"{path} is not there: is this the CX_HOME that you mean?")
    _check_empty(folder)
    try:
        with disk_errors(folder):
            _clear(folder)
            make_folder(folder)
        return _copy_all(parts, folder, spaces, software, id or str(uuid4()), say)
    except BaseException:
        _clear(folder)
        raise


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(each.name not in _OURS for each in folder.iterdir())):
        what = "a backup already" if (folder / MANIFEST).exists() else "other things"
        raise Refused("not-empty", f"{folder} holds {what}: name a folder that is empty or missing", 409)


def _clear(folder: Path) -> None:
    """Delete what a backup that broke off has left."""
    for name in _OURS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _copy_all(
    parts: EmbeddedParts, folder: Path, spaces: Mapping[str, IdSpace], software: str, id: str, say: Say
) -> BackupManifest:
    say("copying the store ...")
    copy_database(parts.store, folder / STORE)
    say("copying the log ...")
    copy_database(parts.log, folder / LOG)
    ends, offsets = ends_in_file(folder / LOG), offsets_in_file(folder / STORE)
    for partition, offset in offsets.items():
        if offset > ends.get(partition, 0):
            raise Fatal(
                f"the store has applied {partition.topic}/{partition.number} up to {offset}, and the log ends at "
                f"{ends.get(partition, 0)}: they are not of one hub, or the log was shortened"
            )
    files = [_described(folder, STORE), _described(folder, LOG)]
    say("copying secrets and blobs ...")
    with disk_errors(folder):
        files += [_copied(secret, folder, f"{HOME}/{secret.name}") for secret in parts.secrets()]
        files += [_copied(parts.blobs / blob, folder, f"{BLOBS}/{blob}") for blob in parts.blob_files()]
    manifest = BackupManifest(
        id=id,
        software=software,
        made=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        revision=revision_in_file(folder / STORE),
        log_ends=by_place(ends),
        store_offsets=by_place(offsets),
        tenants={name: ids.key_digest() for name, ids in spaces.items()},
        files=len(files),
        bytes=sum(each.bytes for each in files),
        files_sha256=write_files(folder, files),
    )
    write_manifest(folder, manifest)
    return manifest


def _copied(source: Path, folder: Path, name: str) -> BackedUpFile:
    target = folder / name
    copy_durably(source, target)
    sync_folder(target.parent)
    return _described(folder, name)


def _described(folder: Path, name: str) -> BackedUpFile:
    path = folder / name
    with disk_errors(path):
        return BackedUpFile(name, path.stat().st_size, digest_of_file(path))
