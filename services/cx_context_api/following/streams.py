"""One follower's connection: what is new as soon as it can be taken, a sign of life otherwise, an end in words.

Memory: a task, its request and what is not taken yet: 64 KiB of the server's transport, twice as much of the system's,
and the one state being written. Who takes nothing for ``SLOW_SECONDS`` is cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from cx_context_api.following import sse
from cx_context_api.following.notifier import Notifier
from cx_context_api.following.subscriptions import AGAIN_SECONDS, Subscription, Subscriptions
from cx_events.errors import Refused, TooFast, TryLater
from cx_runtime.metrics import Metrics

SLOW_SECONDS = 60.0
COME_BACK = (0.5, 2.0)
"""Seconds after which who was cut off comes again."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"authorization"),
    (b"x-accel-buffering", b"no"),  # or nginx gathers the states of a minute
]

Message = MutableMapping[str, Any]


class StreamConnection(Protocol):
    """What the server gives us of a request. ``hold_little``: the system is not to keep much that is not taken yet.
    ``abort``: ends the connection at once."""

    head_only: bool

    async def receive(self) -> Mapping[str, Any]: ...

    async def send(self, message: Message) -> None: ...

    def hold_little(self) -> None: ...

    def abort(self) -> None: ...


class Follower(Protocol):
    @property
    def watch(self) -> Subscription: ...

    async def news(self) -> bytes:
        """What to tell next; nothing where there is nothing new."""


class EventStreams:
    """The open streams of one process. ``leave`` ends them."""

    def __init__(self, following: Subscriptions, metrics: Metrics) -> None:
        self._following = following
        self._metrics = metrics
        self._open: set[Notifier] = set()
        self._all_closed = asyncio.Event()
        self.leaving = False

    async def serve(self, follower: Follower, bell: Notifier, connection: StreamConnection) -> None:
        """Until it leaves, or we do. The watch was looked at once."""
        self._open.add(bell)
        gone = asyncio.create_task(_left(connection.receive))
        gone.add_done_callback(lambda _: bell.ring())
        try:
            connection.hold_little()
            await connection.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if not connection.head_only:
                await self._tell(follower, bell, connection, gone)
            if not gone.done():
                last = sse.come_back(*COME_BACK)
                await connection.send({"type": "http.response.body", "body": last, "more_body": False})
        except TimeoutError:
            self._metrics.stream_frames.labels("cut-off").inc()
            connection.abort()
        finally:
            gone.cancel()
            self._open.discard(bell)
            if not self._open:
                self._all_closed.set()

    async def leave(self, seconds: float) -> None:
        """Tell all who follow to come again, elsewhere."""
        self.leaving = True
        self._all_closed.clear()
        for bell in self._open:
            bell.ring()
        if self._open:
            async with asyncio.timeout(seconds):
                await self._all_closed.wait()

    async def _tell(
        self, follower: Follower, bell: Notifier, connection: StreamConnection, gone: asyncio.Task[None]
    ) -> None:
        clock = asyncio.get_running_loop().time
        heartbeat = self._following.heartbeat
        await _send(connection, sse.come_back(*COME_BACK))
        spoke = clock()
        while not (self.leaving or gone.done() or follower.watch.gone is not None):
            patience = heartbeat
            try:
                news = await follower.news()
            except (TryLater, TooFast):
                news, patience = b"", AGAIN_SECONDS
            except Refused:
                return
            if news:
                await _send(connection, news)
                self._metrics.stream_frames.labels("state").inc()
            elif clock() - spoke >= heartbeat:
                await _send(connection, sse.ALIVE)
            else:
                await bell.wait(min(patience, spoke + heartbeat - clock()))
                continue
            spoke = clock()


async def _send(connection: StreamConnection, content: bytes) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await connection.send({"type": "http.response.body", "body": content, "more_body": True})


async def _left(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
