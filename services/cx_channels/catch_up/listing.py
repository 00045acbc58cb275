"""Define the port that lists a vendor's objects: which came from then until then, as requests of its webhooks.

A provider's folder has ``listing.py`` with ``open_listing(connection, get) -> Listing``. Its errors say what to do, as
those of ``cx_channels.pollers.source``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, Protocol

from cx_channels.kit.listed import Get
from cx_channels.provider import Connection, Request
from cx_channels.registry import folder_name, providers
from cx_events.timestamps import Micros

MOST_PAGES = 5_000
"""Pages of one list. A vendor whose list does not end is asked for no more."""


class Span(NamedTuple):
    """From when until when, both included; µs since 1970."""

    since: Micros
    until: Micros


@dataclass(frozen=True, slots=True)
class Listed:
    """One object, as the request that the webhook would have been (``kit.listed``).

    ``same_as``: ids of events that tell the same, where the object does not say which of them the webhook made.
    """

    request: Request
    same_as: frozenset[str] = frozenset()


class ReadObject(NamedTuple):
    """An object that was read. ``request``: as ``Listed`` has it; ``twins``: requests in other forms by which the
    webhook may have told the same, under other ids. They make no events."""

    request: Request
    twins: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """One object whose name tells the ids that its event may have, so that it is read where the hub has none of them.

    ``read``: returns it, None where it is gone.
    """

    same_as: frozenset[str]
    read: Callable[[], Awaitable[ReadObject | None]]


Page = tuple[Listed | Named, ...]


class Listing(Protocol):
    """The lists of one connection.

    ``settle``: seconds for which the vendor itself tries again to deliver; what is younger is left to that, so that
    nothing comes by both ways. ``overlap``: seconds that are asked for again, since lists show things late.
    """

    settle: float
    overlap: float

    def names(self) -> AsyncGenerator[str, None]:
        """Yield the lists that there are now. Each is remembered once it was read to its end."""

    def pages(self, name: str, span: Span) -> AsyncGenerator[Page, None]:
        """Yield a list's pages in any order. What lies outside the span may be among them."""


OpenListing = Callable[[Connection, Get], Listing]


@cache
def listings() -> Mapping[str, OpenListing]:
    """Return ``open_listing`` of each provider whose vendor has lists, by the provider's name."""
    found: dict[str, OpenListing] = {}
    for name in providers():
        module = f"cx_channels.{folder_name(name).replace('/', '.')}.listing"
        if find_spec(module):
            found[name] = import_module(module).open_listing
    return found
