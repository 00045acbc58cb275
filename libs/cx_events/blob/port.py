"""Define the port of the blob store, and the names of blobs."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Protocol

from cx_events.errors import Refused

_NAME = re.compile(r"sha256:[0-9a-f]{64}")


def blob_name(content: bytes) -> str:
    """Return the name of some content: ``sha256:`` and 64 hex digits."""
    return "sha256:" + sha256(content).hexdigest()


def digest_of(name: str) -> str:
    """Return the 64 hex digits of a blob's name. Raises ``Refused("bad-blob-name")``."""
    if _NAME.fullmatch(name) is None:
        raise Refused("bad-blob-name", f"{name[:80]!r} is not a blob's name (expected sha256: and 64 hex digits)")
    return name.removeprefix("sha256:")


def checked_content(content: bytes, name: str) -> bytes:
    """Return the bytes, if their digest is in the name. Raises ``Refused("damaged-blob", 500)`` if it isn't."""
    if blob_name(content) != name:
        raise Refused("damaged-blob", f"what is stored as {name} is not what was put there", status=500)
    return content


class Blobs(Protocol):
    """A blob store."""

    async def start(self) -> None:
        """Create what is missing. Raises ``TryLater`` where the store does not answer."""

    async def stop(self) -> None: ...

    async def put(self, tenant: str, content: bytes) -> str:
        """Store the content, durable on return, and return its name. Raises ``TryLater`` without an answer."""

    async def get(self, tenant: str, name: str) -> bytes | None:
        """Return the content, checked against its name; None if there is none.

        Raises ``Refused``: ``bad-blob-name``, ``damaged-blob``; ``TryLater``.
        """
