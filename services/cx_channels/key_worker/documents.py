"""Hold the documents of one tenant in this process, and what its connections ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cx_channels.provider import Connection, KeySource

T = TypeVar("T")

MOST_WANTED = 50
"""Of one tenant at once. Strangers may name any address that a source allows; the vendor itself names one or two."""

MOST_HELD = 500
"""Documents of one tenant."""

LEAST_AGE = 300.0
"""Seconds that a document is not asked for again, whatever key a request names that is not in it."""


@dataclass(slots=True)
class Document:
    """A fetched document. Times are of the process's monotonic clock: when it was ``fetched``, when it is to be fetched
    again, and when it counts no more."""

    body: bytes
    fetched: float
    fresh_until: float
    kept_until: float
    read: dict[Callable[[bytes], Any], Any] = field(default_factory=dict)


class TenantKeys:
    """``clock``: monotonic seconds. ``wanted``: URLs that requests asked for, each with the connection of the last."""

    def __init__(self, tenant: str, clock: Callable[[], float], wake: asyncio.Event) -> None:
        self.tenant = tenant
        self.wanted: dict[str, str] = {}
        self.documents: dict[str, Document] = {}
        self._clock = clock
        self._wake = wake

    def find(self, url: str) -> Document | None:
        """Return a document that still counts."""
        found = self.documents.get(url)
        return found if found is not None and found.kept_until > self._clock() else None

    def hold(self, url: str, document: Document) -> None:
        """Hold a document, unless a newer one is held; the oldest gives way where there are too many."""
        held = self.documents.get(url)
        if held is None or held.fetched < document.fetched:
            self.documents[url] = document
        if len(self.documents) > MOST_HELD:
            del self.documents[min(self.documents, key=lambda each: self.documents[each].fetched)]

    def want(self, url: str, connection: str) -> None:
        """Ask for a document that a request needs, unless it was fetched a moment ago, or too many are asked for."""
        held = self.find(url)
        if held is not None and self._clock() - held.fetched < LEAST_AGE:
            return
        if url in self.wanted or len(self.wanted) < MOST_WANTED:
            self.wanted[url] = connection
            self._wake.set()


class ConnectionKeys:
    """One connection's view of the documents. ``serve`` says what it may ask for; nothing before that."""

    def __init__(self, keys: TenantKeys) -> None:
        self._keys = keys
        self._connection: Connection | None = None
        self._source: KeySource | None = None

    def serve(self, connection: Connection, source: KeySource) -> None:
        """Begin to take questions, by the rules of a source."""
        self._connection, self._source = connection, source

    def read(self, url: str, parse: Callable[[bytes], T]) -> T | None:
        """Return what ``parse`` makes of a document, worked out once; None where it is not here."""
        document = self._keys.find(url)
        if document is None:
            return None
        if parse not in document.read:
            document.read[parse] = parse(document.body)
        found: T = document.read[parse]
        return found

    def want(self, url: str) -> None:
        """Ask for a document that the source allows."""
        if self._connection is not None and self._source is not None and self._source.allows(url, self._connection):
            self._keys.want(url, self._connection.id)
