"""Ask one connection's lists once, at a person's word."""

from __future__ import annotations

import asyncio

import msgspec

from cx_channels.catch_up.asking import PatientGet
from cx_channels.catch_up.cursor import DAY, SECOND, read_place
from cx_channels.catch_up.fresh import digest_of, find_fresh
from cx_channels.catch_up.listing import OpenListing, Page, Span
from cx_channels.catch_up.source import CatchUpParts, check_pages
from cx_channels.pollers.acceptance import accept
from cx_channels.pollers.asking import open_asker
from cx_channels.pollers.source import Delivery
from cx_channels.provider import Connection
from cx_events.errors import Refused, TooFast, TryLater
from cx_events.timestamps import Micros, format_time
from cx_runtime.metrics import Metrics


class CaughtUp(msgspec.Struct):
    """``listed``: events that the vendor's lists tell of; ``missed``: those that the hub did not have; ``stored``: how
    many of these it has now. ``problem``: why it ended early, "" where it did not. Times are RFC 3339."""

    tenant: str
    connection: str
    provider: str
    since: str
    until: str
    listed: int = 0
    missed: int = 0
    stored: int = 0
    problem: str = ""


class ManualRun:
    """Asks one connection's lists. ``cursor``: of its poller, which is left as it is; ``is_dry``: nothing is stored."""

    def __init__(
        self, connection: Connection, open_listing: OpenListing, parts: CatchUpParts, metrics: Metrics, *, is_dry: bool
    ) -> None:
        self._connection = connection
        self._open_listing = open_listing
        self._parts = parts
        self._metrics = metrics
        self._is_dry = is_dry
        self._handed: set[str] = set()

    async def run(self, now: Micros, since: Micros | None, cursor: bytes) -> CaughtUp:
        """Return what was found. ``since``: without it from where the poller is, or a day ago where none was."""
        its = self._connection
        told = CaughtUp(its.tenant, its.id, its.provider, "", "")
        try:
            async with open_asker() as asker:
                listing = self._open_listing(its, PatientGet(asker, self._parts.sleep, self._parts.aws))
                place = read_place(cursor)
                begin = place.asked_to if place is not None else now - DAY
                if since is None:
                    since = begin - int(listing.overlap * SECOND)
                span = Span(since, now - int(listing.settle * SECOND))
                told.since, told.until = format_time(span.since), format_time(span.until)
                if span.since > span.until:
                    raise Refused(
                        "bad-time", f"what is younger than {listing.settle:.0f} s is left to the vendor's own tries"
                    )
                async for name in listing.names():
                    pages = 0
                    async for page in listing.pages(name, span):
                        pages += 1
                        check_pages(pages)
                        await self._take(page, told)
        except (Refused, TryLater) as error:
            told.problem = str(error)
        return told

    async def _take(self, page: Page, told: CaughtUp) -> None:
        found = await find_fresh(self._parts.intake, self._parts.known, self._connection, page, self._handed)
        self._handed |= {digest_of(id) for id in found.ids}
        told.listed += found.listed
        told.missed += len(found.ids)
        if self._is_dry:
            return
        for delivery in found.deliveries:
            await self._store(delivery)
        told.stored += len(found.ids)

    async def _store(self, delivery: Delivery) -> None:
        while True:
            try:
                return await accept(self._parts.intake, self._metrics, self._connection, delivery)
            except TooFast as too_fast:
                await asyncio.sleep(too_fast.retry_after)
