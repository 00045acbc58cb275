"""The bodies of contexts that were rendered last, kept by customer and version."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

from cx_context.versions import is_outdated
from cx_events.ids import NodeId

CACHE_BYTES = 160 << 20
"""The bodies of some 15,000 customers with 20 events each: read in turns, one more than fit would make all be rendered
again and again."""


class CachedBody(NamedTuple):
    """A context's body at a version, and the digest of its bytes."""

    version: int
    content: bytes
    digest: str

    @classmethod
    def of(cls, version: int, content: bytes) -> CachedBody:
        """Return a body with its digest."""
        return cls(version, content, digest_of(content))


def digest_of(content: bytes) -> str:
    """Return the digest of a body's bytes for an ETag, 16 hex digits."""
    return blake2b(content, digest_size=8).hexdigest()


class BodyCache:
    """Bodies by (tenant, customer); of too many bytes those unused for longest go."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._bodies: OrderedDict[tuple[str, NodeId], CachedBody] = OrderedDict()

    def get(self, key: tuple[str, NodeId]) -> CachedBody | None:
        found = self._bodies.get(key)
        if found is not None:
            self._bodies.move_to_end(key)
        return found

    def put(self, key: tuple[str, NodeId], body: CachedBody) -> None:
        """A newer version stays: renderings may end in another order than they began."""
        known = self._bodies.get(key)
        if known is not None:
            if is_outdated(body.version, by=known.version):
                return
            self._held -= len(known.content)
        self._bodies[key] = body
        self._bodies.move_to_end(key)
        self._held += len(body.content)
        while self._held > self._most:
            _, gone = self._bodies.popitem(last=False)
            self._held -= len(gone.content)
