"""Ask a connection's lists round by round, from where they were last read to their ends: a source for pollers.

Nothing tells a hub that was away, or whose proxy was, what it missed: so a gap is whatever nobody has asked for yet
(decision 0088). The first round begins as soon as a process owns the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import NamedTuple

import structlog

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.catch_up.asking import LONGEST_WAIT, MOST_TRIES, PatientGet, Sleep
from cx_channels.catch_up.cursor import DAY, SECOND, Place, read_place
from cx_channels.catch_up.fresh import find_fresh
from cx_channels.catch_up.known_events import KnownEvents
from cx_channels.catch_up.listing import MOST_PAGES, Listing, OpenListing
from cx_channels.intake import Intake
from cx_channels.kit.catch_up_settings import catch_up_settings
from cx_channels.pollers.asking import SECONDS, open_asker
from cx_channels.pollers.source import OpenSource, SourcePorts, Step
from cx_channels.provider import Connection
from cx_events.errors import Refused
from cx_events.timestamps import Micros, format_time

_WELL_WITHIN = 60.0


class CatchUpParts(NamedTuple):
    """The parts of the process that it needs. ``sleep``: between tries of one request, s; ``aws``: keys of AWS."""

    intake: Intake
    known: KnownEvents
    sleep: Sleep = asyncio.sleep
    aws: AwsKeys | None = None


def catch_up_sources(listings: Mapping[str, OpenListing], parts: CatchUpParts) -> dict[str, OpenSource]:
    """Return what opens the source of each provider's connections, by the provider."""
    return {name: _opener(open_listing, parts) for name, open_listing in listings.items()}


def _opener(open_listing: OpenListing, parts: CatchUpParts) -> Callable[[Connection, SourcePorts], CatchUp]:
    return lambda connection, ports: CatchUp(connection, open_listing, parts, ports.now)


class CatchUp:
    """The lists of one connection. ``pause``: seconds between two rounds."""

    def __init__(
        self, connection: Connection, open_listing: OpenListing, parts: CatchUpParts, now: Callable[[], Micros]
    ) -> None:
        settings = catch_up_settings(connection)
        self.pause = settings.minutes * 60.0
        self.silence = self.pause + MOST_TRIES * (LONGEST_WAIT + SECONDS) + _WELL_WITHIN
        self._days = settings.days
        self._connection = connection
        self._open_listing = open_listing
        self._parts = parts
        self._now = now

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Yield what the hub lacks, page by page, and after each round the place up to which all was asked for."""
        place = read_place(cursor)
        if place is None:
            place = Place(self._now())  # what came before the connection was set up is not asked for
            yield Step(cursor=place.stored())
        async with open_asker() as asker:
            listing = self._open_listing(self._connection, PatientGet(asker, self._parts.sleep, self._parts.aws))
            while True:
                async for step in self._round(listing, place):
                    yield step
                await asyncio.sleep(self.pause)

    async def _round(self, listing: Listing, place: Place) -> AsyncGenerator[Step, None]:
        now = self._now()
        until = now - int(listing.settle * SECOND)
        if until <= place.asked_to:
            yield Step()
            return
        earliest = until - self._days * DAY
        if place.asked_to < earliest:
            gap = f"from {format_time(place.asked_to)} to {format_time(earliest)} nothing was asked for"
            place.asked_to = earliest
            yield Step(gap=f"{gap}: catch_up_days is {self._days}; cx connections catch-up --since asks for more")
        begun_at, count = place.asked_to, 0
        async for name in listing.names():
            async for step in self._list(listing, place, name, until):
                count += len(step.deliveries)
                yield step
        place.finish(until, now, 2 * (listing.overlap + listing.settle + self.pause) + _WELL_WITHIN)
        if count:
            structlog.get_logger("cx_channels.catch_up").warning(
                "a webhook had missed something",
                connection=self._connection.id, count=count, since=format_time(begun_at), until=format_time(until),
            )  # fmt: skip
        yield Step(cursor=place.stored())

    async def _list(self, listing: Listing, place: Place, name: str, until: Micros) -> AsyncGenerator[Step, None]:
        """Yield what is lacking of one list, then the place with the list read to its end."""
        pages, is_short = 0, True
        async for page in listing.pages(name, place.span(name, until, listing.overlap)):
            pages += 1
            check_pages(pages)
            found = await find_fresh(self._parts.intake, self._parts.known, self._connection, page, place.handed)
            place.note(found.ids, self._now())
            is_short = is_short and pages == 1 and not found.deliveries
            yield Step(found.deliveries, place.stored() if found.deliveries else None)
        place.done[name] = until
        yield Step(cursor=None if is_short else place.stored())  # a short list is soon asked for again


def check_pages(count: int) -> None:
    """Raise ``Refused("endless-list")`` above the pages that a list may have."""
    if count > MOST_PAGES:
        raise Refused("endless-list", f"the vendor's list has more than {MOST_PAGES} pages, and is left")
