"""An answer that is written at once is byte for byte what uvicorn writes in two pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.server import ServerState

from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.in_flight import InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.serve import PatientProtocol, server_config

_GET = b"GET /fast HTTP/1.1\r\nhost: hub.example\r\n\r\n"
_LAST = b"GET /fast HTTP/1.1\r\nhost: hub.example\r\nconnection: close\r\n\r\n"
_OLD = b"GET /fast HTTP/1.0\r\nhost: hub.example\r\n\r\n"


class _Socket(asyncio.Transport):
    """What the protocol writes, write by write."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 1), "sockname": ("192.0.2.1", 2)})
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def _answered(request: bytes, answer: Callable[[], Response], path: str = "/fast") -> _Socket:
    """Return what the server wrote. ``path``: where the endpoint is a fast route."""
    metrics = Metrics()
    app = FastRouteApp(metrics)

    async def endpoint(_request: Request) -> Response:
        return answer()

    handler: Callable[[Request], Awaitable[Response]] = endpoint
    app.add_route("/fast", handler, methods=["GET", "HEAD"])
    app.fast_route(path, handler, methods={"GET", "HEAD"})
    config = server_config(app, "127.0.0.1", 0, load=InFlight(metrics))
    config.load()
    state = ServerState()
    made = cast(type[PatientProtocol], config.http_protocol_class)
    protocol, socket = made(config=config, server_state=state, app_state={}), _Socket()
    protocol.connection_made(socket)
    protocol.data_received(request)
    while state.tasks:
        await asyncio.gather(*state.tasks)
    protocol.connection_lost(ConnectionResetError())
    return socket


@pytest.mark.parametrize("request_bytes", [_GET, _LAST, _OLD, _GET.replace(b"GET", b"HEAD")])
@pytest.mark.parametrize(
    "answer",
    [
        lambda: Response(b'{"accepted":[]}', 202, media_type="application/json"),
        lambda: Response(b"", 204, {"x-more": "1"}),
        lambda: Response(b"", 304, {"etag": '"1"'}),
        lambda: Response("Grüße", 200, {"x-said": "ä"}),
        lambda: Response(b"", 401, {"connection": "close"}),
    ],
)
async def test_a_whole_answer_is_what_two_pieces_are(request_bytes: bytes, answer: Callable[[], Response]) -> None:
    whole = await _answered(request_bytes, answer)
    pieces = await _answered(request_bytes, answer, path="/elsewhere")
    assert b"".join(whole.writes) == b"".join(pieces.writes)
    assert whole.closed == pieces.closed


async def test_a_whole_answer_is_one_write() -> None:
    socket = await _answered(_GET, lambda: Response(b"{}", 202, media_type="application/json"))
    assert len(socket.writes) == 1


async def test_a_header_with_a_line_end_is_not_written() -> None:
    socket = await _answered(_GET, lambda: Response(b"{}", 200, {"x-said": "a\r\nset-cookie: b"}))
    assert not any(b"set-cookie" in each for each in socket.writes)


async def test_a_connection_goes_on_after_a_whole_answer() -> None:
    socket = await _answered(_GET + _GET, lambda: Response(b"{}", 200))
    assert b"".join(socket.writes).count(b"HTTP/1.1 200 OK") == 2
    assert not socket.closed
