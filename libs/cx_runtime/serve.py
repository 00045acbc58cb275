"""The HTTP server: uvicorn, with the deadlines that it lacks.

uvicorn waits for ever for the first request of a connection and for the rest of one whose headers have begun, and
llhttp sets no bound to headers. ``PatientProtocol`` ends both, by ``HEADER_SECONDS`` and ``HEADER_BYTES``. Bodies have
deadlines of their own (``cx_runtime.http.read_body``).
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
HEADER_BYTES = 64 << 10
WEBSOCKET_MESSAGE_BYTES = 64 << 10

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose headers must arrive in time and in bounds.

    A body that was refused unread is read to its end and thrown away, for as long: to close at once would reset the
    connection, and the sender might never see the answer.
    """

    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_body = False
    header_seconds = HEADER_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_waiting()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._begin_waiting()
        super().data_received(data)
        if self._deadline is not None and not self._in_body:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES:
                self._close(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._end_waiting()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._deadline is not None:
            self._end_waiting()
            self._begin_waiting()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        super().connection_lost(exc)

    def _begin_waiting(self) -> None:
        self._header_bytes = 0
        self._deadline = self.loop.call_later(self.header_seconds, self._give_up)

    def _end_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._close(b"" if self._in_body else _TOO_SLOW)

    def _close(self, last_words: bytes) -> None:
        self._end_waiting()
        if not self.transport.is_closing():
            self.transport.write(last_words)
            self.transport.close()


def server_config(app: ASGIApp, host: str, port: int, *, trust_forwarded: bool = False, **more: Any) -> uvicorn.Config:
    """How a service of the hub is served. ``trust_forwarded``: believe ``X-Forwarded-Proto`` and ``-For`` of a proxy on
    this machine. There is no access log: a query may hold an identifier. ``more`` goes to uvicorn as it is."""
    settings: dict[str, Any] = {
        "http": PatientProtocol,
        "ws_max_size": WEBSOCKET_MESSAGE_BYTES,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 15.0,
        "ws_per_message_deflate": False,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": trust_forwarded,
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": 10,
    }
    return uvicorn.Config(app, host=host, port=port, **(settings | more))
