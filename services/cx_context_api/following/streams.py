"""Run one follower's stream: send what is new, a keep-alive otherwise, and tell the client when to reconnect.

A stream takes the memory of a task, its request, and what the client has not read yet: 64 KiB in the server's
transport, twice as much in the kernel, and the one state being written. A client that reads nothing for
``SLOW_SECONDS`` is cut off.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from cx_context_api.following import sse
from cx_context_api.following.notifier import Notifier
from cx_context_api.following.subscriptions import RETRY_AFTER_SECONDS, Subscription, Subscriptions
from cx_events.errors import Refused, TooFast, TryLater
from cx_runtime.metrics import Metrics
from cx_runtime.tracing import OFF, Tracing

SLOW_SECONDS = 60.0
RETRY_SECONDS = (0.5, 2.0)
"""Seconds after which a client reconnects, at random between the two."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"authorization"),
    (b"x-accel-buffering", b"no"),  # or nginx buffers a minute's states
]

Message = MutableMapping[str, Any]


class StreamConnection(Protocol):
    """A request's connection. ``limit_send_buffer`` keeps the kernel from buffering much for a slow reader; ``abort``
    ends the connection at once."""

    head_only: bool

    async def receive(self) -> Mapping[str, Any]: ...

    async def send(self, message: Message) -> None: ...

    def limit_send_buffer(self) -> None: ...

    def abort(self) -> None: ...


class Follower(Protocol):
    """Knows what one client has, and what to send it next."""

    @property
    def subscription(self) -> Subscription: ...

    async def next_events(self) -> bytes:
        """Return the events to send next; nothing if there is nothing new."""


class EventStreams:
    """The open streams of one process. ``leave`` ends them."""

    def __init__(self, subscriptions: Subscriptions, metrics: Metrics, tracing: Tracing = OFF) -> None:
        self._subscriptions = subscriptions
        self._metrics = metrics
        self._tracing = tracing
        self._open: set[Notifier] = set()
        self._all_closed = asyncio.Event()
        self.leaving = False

    async def serve(self, follower: Follower, notifier: Notifier, connection: StreamConnection) -> None:
        """Serve a follower until the client or the server leaves. Its subscription must have been refreshed once."""
        self._open.add(notifier)
        disconnected = asyncio.create_task(_wait_for_disconnect(connection.receive))
        disconnected.add_done_callback(lambda _: notifier.notify())
        try:
            connection.limit_send_buffer()
            await connection.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if not connection.head_only:
                await self._send_events(follower, notifier, connection, disconnected)
            if not disconnected.done():
                await connection.send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            self._metrics.stream_frames.labels("cut-off").inc()
            connection.abort()
        finally:
            disconnected.cancel()
            self._open.discard(notifier)
            if not self._open:
                self._all_closed.set()

    async def leave(self, seconds: float) -> None:
        """End all streams; clients then reconnect to another process. Raises ``TimeoutError`` after so many seconds."""
        self.leaving = True
        self._all_closed.clear()
        for notifier in self._open:
            notifier.notify()
        if self._open:
            async with asyncio.timeout(seconds):
                await self._all_closed.wait()

    async def _send_events(
        self, follower: Follower, notifier: Notifier, connection: StreamConnection, disconnected: asyncio.Task[None]
    ) -> None:
        clock = asyncio.get_running_loop().time
        heartbeat = self._subscriptions.heartbeat
        retry = sse.retry(*RETRY_SECONDS)
        sent_at = -math.inf
        while not (self.leaving or disconnected.done() or follower.subscription.gone is not None):
            seconds = heartbeat
            try:
                events = await follower.next_events()
            except (TryLater, TooFast):
                events, seconds = b"", RETRY_AFTER_SECONDS
            except Refused:
                return
            if events:
                with self._tracing.span("deliver a state", "producer", parent="", bytes=len(events)):
                    await _send(connection, retry + events)
                retry = b""
                self._metrics.stream_frames.labels("state").inc()
            elif clock() - sent_at >= heartbeat:
                await _send(connection, sse.KEEP_ALIVE)
            else:
                await notifier.wait(min(seconds, sent_at + heartbeat - clock()))
                continue
            sent_at = clock()


async def _send(connection: StreamConnection, content: bytes) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await connection.send({"type": "http.response.body", "body": content, "more_body": True})


async def _wait_for_disconnect(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
