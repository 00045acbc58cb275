"""How much one process has under way, and may have.

``cx_runtime.door`` turns away what would be more, before anything of its body is read. Who is let in may still be
refused while its body is read (``hold``), since what bodies declare is not what they are. Nothing is taken and then
dropped.
"""

from __future__ import annotations

from contextvars import ContextVar

from cx_events.errors import Busy
from cx_runtime.metrics import Metrics

MAX_REQUESTS = 500
MAX_BYTES = 16 << 20
MAX_CONNECTIONS = 10_000
MAX_STREAMS = 5_000


class Load:
    """``max_requests``: under way at once; ``max_bytes``: of their bodies in memory, as sent and as decompressed;
    ``max_connections``: open at once, WebSockets among them; ``max_streams``: answers that go on until somebody leaves.
    One request alone may have a body above ``max_bytes``.

    ``leaving``: set when the process is to stop: each answer is then the last of its connection.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        max_requests: int = MAX_REQUESTS,
        max_bytes: int = MAX_BYTES,
        max_connections: int = MAX_CONNECTIONS,
        max_streams: int = MAX_STREAMS,
    ) -> None:
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self.max_connections = max_connections
        self.max_streams = max_streams
        self.streams = 0
        self.leaving = False
        self.requests = 0
        self.bytes = 0
        self.metrics = metrics
        metrics.requests_open.set_function(lambda: self.requests)
        metrics.request_bytes.set_function(lambda: self.bytes)
        metrics.streams_open.set_function(lambda: self.streams)

    def busy(self, reason: str, detail: str) -> Busy:
        """Counted where it is answered."""
        return Busy("hub", reason, detail)


class Held:
    """One request's share of the bytes; ``end`` gives them back."""

    __slots__ = ("bytes", "load", "streams")

    def __init__(self, load: Load) -> None:
        self.load = load
        self.bytes = 0
        self.streams = False

    @classmethod
    def begin(cls, load: Load) -> Held:
        """For the task that asks, alone: the server runs each request in one of its own."""
        held = cls(load)
        load.requests += 1
        _held.set(held)
        return held

    def end(self) -> None:
        if self.streams:
            self.load.streams -= 1
        else:
            self.load.requests -= 1
        self.load.bytes -= self.bytes


_held: ContextVar[Held | None] = ContextVar("held", default=None)


def hold(count: int) -> None:
    """Count bytes that this request keeps from now on until its end. ``Busy`` where there is no room for them.

    Outside of a door nothing is counted.
    """
    held = _held.get()
    if held is None:
        return
    load = held.load
    if load.bytes + count > load.max_bytes and load.bytes > held.bytes:
        raise load.busy("too-many-bytes", "the bodies under way leave no room for this one; nothing was taken")
    held.bytes += count
    load.bytes += count


def stream() -> None:
    """From now on this request's answer goes on until somebody leaves: it counts among the streams, not among the
    requests that are to end soon. ``Busy`` where there is no room for it."""
    held = _held.get()
    if held is None or held.streams:
        return
    load = held.load
    if load.streams >= load.max_streams:
        raise load.busy("too-many-streams", f"{load.streams} streams are open here, and no more may be")
    held.streams = True
    load.streams += 1
    load.requests -= 1
