"""A hub that takes a vendor's webhooks and may have missed some: log, store, intake, projector, in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from tests.listed_things import ListedVendor
from tests.patience import PATIENCE
from tests.polled import POLLED, Polled, polled
from tests.stores import sqlite_store

from cx_channels.catch_up.cursor import Place
from cx_channels.catch_up.known_events import KnownEvents
from cx_channels.catch_up.listing import OpenListing, listings
from cx_channels.catch_up.manual_run import CaughtUp, ManualRun
from cx_channels.catch_up.source import CatchUp, CatchUpParts
from cx_channels.intake import wall_clock
from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection, Request
from cx_channels.published_keys import HeldKeys
from cx_context.store import Store, open_store, poller_rows
from cx_events.blob.folder import FolderBlobs
from cx_events.ids import IdSpace
from cx_events.log import Log
from cx_events.log.sqlite import SqliteLog
from cx_identity.rules import DEFAULT
from cx_projectors.consumer import Consumer
from cx_projectors.tenancy import Tenancy
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

HOUR = 3600
AGO = 5400
"""Seconds ago at which things come: longer than any vendor tries by itself, and within the hours that are asked for."""
SECOND = 1_000_000
ADDRESS = f"https://hub.example.com/v1/hooks/{POLLED}"


@dataclass
class Missing:
    """``at``: the hub's parts, with a keeper for pollers; ``slept``: seconds that the vendor's limits asked for."""

    vendor: ListedVendor
    at: Polled
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vendor.open_source = self.open_source  # type: ignore[attr-defined]

    @property
    def now(self) -> int:
        """The time in seconds since 1970."""
        return wall_clock() // SECOND

    @property
    def connection(self) -> Connection:
        return self.at.intake.connection(POLLED)[0]

    @property
    def parts(self) -> CatchUpParts:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return CatchUpParts(self.at.intake, KnownEvents(self.at.log.log, self.at.store), sleep)

    @property
    def open_listing(self) -> OpenListing:
        return listings()[self.vendor.provider.name]

    def open_source(self, connection: Connection, ports: SourcePorts) -> CatchUp:
        source = CatchUp(connection, self.open_listing, self.parts, ports.now)
        source.pause = 0.05
        return source

    async def post(self, webhook: Request) -> None:
        """Take a webhook, as the vendor sends it."""
        request = replace(webhook, url=ADDRESS, received=wall_clock())
        its, source = self.connection, self.vendor.provider.keys
        known = its if source is None else replace(its, keys=HeldKeys(source.published(its)))
        await self.at.intake.receive(self.vendor.signed(request, its), known)

    async def ask(self, *, since: int | None = None, is_dry: bool = False) -> CaughtUp:
        """Do what ``cx connections catch-up`` does. ``since``: s since 1970, two hours ago without."""
        asking = ManualRun(self.connection, self.open_listing, self.parts, Metrics(), is_dry=is_dry)
        begin = since if since is not None else self.now - 2 * HOUR
        return await asking.run(wall_clock(), begin * SECOND, b"")

    async def ids(self) -> list[str]:
        """The ids of all records of events on the log."""
        return sorted(json.loads(raw)["id"] for raw in await self.at.events())

    async def asked_before(self, at: int) -> None:
        """Let the poller's place be some time ago, in seconds since 1970, and nobody its owner."""
        await asked_before(self.at.store, POLLED, at)

    async def place(self) -> Place:
        return msgspec.json.decode(await self.at.cursor(), type=Place)


async def asked_before(store: Store, connection: str, at: int) -> None:
    """Let the place of a connection of acme be some time ago, in seconds since 1970, and nobody its owner."""
    async with store.writing() as tx:
        await poller_rows.announce(tx, {connection: "acme"})
        places = await poller_rows.take(tx, [connection], "an earlier process", 60.0)
        place = Place(at * SECOND).stored()
        await poller_rows.move_cursor(tx, connection, "an earlier process", places[connection].epoch, place)
        await poller_rows.leave(tx, "an earlier process")


@asynccontextmanager
async def missing(
    vendor: ListedVendor, folder: Path, parts: tuple[Log, str] | None = None, **settings: Any
) -> AsyncIterator[Missing]:
    """A hub with the vendor's connection, whose projector runs until the block ends. ``parts``: its log and the store's
    URL, else embedded ones."""
    vendor.settings = {**vendor.settings, **settings}
    log, url = parts or (SqliteLog(folder / "log.db", 3), sqlite_store(folder))
    store, blobs = open_store(url), FolderBlobs(folder / "blobs")
    for part in (log, store, blobs):
        await part.start()
    tenancies = {"acme": Tenancy(IdSpace("acme", b"a lasting key of acme"), DEFAULT)}
    worker = Consumer(store, log, tenancies, "projector", Metrics(), Health())
    running = asyncio.create_task(worker.run())
    try:
        async with polled(vendor, log, store, blobs) as at:  # type: ignore[arg-type]
            yield Missing(vendor, at)
    finally:
        worker.stop()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([running])
        for part in (log, store, blobs):
            await part.stop()
