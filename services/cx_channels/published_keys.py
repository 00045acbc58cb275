"""Hold the keys, certificates and confirmations that vendors publish at their own addresses, for checking requests.

A check reads what is here and asks no network. What is not here yet is ``KeyUnknown``: intake answers 503, so that the
vendor sends again, and ``cx_channels.key_worker`` brings the document meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from cx_events.errors import TryLater

T = TypeVar("T")

RETRY_SECONDS = 5
"""Told in ``Retry-After`` where a document is not here yet: a second or two for the fetch, and some more."""


class KeyUnknown(TryLater):
    """A document that a check needs is not here, or lacks the key that a request names. ``url``: where it is."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__("keys", detail, RETRY_SECONDS)
        self.url = url


class PublishedKeys(Protocol):
    """The documents that one connection may read."""

    def read(self, url: str, parse: Callable[[bytes], T]) -> T | None:
        """Return what ``parse`` makes of a document, worked out once a document; None where it is not here.

        ``parse`` is total: it takes whatever is there.
        """

    def want(self, url: str) -> None:
        """Have a document fetched, if its source allows and it was not fetched a moment ago."""


class HeldKeys:
    """Documents that are here from the beginning. Nothing is ever fetched."""

    def __init__(self, documents: Mapping[str, bytes] | None = None) -> None:
        self._documents = documents or {}

    def read(self, url: str, parse: Callable[[bytes], T]) -> T | None:
        """Return what ``parse`` makes of a document; None where it is not here."""
        document = self._documents.get(url)
        return None if document is None else parse(document)

    def want(self, url: str) -> None:
        """Do nothing: there is nobody to fetch it."""


NO_KEYS = HeldKeys()
