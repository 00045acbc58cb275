"""Read all queues and streams of a connection beside each other, as one source."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

from cx_channels.kit.aws.reading import ReadingSettings, Resource, reading_settings
from cx_channels.pollers.asking import open_asker
from cx_channels.pollers.aws.api import KINESIS, SQS, AwsApi, Service
from cx_channels.pollers.aws.cursor import Cursor, Moved, read_cursor
from cx_channels.pollers.aws.queue import Pace, QueueReader
from cx_channels.pollers.aws.stream import Rhythm, StreamReader
from cx_channels.pollers.merging import merged
from cx_channels.pollers.source import SourcePorts, Step
from cx_channels.provider import Connection


def open_source(connection: Connection, ports: SourcePorts) -> AwsSource:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return AwsSource(reading_settings(connection), ports)


class AwsSource:
    """The queues and streams of one connection. ``pace``, ``rhythm``: of reading them."""

    def __init__(self, settings: ReadingSettings, ports: SourcePorts) -> None:
        self.silence = 120.0
        self.pace = Pace()
        self.rhythm = Rhythm()
        self._settings = settings
        self._ports = ports

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Yield what comes, of queues and streams as it comes."""
        place = read_cursor(cursor)
        async with AsyncExitStack() as opened:
            readers = [self._queue(await self._api(opened, SQS, each), each) for each in self._settings.queues]
            for each in self._settings.streams:
                reader = StreamReader(
                    await self._api(opened, KINESIS, each),
                    each,
                    self._settings.since,
                    self.rhythm,
                    self._ports,
                    random.random,
                )
                readers.append(reader.steps(place.streams.get(each.arn)))
            async with aclosing(merged(readers)) as moves:
                async for moved in moves:
                    yield _step(moved, place)

    async def _queue(self, api: AwsApi, queue: Resource) -> AsyncGenerator[Moved, None]:
        url = f"{self._settings.endpoint or queue.host('sqs')}/{queue.account}/{queue.name}"
        async with aclosing(QueueReader(api, url, self._settings.receives, self.pace, self._ports).steps()) as steps:
            async for step in steps:
                yield Moved(step)

    async def _api(self, opened: AsyncExitStack, service: Service, resource: Resource) -> AwsApi:
        """Return one with a connection of its own: a queue that has nothing lets a request wait."""
        asker = await opened.enter_async_context(open_asker())
        url = self._settings.endpoint or resource.host(service.name)
        login = self._settings.logins[resource.region]
        return AwsApi(asker, service, url, login, self._ports.aws, self._ports.now)


def _step(moved: Moved, place: Cursor) -> Step:
    if moved.places is None:
        return moved.step
    place.streams[moved.arn] = moved.places
    return replace(moved.step, cursor=place.stored())
