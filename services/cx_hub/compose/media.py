"""Make the source that fetches the files that events name, among the pollers of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.intake import Intake
from cx_channels.media.references import MediaConnections
from cx_channels.media.worker import MediaPorts, MediaSteps
from cx_channels.pollers.source import OpenSource
from cx_hub.compose.hub import Hub
from cx_runtime.outbound.files import open_files
from cx_runtime.outbound.reach import Reach


@asynccontextmanager
async def media_source(hub: Hub, intake: Intake | None, aws: AwsKeys) -> AsyncIterator[OpenSource | None]:
    """Make what opens the worker, where this process runs pollers and a connection has its files fetched."""
    connections = MediaConnections(intake.connections if intake is not None and "pollers" in hub.services else {})
    if intake is None or not connections.by_id:
        yield None
        return
    for id in connections.by_id:
        hub.metrics.begin_media(id)
    async with open_files(Reach.parse(hub.settings.outbound_networks)) as files:
        ports = MediaPorts(intake, hub.log, files, hub.metrics, hub.health, aws)
        yield lambda _connection, _ports: MediaSteps(connections, ports)
