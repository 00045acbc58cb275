"""Keep documents in the store, so that one process fetches for all, and a start need not wait for a vendor.

They are public, and kept by tenant all the same: what one tenant's requests have fetched says nothing to another's. The
store may be away: then each process fetches for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from cx_channels.key_worker.documents import MOST_HELD
from cx_channels.provider import Lasting
from cx_context.store import Store, short_lived

KIND = "published-key"
_CLAIM = "published-key-claim"


class StoredDocument(msgspec.Struct, frozen=True):
    """``fresh``, ``kept``: as in ``Lasting``, from when it was fetched."""

    url: str
    body: bytes
    fresh: float
    kept: float


class Found(NamedTuple):
    """A document with its age in seconds, by the database's clock."""

    document: StoredDocument
    age: float


_decode = msgspec.json.Decoder(StoredDocument).decode


class StoredKeys:
    """``is_there``: whether there is a store to ask; a process without a part that uses it must not make one."""

    def __init__(self, store: Store, is_there: Callable[[], bool]) -> None:
        self._store = store
        self._is_there = is_there

    async def read(self, tenant: str) -> list[Found]:
        """Return what is stored for a tenant. Raise ``TryLater``."""
        if not self._is_there():
            return []
        async with self._store.reading() as tx:
            rows = await short_lived.read(tx, tenant, KIND, MOST_HELD)
        found = [(_decode(value), left) for _, value, left in rows]
        return [Found(document, max(document.kept - left, 0.0)) for document, left in found]

    async def put(self, tenant: str, url: str, body: bytes, lasting: Lasting) -> None:
        """Store a document that was just fetched. Raise ``TryLater``."""
        if not self._is_there():
            return
        value = msgspec.json.encode(StoredDocument(url, body, lasting.fresh, lasting.kept))
        async with self._store.writing() as tx:
            await short_lived.put(tx, tenant, KIND, _name(url), value, lasting.kept)

    async def claim(self, tenant: str, url: str, seconds: float) -> bool:
        """Return whether this process may fetch a document now: nobody else does. Raise ``TryLater``.

        Two that ask in the same moment may both be told so; the document is the same.
        """
        if not self._is_there():
            return True
        async with self._store.writing() as tx:
            if await short_lived.is_there(tx, tenant, _CLAIM, _name(url)):
                return False
            await short_lived.put(tx, tenant, _CLAIM, _name(url), b"", seconds)
        return True

    async def release(self, tenant: str, url: str) -> None:
        """Give up a claim: the document came, or did not. Raise ``TryLater``."""
        if not self._is_there():
            return
        async with self._store.writing() as tx:
            await short_lived.remove(tx, tenant, _CLAIM, _name(url))


def _name(url: str) -> str:
    return blake2b(url.encode(), digest_size=16).hexdigest()
