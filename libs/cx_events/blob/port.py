"""What a blob store is. See the package's docstring."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol


def blob_name(content: bytes) -> str:
    """``sha256:`` and 64 hex digits."""
    return "sha256:" + sha256(content).hexdigest()


class Blobs(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def put(self, tenant: str, content: bytes) -> str:
        """Store, durable on return, and give the name. ``TryLater`` where the store does not answer."""

    async def get(self, tenant: str, name: str) -> bytes | None:
        """The content, checked against its name; None if there is none. ``Refused("bad-blob-name")`` for no name."""
