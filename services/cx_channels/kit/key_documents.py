"""Find a key in a document that its owner publishes, and that the key worker brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from cx_channels.provider import Connection
from cx_channels.published_keys import KeyUnknown

T = TypeVar("T")


def published_at(connection: Connection, url: str, keys_in: Callable[[bytes], Mapping[str, T]], id: str) -> T:
    """Return the key of an id, of those that ``keys_in`` finds in the document at a URL. Raise ``KeyUnknown`` where the
    document is not here, or lacks that key."""
    keys = connection.keys.read(url, keys_in)
    found = keys.get(id) if keys is not None else None
    if found is None:
        raise KeyUnknown(url, "the key that the signature names is about to be fetched")
    return found
