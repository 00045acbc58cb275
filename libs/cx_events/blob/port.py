"""What a blob store is. See the package's docstring."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Protocol

from cx_events.errors import Refused

_NAME = re.compile(r"sha256:[0-9a-f]{64}")


def blob_name(content: bytes) -> str:
    """``sha256:`` and 64 hex digits."""
    return "sha256:" + sha256(content).hexdigest()


def digest_of(name: str) -> str:
    """The 64 hex digits of a blob's name; ``Refused("bad-blob-name")`` if it is none."""
    if _NAME.fullmatch(name) is None:
        raise Refused("bad-blob-name", f"{name[:80]!r} is no blob's name; sha256: and 64 hex digits are expected")
    return name.removeprefix("sha256:")


def checked_content(content: bytes, name: str) -> bytes:
    """The same bytes, if they are what the name says; ``Refused("damaged-blob")`` if the store changed them."""
    if blob_name(content) != name:
        raise Refused("damaged-blob", f"what is stored as {name} is not what was put there", status=500)
    return content


class Blobs(Protocol):
    async def start(self) -> None:
        """Make what is missing. ``TryLater`` where the store does not answer."""

    async def stop(self) -> None: ...

    async def put(self, tenant: str, content: bytes) -> str:
        """Store, durable on return, and give the name. ``TryLater`` where the store does not answer."""

    async def get(self, tenant: str, name: str) -> bytes | None:
        """The content; None if there is none. ``Refused``: ``bad-blob-name``, ``damaged-blob`` (the content was checked
        against its name)."""
