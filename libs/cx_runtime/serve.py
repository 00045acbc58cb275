"""Run the HTTP server: uvicorn, with the deadlines and bounds that it lacks, and an end that cuts nobody off.

uvicorn waits for ever for the first request of a connection and for the rest of one whose headers have begun, and
llhttp sets no bound to headers. ``PatientProtocol`` ends both, by ``HEADER_SECONDS`` and ``HEADER_BYTES``. Bodies have
deadlines of their own (``cx_runtime.http.read_body``).

``Server`` stops so that whoever has sent a request gets its answer: connections that wait to be accepted are, each
answer is the last of its connection and says so, and a silent connection is closed only once it has stayed silent.
"""

from __future__ import annotations

import asyncio
import resource
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import ref

import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cx_events.errors import Busy, TooFast
from cx_runtime import problems, whole_answers
from cx_runtime.accept_queue import accept_waiting, turn_away
from cx_runtime.in_flight import InFlight
from cx_runtime.load_shedding import LoadShedding

HEADER_SECONDS = 10.0
HEADER_BYTES = 64 << 10
WEBSOCKET_MESSAGE_BYTES = 64 << 10
QUIET_SECONDS = 0.5
"""A connection that was silent for so long may be closed while the server stops."""

HANDSHAKE_SECONDS = 0.1
"""Whoever began to connect before the server stopped has so long to end it."""

ACCEPTED_AT_ONCE = 100

TRANSPORT = "transport"
"""In a request's ``state``: its connection's. To close one whose peer reads nothing would take for ever."""

REST_SECONDS = 75.0
"""Whoever sends on after an answer is heard for so long, without a pause longer than a kept connection's. That is the
tear-down of RFC 9112, section 9.6, told in time: a close would reset the connection, and what the sender has not
read by then, the answer too, might be gone."""

