"""Shed load at the door of an HTTP app, with 429 or 503 and Retry-After, before anything of a body is read.

    load = InFlight(metrics, max_requests=1000, max_bytes=16 << 20)
    app = LoadShedding(app, load)

So refusing stays cheap while there is more to do than can be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from cx_events.errors import Busy, TooFast
from cx_runtime import problems
from cx_runtime.in_flight import Held, InFlight, address_of

ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Whoever runs the hub must see it most of all while it is full."""


class LoadShedding:
    """``app`` behind the bounds of a ``InFlight``. ``ALWAYS_OPEN`` is let through, and WebSockets, which count as
    connections and have bounds of their own. ``outer``: wraps what ``overfull`` answers."""

    def __init__(self, app: ASGIApp, load: InFlight, outer: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> None:
        self._app = app
        self._outer = outer
        self.load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in ALWAYS_OPEN:
            await self._app(scope, receive, send)
            return
        load = self.load
        try:
            held = Held.begin(load, scope)
        except (Busy, TooFast) as refused:
            await self.refuse(refused, scope, receive, send)
            return
        try:
            if scope["type"] == "http" and not load.body_bytes.has_room(_declared(scope)):
                detail = "the bodies under way leave no room for this one; nothing was taken"
                await self.refuse(load.busy("too-many-bytes", detail), scope, receive, send)
                return
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not load.leaving or scope["type"] != "http":
                raise
            # Its time is up: nobody knows what became of it, and to send it again is safe.
            with suppress(RuntimeError):  # its answer has begun
                await self.refuse(load.busy("stopping", "the hub stops; send again"), scope, receive, send)
        finally:
            held.end()

    async def refuse(self, refused: Busy | TooFast, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to what is turned away."""
        if isinstance(refused, TooFast):
            await self.load.pause(address_of(self.load.addresses, scope))
        self.load.metrics.problem(429 if isinstance(refused, TooFast) else 503, refused.reason)
        await problems.told(refused)(scope, receive, send)

    def overfull(self, refused: Busy | TooFast) -> ASGIApp:
        """The app for a connection that is one too many: it is told so, and closed."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] in ALWAYS_OPEN:
                await self._app(scope, receive, send)
                return
            await self.refuse(refused, scope, receive, send)

        return self._outer(app)


def _declared(scope: Scope) -> int:
    """Return the bytes that Content-Length declares; None where it is absent or no number."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value[:20]) if value.isdigit() else 0
    return 0
