"""Keep blobs as files: ``FOLDER/TENANT/HH/HEX``, TENANT being a digest of the tenant's name, HH the content's first
byte.

Neither a tenant's nor anybody's name gets into a path. A file appears whole or not at all.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from hashlib import sha256
from pathlib import Path

from cx_events.blob.port import blob_name, checked_content, digest_of
from cx_events.errors import TryLater
from cx_events.private_files import FOLDER_MODE, tighten_below


class FolderBlobs:
    """Blobs below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    async def start(self) -> None:
        await asyncio.to_thread(self._make, self.folder)
        await asyncio.to_thread(tighten_below, self.folder)

    async def stop(self) -> None:
        return None

    async def put(self, tenant: str, content: bytes) -> str:
        name = blob_name(content)
        await asyncio.to_thread(self._put, self._place(tenant, name), content)
        return name

    async def get(self, tenant: str, name: str) -> bytes | None:
        return await asyncio.to_thread(self._get, self._place(tenant, name), name)

    def _place(self, tenant: str, name: str) -> Path:
        digest = digest_of(name)
        return self.folder / sha256(tenant.encode()).hexdigest()[:32] / digest[:2] / digest

    def _put(self, place: Path, content: bytes) -> None:
        try:
            if place.exists() and place.read_bytes() == content:
                # Another writer may not have synced the folder yet.
                _sync(place.parent)
                return
            self._make(place.parent)
            handle, draft = tempfile.mkstemp(dir=place.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(draft).replace(place)
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            _sync(place.parent)
        except OSError as error:
            raise TryLater("blobs", f"{self.folder}: {error.strerror}") from error

    def _get(self, place: Path, name: str) -> bytes | None:
        try:
            content = place.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TryLater("blobs", f"{self.folder}: {error.strerror}") from error
        return checked_content(content, name)

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, with durable entries."""
        if folder.is_dir():
            return
        try:
            self._make(folder.parent)
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            _sync(folder.parent)
        except OSError as error:
            raise TryLater("blobs", f"{folder} can't be made: {error.strerror}") from error


def _sync(folder: Path) -> None:
    """Sync a folder, which makes renames in it durable (fsync(2), "Description")."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
