"""Restore an embedded hub from a backup. Blocking: for a thread. The hub is stopped."""

from __future__ import annotations

from pathlib import Path

from cx_events.archive.sealed_files import copy_durably, digest_of_file, disk_errors, sync_folder
from cx_events.errors import Fatal, Refused
from cx_events.log import STORES, Partition
from cx_events.log.sqlite_copy import check_database, ends_in_file
from cx_ops.backups.manifest import BLOBS, HOME, LOG, STORE, BackedUpFile, BackupManifest, checked_files, read_manifest
from cx_ops.backups.parts import DRAFT, EmbeddedParts

_COMPANIONS = ("", "-wal", "-shm", "-journal")

STORES_MEANWHILE = 64
"""Stores that may have announced themselves after the backup was made, and shown versions to clients, on a log that is
lost: versions begin above so many."""


def checked_backup(folder: Path) -> tuple[BackupManifest, list[BackedUpFile]]:
    """Return the manifest and the files of a backup, each file's digest checked.

    Raises ``Refused``: ``no-manifest``, ``damaged-manifest``, ``other-format``, ``damaged-backup``.
    """
    manifest = read_manifest(folder)
    files = list(checked_files(folder, manifest))
    for name in (LOG, STORE):
        check_database(folder / name)
    return manifest, files


def existing(parts: EmbeddedParts) -> list[Path]:
    """Return what a restore would replace."""
    found = [path for path in (parts.log, parts.store, *parts.secrets()) if path.exists()]
    return found + ([parts.blobs] if any(parts.blob_files()) else [])


def announced_stores(log: Path) -> int:
    """Return how many stores announced themselves on the log in a file; 0 where it can't be told."""
    if not log.is_file():
        return 0
    try:
        return ends_in_file(log).get(Partition(STORES, 0), 0)
    except Fatal:  # a log that is broken is why somebody restores
        return 0


def restore(parts: EmbeddedParts, folder: Path, manifest: BackupManifest, files: list[BackedUpFile]) -> list[Path]:
    """Bring the files of a checked backup to their places. Return the files that were there, under their new names.

    Everything is copied beside its place first, so a full disk changes nothing. Then what is there is renamed, the log
    takes its place, and the store comes last: killed between, there is no store, and projectors fill one from the log.
    Raises ``TryLater("disk")``; begun again, it goes on.
    """
    places = [(folder / each.path, _place(parts, each.path), each.sha256) for each in files]
    with disk_errors(parts.home):
        for source, place, digest in places:
            _copy_beside(source, place, digest)
        kept = [each for path in (parts.store, parts.log) for each in _put_away(path, manifest.id)]
        last = {parts.log: 1, parts.store: 2}
        for _, place, _ in sorted(places, key=lambda each: last.get(each[1], 0)):
            _beside(place).replace(place)
            sync_folder(place.parent)
    return kept


def _place(parts: EmbeddedParts, name: str) -> Path:
    if name == LOG:
        return parts.log
    if name == STORE:
        return parts.store
    kind, _, rest = name.partition("/")
    if kind not in (BLOBS, HOME) or ".." in Path(rest).parts:
        raise Refused("damaged-backup", f"{name!r} is no file of a hub")
    return (parts.blobs if kind == BLOBS else parts.home) / rest


def _beside(place: Path) -> Path:
    return place.with_name(place.name + DRAFT)


def _copy_beside(source: Path, place: Path, digest: str) -> None:
    draft = _beside(place)
    copy_durably(source, draft)
    if digest_of_file(draft) != digest:
        raise Refused("damaged-backup", f"{source} changed while it was copied")


def _put_away(path: Path, id: str) -> list[Path]:
    """Rename a file of SQLite and its companions."""
    moved = []
    for companion in _COMPANIONS:
        here = path.with_name(path.name + companion)
        if here.exists():
            there = path.with_name(f"{path.name}.before-{id[:8]}{companion}")
            here.replace(there)
            moved.append(there)
    sync_folder(path.parent)
    return moved
