"""Open the blob store that a URL names."""

from __future__ import annotations

from pathlib import Path

from cx_events.blob.port import Blobs
from cx_events.errors import Fatal


def open_blobs(url: str) -> Blobs:
    """Return the blob store of ``file:///FOLDER`` or ``postgresql+asyncpg://...``; nothing is opened before ``start``.

    Raises ``Fatal`` for any other URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "file" and rest.startswith("/"):
        from cx_events.blob.folder import FolderBlobs

        return FolderBlobs(Path(rest))
    if scheme == "postgresql+asyncpg" and rest:
        from cx_events.blob.postgres import PostgresBlobs

        return PostgresBlobs(url)
    # Only the scheme is shown: the rest may hold a password.
    raise Fatal(
        f"the blob store's address is {scheme}://..., but file:///FOLDER or postgresql+asyncpg://... is expected"
    )