_FILES_APART = 256
_UNREAD_BYTES = 64 << 10

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose headers must arrive in time and in bounds.

    The rest of a body that was answered before it came is read and thrown away, at whatever speed it comes, for at most
    ``REST_SECONDS``: to close would reset the connection, and the sender might never see the answer. Then the
    connection waits for its next request as after any other. A connection beyond a bound is answered 429 or 503 and
    closed; far beyond it, without a look at what it asks for.
    """

    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_body = False
    _headers_came = False
    _surplus = False
    _answered_for_good = False
    _answer_end: _AnswerEnd | None = None
    _rest_until: float | None = None
    """Until when, by the loop's clock, the rest of an answered request is heard; None where there is none."""

    header_seconds = HEADER_SECONDS
    rest_seconds = REST_SECONDS
    door: LoadShedding | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_waiting()
        if self.door is None or self.client is None:
            return
        try:
            refused = self.door.load.connected(self.client)
        except (Busy, TooFast) as error:
            self.door.load.metrics.problem(429 if isinstance(error, TooFast) else 503, error.reason)
            self._close(problems.raw(error))
            return
        if refused is not None:
            self._surplus = True
            self.app = self.door.overfull(refused)

    def data_received(self, data: bytes) -> None:
        is_idle = self._deadline is None and (self.cycle is None or self.cycle.response_complete)
        was_in_body = self._in_body
        self._headers_came = False
        super().data_received(data)
        if self._in_body:
            self._hear_rest()
        elif not was_in_body:  # the end of a body is no header, however much came at once
            if is_idle and not self._headers_came:  # most headers come at once, and need no timer
                self._begin_waiting()
            if self._deadline is not None:
                self._header_bytes += len(data)
                if self._header_bytes > HEADER_BYTES:
                    self._close(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._headers_came = True
        self._end_waiting()
        self._unset_keepalive_if_required()  # begun where the rest before it ended
        self._in_body = True
        self._rest_until = None
        self.scope["state"][TRANSPORT] = self.transport
        super().on_headers_complete()
        if self.cycle is None or self.cycle.scope is not self.scope:  # a WebSocket's
            return
        if self._answer_end is None:
            self._answer_end = _AnswerEnd(self)
        self.cycle.transport = self._answer_end  # type: ignore[assignment]
        whole_answers.offer(self.scope["state"], self.cycle)
        if self._surplus or (self.door is not None and self.door.load.leaving):
            self.cycle.keep_alive = False  # its answer is the connection's last

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if self._answered_for_good:
            self.transport.close()
        elif self._rest_until is not None:
            self._rest_until = None
            self._close_after(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and self.cycle.response_complete and not self.transport.is_closing():
            self._begin_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self._answer_end = None
        if self.door is not None and self.client is not None:
            self.door.load.disconnected(self.client)

    def timeout_keep_alive_handler(self) -> None:
        """A request, or more of the rest of one, may have come already, and only wait for the event loop."""
        is_over = self._rest_until is not None and self.loop.time() >= self._rest_until
        if not is_over and _has_unread(self.transport):
            self._close_after(QUIET_SECONDS)
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Leave once all that was asked is answered (``InFlight.leaving`` is set before)."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(QUIET_SECONDS, self._leave_if_quiet)

    def last_answer_sent(self) -> None:
        """Close, but not before the rest of the request is read: that would reset the connection."""
        if self._in_body and not self.transport.is_closing():
            self._answered_for_good = True
            self._begin_rest()
        else:
            self.transport.close()

    def _begin_rest(self) -> None:
        """Hear the rest of a request that was answered before it came whole."""
        self._rest_until = self.loop.time() + self.rest_seconds
        self._hear_rest()

    def _hear_rest(self) -> None:
        """Wait for more of such a rest, if there is one."""
        if self._rest_until is None:
            return
        left = self._rest_until - self.loop.time()
        if left > 0.0:
            self._close_after(min(self.timeout_keep_alive, left))
        else:
            self.transport.close()

    def _close_after(self, seconds: float) -> None:
        """Close the connection if nothing comes until then."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _leave_if_quiet(self) -> None:
        asked = self.cycle is not None and not self.cycle.response_complete
        if asked or self.transport.is_closing():
            return  # the answer will be its last, or it is gone
        if (self._deadline is not None and self._header_bytes) or _has_unread(self.transport):
            self.loop.call_later(QUIET_SECONDS, self._leave_if_quiet)
        else:
            self.transport.close()

    def _begin_waiting(self) -> None:
        self._header_bytes = 0
        self._deadline = self.loop.call_later(self.header_seconds, self._give_up)

    def _end_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._close(_TOO_SLOW)

    def _close(self, last_words: bytes) -> None:
        self._end_waiting()
        if not self.transport.is_closing():
            self.transport.write(last_words)
            self.transport.close()


class _AnswerEnd:
    """A connection's transport for answers: it is closed after the last, but not before the request has come whole.

    It refers weakly to the connection, which would else refer to itself and stay until garbage is collected.
    """

    def __init__(self, protocol: PatientProtocol) -> None:
        self._protocol = ref(protocol)
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        protocol = self._protocol()
        if protocol is not None:
            protocol.last_answer_sent()


def _has_unread(transport: asyncio.Transport) -> bool:
    """Return whether the socket holds bytes that the event loop has not read yet."""
    found = transport.get_extra_info("socket")
    if transport.is_closing() or found is None or found.fileno() < 0:
        return False
    asking = select.poll()
    asking.register(found.fileno(), select.POLLIN)
    return bool(asking.poll(0))


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """Ends who sends pings and takes no pongs: they would wait here without bound. A handshake that is refused is no
    fault of ours: uvicorn (0.54) would log an error for each."""

    door: LoadShedding | None = None

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # all there will be of it

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.door is not None and self.client is not None:
            self.door.load.disconnected(self.client)

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > _UNREAD_BYTES + WEBSOCKET_MESSAGE_BYTES:
            self.transport.abort()


class Server(uvicorn.Server):
    """A server that leaves signals to its owner, who may have more to stop.

    ``should_exit`` asks it to stop; set ``InFlight.leaving`` before. Requests in flight have
    ``timeout_graceful_shutdown`` seconds, and are then answered 503.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """libuv accepts one connection in each turn of the event loop (since 1.45). While turns are long, whoever
        connects would wait for as many of them as others came before; so more are accepted beside it."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        self._doors = [listener.dup() for listener in sockets or []]
        for each in self._doors:
            each.setblocking(False)
            loop.add_reader(each, self._accept_some, each)

    def _accept_some(self, listener: socket.socket) -> None:
        for accepted in accept_waiting(listener, ACCEPTED_AT_ONCE):
            task = asyncio.get_running_loop().create_task(self._begin(accepted))
            self.server_state.tasks.add(task)
            task.add_done_callback(self.server_state.tasks.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, accepted, ssl=self.config.ssl)
        except OSError:  # it is gone already
            accepted.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for door in self._doors:
            asyncio.get_running_loop().remove_reader(door)
        await self._accept_the_last(sockets or [])
        for door in self._doors:
            door.close()
        await super().shutdown(sockets)
        if self.server_state.tasks:  # they were told to end
            await asyncio.wait(self.server_state.tasks, timeout=1.0)

    async def _accept_the_last(self, listeners: list[socket.socket]) -> None:
        for listener in listeners:
            listener.setblocking(False)
            turn_away(listener)
        late: list[socket.socket] = []
        for pause in (0.0, HANDSHAKE_SECONDS):
            await asyncio.sleep(pause)
            for listener in listeners:
                for accepted in accept_waiting(listener):
                    await self._begin(accepted)
        for listener in listeners:
            late += accept_waiting(listener)
            with suppress(OSError):  # not on every system
                listener.shutdown(socket.SHUT_RDWR)  # to close takes a moment longer
        for server in self.servers:
            server.close()
        for accepted in late:
            await self._begin(accepted)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def server_config(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    load: InFlight | None = None,
    outer: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    drain_seconds: float = 10.0,
    trust_forwarded: bool = False,
    **more: Any,
) -> uvicorn.Config:
    """Return uvicorn's configuration for a service. ``load``: the limits of this process, None for none.
    ``outer``: wraps the app, the answers of those limits included.
    ``drain_seconds``: how long requests in flight may take to end. ``trust_forwarded``: believe ``X-Forwarded-Proto``
    and ``-For`` of a proxy on this machine. There is no access log: a query may hold an identifier. ``more`` is passed
    to uvicorn."""
    settings: dict[str, Any] = {
        "http": PatientProtocol,
        "ws": BoundedWebSocket,
        "ws_max_size": WEBSOCKET_MESSAGE_BYTES,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 15.0,
        "ws_per_message_deflate": False,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": trust_forwarded,
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": drain_seconds,
    } | more
    if load is not None:
        app = door = LoadShedding(app, load, outer)
        settings["http"] = type("Protocol", (settings["http"],), {"door": door})
        settings["ws"] = type("WebSocket", (settings["ws"],), {"door": door})
    return uvicorn.Config(outer(app), host=host, port=port, **settings)


def room_for(connections: int) -> int:
    """Return how many of these connections the process can have open beside its own files, after raising its file limit
    as far as it may."""
    wanted = connections + _FILES_APART
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (ValueError, OSError):
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(min(connections, soft - _FILES_APART), 1)
