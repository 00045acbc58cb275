"""Run one follower's stream: send what is new, a heartbeat otherwise, and tell the client when to reconnect.

A stream takes the memory of a task, its request, and what the client has not read yet: 64 KiB in the server's
transport, twice as much in the kernel, and the one state being written. A client that reads nothing for
``SLOW_SECONDS`` is cut off.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from cx_context.store import Store
from cx_context_api.following import sse
from cx_context_api.following.freshness import Freshness
from cx_context_api.following.json_patches import PatchCache
from cx_context_api.following.notifier import Notifier
from cx_context_api.following.presence import PresenceBoard
from cx_context_api.following.sse import Frame
from cx_context_api.following.subscriptions import RETRY_AFTER_SECONDS, Subscription, Subscriptions
from cx_events.errors import Refused, TooFast, TryLater
from cx_events.log import Log
from cx_runtime.metrics import Metrics
from cx_runtime.tracing import OFF, Tracing

SLOW_SECONDS = 60.0
RETRY_SECONDS = (0.5, 2.0)
"""Seconds after which a client reconnects, at random between the two."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"authorization, cookie, accept-encoding"),
    (b"x-accel-buffering", b"no"),  # or nginx buffers a minute's states
]

GZIP = (b"content-encoding", b"gzip")
_WINDOW = (16 + 12, 5)
"""A gzip of a window of 4 KiB: 32 KiB of memory a stream, instead of 256."""

Message = MutableMapping[str, Any]


class StreamConnection(Protocol):
    """A request's connection. ``limit_send_buffer`` keeps the kernel from buffering much for a slow reader; ``abort``
    ends the connection at once."""

    head_only: bool
    takes_gzip: bool

    async def receive(self) -> Mapping[str, Any]: ...

    async def send(self, message: Message) -> None: ...

    def limit_send_buffer(self) -> None: ...

    def abort(self) -> None: ...


class Follower(Protocol):
    """Knows what one client has, and what to send it next."""

    async def next_frames(self) -> list[Frame]:
        """Return the events to send next; none if there is nothing new."""


class EventStreams:
    """The open streams of one process, and what they share: patches, and who is present. ``leave`` ends them."""

    def __init__(
        self, store: Store, log: Log, subscriptions: Subscriptions, metrics: Metrics, tracing: Tracing = OFF
    ) -> None:
        self._subscriptions = subscriptions
        self._freshness = Freshness(store, log)
        self.board = PresenceBoard(store, subscriptions)
        self.patches = PatchCache()
        self._metrics = metrics
        self._tracing = tracing
        self._open: set[Notifier] = set()
        self._all_closed = asyncio.Event()
        self.leaving = False

    async def serve(
        self,
        follower: Follower,
        notifier: Notifier,
        connection: StreamConnection,
        subscription: Subscription | None = None,
    ) -> None:
        """Serve a follower until the client or the server leaves, or there is nothing to follow any more.

        ``subscription``: the one that it follows, refreshed once; None for several, which are followed one by one.
        """
        self._open.add(notifier)
        disconnected = asyncio.create_task(_wait_for_disconnect(connection.receive))
        disconnected.add_done_callback(lambda _: notifier.notify())
        try:
            connection.limit_send_buffer()
            headers = [*HEADERS, GZIP] if connection.takes_gzip else HEADERS
            await connection.send({"type": "http.response.start", "status": 200, "headers": headers})
            writer = _Writer(connection)
            if not connection.head_only:
                await self._send_events(follower, notifier, writer, disconnected, subscription)
            if not disconnected.done():
                last = b"" if connection.head_only else writer.end()
                await connection.send({"type": "http.response.body", "body": last, "more_body": False})
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

    async def stop(self) -> None:
        """Cancel a look at how fresh the store is."""
        await self._freshness.stop()

    async def _send_events(
        self,
        follower: Follower,
        notifier: Notifier,
        writer: _Writer,
        disconnected: asyncio.Task[None],
        subscription: Subscription | None,
    ) -> None:
        clock = asyncio.get_running_loop().time
        heartbeat = self._subscriptions.heartbeat
        retry = sse.retry(*RETRY_SECONDS)
        sent_at = -math.inf
        while not (self.leaving or disconnected.done() or (subscription is not None and subscription.gone is not None)):
            seconds = heartbeat
            try:
                frames = await follower.next_frames()
            except (TryLater, TooFast):
                frames, seconds = [], RETRY_AFTER_SECONDS
            except Refused:
                return
            if frames:
                events = b"".join(frame.encoded() for frame in frames)
                with self._tracing.span("deliver a state", "producer", parent="", bytes=len(events)):
                    await writer.write(retry + events)
                retry = b""
                self._metrics.stream_frames.labels("state").inc(len(frames))
            elif clock() - sent_at >= heartbeat:
                told = sse.json_frame("heartbeat", await self._freshness.read())
                await writer.write(sse.KEEP_ALIVE + told.encoded())
            else:
                await notifier.wait(min(seconds, sent_at + heartbeat - clock()))
                continue
            sent_at = clock()


class _Writer:
    """Writes to a connection, compressed where the client takes that; each write reaches it whole."""

    def __init__(self, connection: StreamConnection) -> None:
        self._connection = connection
        self._gzip = zlib.compressobj(1, zlib.DEFLATED, *_WINDOW) if connection.takes_gzip else None

    async def write(self, content: bytes) -> None:
        """Write. Raises ``TimeoutError`` where the client takes nothing for ``SLOW_SECONDS``."""
        if self._gzip is not None:
            content = self._gzip.compress(content) + self._gzip.flush(zlib.Z_SYNC_FLUSH)
        async with asyncio.timeout(SLOW_SECONDS):
            await self._connection.send({"type": "http.response.body", "body": content, "more_body": True})

    def end(self) -> bytes:
        """Return what ends the content."""
        return self._gzip.flush() if self._gzip is not None else b""


async def _wait_for_disconnect(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
