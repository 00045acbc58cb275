"""Check that the disks of the embedded parts have room, so that readiness fails before a write does."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy.engine import make_url

from cx_events.errors import TryLater
from cx_runtime.settings import Settings

_TRIED_BYTES = 4096
"""Written and deleted at each look: nothing else tells of a quota, or of a file system that turned read-only."""


def embedded_folders(settings: Settings) -> list[Path]:
    """Return the folders of the log, the store and the blobs, as far as they are files of this machine; each once."""
    folders = []
    scheme, _, path = settings.resolved_log_url().partition(":///")
    if scheme == "sqlite":
        folders.append(Path(path).absolute().parent)
    store = make_url(settings.resolved_store_url())
    if store.get_backend_name() == "sqlite" and store.database:
        folders.append(Path(store.database).absolute().parent)
    scheme, _, path = settings.resolved_blob_url().partition("://")
    if scheme == "file":
        folders.append(Path(path))
    return list(dict.fromkeys(folders))


async def check_room(folders: Iterable[Path], least: int) -> None:
    """Raises ``TryLater`` where a folder has fewer than ``least`` bytes free or can't be written. One that does not
    exist yet is left out: the part that makes it tells why it can't."""
    await asyncio.to_thread(_check, [folder for folder in folders if folder.is_dir()], least)


def _check(folders: list[Path], least: int) -> None:
    for folder in folders:
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        if free < least:
            raise TryLater("disk", f"{folder} has {free} bytes free; {least} are needed")
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(_TRIED_BYTES))
                file.flush()
        except OSError as error:
            raise TryLater("disk", f"{folder} can't be written: {error.strerror}") from None
