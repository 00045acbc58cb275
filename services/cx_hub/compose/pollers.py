"""Start the pollers and streams of this process: what asks vendors itself, and for what their webhooks missed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import uuid4

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.catch_up.known_events import KnownEvents
from cx_channels.catch_up.listing import listings
from cx_channels.catch_up.source import CatchUpParts, catch_up_sources
from cx_channels.intake import Intake
from cx_channels.media import worker as media
from cx_channels.pollers.keeper import PollerKeeper
from cx_channels.pollers.run import Surroundings
from cx_channels.pollers.source import OpenSource, SourcePorts, source_factories
from cx_channels.provider import Connection
from cx_hub.aws import aws_keys
from cx_hub.compose.hub import Hub, once
from cx_hub.compose.media import media_source
from cx_hub.rebuilding import process_name

WORKER = "pollers"


@asynccontextmanager
async def pollers(hub: Hub, intake: Intake | None) -> AsyncIterator[None]:
    """Run the pollers that no other process runs, where there are any. ``intake``: of ``taking_in``."""
    aws = aws_keys(hub.settings)
    async with media_source(hub, intake, aws) as fetches_media, _polling(hub, intake, fetches_media, aws):
        yield


@asynccontextmanager
async def _polling(
    hub: Hub, intake: Intake | None, fetches_media: OpenSource | None, aws: AwsKeys
) -> AsyncIterator[None]:
    if intake is None or "pollers" not in hub.services:
        yield
        return
    parts = CatchUpParts(intake, KnownEvents(hub.log, hub.store), aws=aws)
    open_sources = {**source_factories(), **catch_up_sources(listings(), parts)}
    connections = polled(intake, open_sources)
    if fetches_media is not None:  # one owner and a cursor, as a poller has
        connections[media.ROW], open_sources[media.WORKER] = Connection(media.ROW, "", media.WORKER), fetches_media
    if not connections:
        yield
        return
    ports = SourcePorts(intake.now, hub.settings.max_mail, aws)
    for id in connections:
        hub.metrics.begin_poller(id)

    async def work() -> None:
        owner = f"{process_name()}-{uuid4().hex[:8]}"
        around = Surroundings(intake, hub.store, hub.metrics, hub.health, ports, owner)
        await PollerKeeper(connections, open_sources, around).run(hub.health.progress(WORKER))

    hub.health.expect(WORKER)
    hub.supervisor.keep(WORKER, once(hub.store_opened, hub.log.opened, work=work))
    try:
        yield
    finally:
        await hub.supervisor.stop(WORKER)


def polled(intake: Intake, open_sources: Collection[str]) -> dict[str, Connection]:
    """Return the connections whose vendor we ask, by their ids. ``open_sources``: by provider."""
    return {
        each.id: each
        for each, provider in intake.connections.values()
        if each.provider in open_sources and provider.asks(each)
    }
