"""Cache the bodies of contexts by customer and version."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

from cx_context.versions import is_outdated
from cx_events.ids import NodeId

CACHE_BYTES = 160 << 20
"""Room for the bodies of some 15,000 customers with 20 events each. If more customers than fit are read in rotation,
every read renders."""


class CachedBody(NamedTuple):
    """A context's body at a version, and the digest of its bytes. ``directory``: the digest of the directory that it
    was read with."""

    version: int
    content: bytes
    digest: str
    directory: bytes = b""

    @classmethod
    def of(cls, version: int, content: bytes, directory: bytes = b"") -> CachedBody:
        """Return a body with its digest."""
        return cls(version, content, digest_of(content), directory)


def digest_of(content: bytes) -> str:
    """Return the digest of a body's bytes for an ETag, 16 hex digits."""
    return blake2b(content, digest_size=8).hexdigest()


class BodyCache:
    """Bodies by (tenant, customer). Above ``max_bytes`` the least recently used are dropped. ``held``: bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.held = 0
        self._bodies: OrderedDict[tuple[str, NodeId], CachedBody] = OrderedDict()

    def get(self, key: tuple[str, NodeId]) -> CachedBody | None:
        """Return the cached body, None if there is none."""
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: tuple[str, NodeId], body: CachedBody) -> None:
        """Cache a body, unless a newer version is cached: renderings may end in another order than they began."""
        cached = self._bodies.get(key)
        if cached is not None:
            if is_outdated(body.version, by=cached.version):
                return
            self.held -= len(cached.content)
        self._bodies[key] = body
        self._bodies.move_to_end(key)
        self.held += len(body.content)
        while self.held > self._max_bytes:
            _, dropped = self._bodies.popitem(last=False)
            self.held -= len(dropped.content)
