"""Who is answered before the request came whole gets that answer at whatever speed the rest comes, and may ask again on
the same connection; but no rest keeps a connection for ever."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.patience import PATIENCE
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.in_flight import InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.serve import PatientProtocol, Server, server_config

SHORT = 0.3
"""Seconds for which the server under test waits, where that is what must not matter or what must end."""

PIECES = 20
GET = b"GET /read HTTP/1.1\r\nhost: hub\r\n\r\n"


@dataclass
class Early:
    """A server whose ``/refused`` answers 429 once ``gate`` is open, without a look at the body."""

    server: Server
    port: int
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def refused(self, _request: Request) -> Response:
        await self.gate.wait()
        return Response(b"no", 429)

    async def connect(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self.port))

    async def no_longer_reads(self) -> None:
        """Return once what came of a body is as much as is held unread."""
        async with asyncio.timeout(PATIENCE):
            while not any(each.flow.read_paused for each in self.server.server_state.connections):  # type: ignore[union-attr]
                await asyncio.sleep(0.01)


@dataclass
class Line:
    """A client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, said: bytes) -> None:
        """Raises ``ConnectionError`` where the connection was reset."""
        self.writer.write(said)
        await self.writer.drain()

    async def begin(self, length: int, body: bytes = b"", connection: str = "keep-alive") -> None:
        head = f"POST /refused HTTP/1.1\r\nhost: hub\r\ncontent-length: {length}\r\nconnection: {connection}\r\n\r\n"
        await self.say(head.encode() + body)

    async def all_arrived(self) -> None:
        """Return once the other side's kernel has acknowledged all (``TIOCOUTQ``, tcp(7))."""
        async with asyncio.timeout(PATIENCE):
            while struct.unpack("i", fcntl.ioctl(self._file, termios.TIOCOUTQ, bytes(4)))[0]:
                await asyncio.sleep(0.01)

    async def answer(self) -> bytes:
        """Return the next answer's first line; empty where the connection ended."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await self.reader.readexactly(length)
            return head.partition(b"\r\n")[0]

    @property
    def _file(self) -> int:
        found: socket.socket = self.writer.get_extra_info("socket")
        return found.fileno()


@asynccontextmanager
async def serving(*, header: float = 10.0, keep_alive: float = 15.0, rest: float = 60.0) -> AsyncIterator[Early]:
    """``header``, ``keep_alive``, ``rest``: the server's patience in seconds, with headers, between requests and with
    what comes after an answer."""
    metrics = Metrics()
    app = FastRouteApp(metrics)
    protocol = type("Protocol", (PatientProtocol,), {"header_seconds": header, "rest_seconds": rest})
    more = {"http": protocol, "timeout_keep_alive": keep_alive, "log_level": "warning", "lifespan": "off"}
    config = server_config(app, "127.0.0.1", 0, load=InFlight(metrics), **more)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # what waits there is read at once
    early = Early(Server(config), listener.getsockname()[1])

    async def read(request: Request) -> Response:
        return Response(b"%d" % len(await request.body()))

    app.fast_route("/refused", early.refused, methods={"POST"})
    app.fast_route("/read", read, methods={"GET"})
    task = asyncio.create_task(early.server.serve(sockets=[listener]))
    while not early.server.started:
        await asyncio.sleep(0.01)
    try:
        yield early
    finally:
        early.server.should_exit = True
        await task
        listener.close()


async def test_a_rest_that_comes_at_once_is_no_header() -> None:
    async with serving() as early:
        line = await early.connect()
        seen, rest = b" " * (HIGH_WATER_LIMIT + 1), b" " * 100_000
        await line.begin(len(seen) + len(rest), seen)
        await early.no_longer_reads()
        await line.say(rest)
        await line.all_arrived()
        early.gate.set()
        assert await line.answer() == b"HTTP/1.1 429 Too Many Requests"
        await line.say(GET)
        assert await line.answer() == b"HTTP/1.1 200 OK"
        line.writer.close()


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_an_answered_sender_is_heard_out_however_slow(connection: str) -> None:
    async with serving(header=SHORT) as early:
        early.gate.set()
        line = await early.connect()
        await line.begin(PIECES, connection=connection)
        for _ in range(PIECES):
            await line.say(b" ")  # raises where the connection was reset
            await asyncio.sleep(0.1)
        assert await line.answer() == b"HTTP/1.1 429 Too Many Requests"
        if connection == "keep-alive":
            await line.say(GET)
            assert await line.answer() == b"HTTP/1.1 200 OK"
        else:
            assert await line.answer() == b""
        line.writer.close()


async def test_a_connection_is_kept_once_the_rest_came() -> None:
    async with serving(header=SHORT) as early:
        early.gate.set()
        line = await early.connect()
        await line.begin(2, b" ")
        assert await line.answer() == b"HTTP/1.1 429 Too Many Requests"
        await line.say(b" ")
        await asyncio.sleep(3 * SHORT)
        await line.say(GET)
        assert await line.answer() == b"HTTP/1.1 200 OK"
        line.writer.close()


async def test_a_pause_within_the_rest_is_no_end() -> None:
    async with serving(header=SHORT) as early:
        early.gate.set()
        line = await early.connect()
        await line.begin(3, b" ")
        assert await line.answer() == b"HTTP/1.1 429 Too Many Requests"
        await line.say(b" ")
        await asyncio.sleep(3 * SHORT)
        await line.say(b" " + GET)
        assert await line.answer() == b"HTTP/1.1 200 OK"
        line.writer.close()


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_a_rest_that_never_comes_is_not_waited_for(connection: str) -> None:
    async with serving(keep_alive=SHORT) as early:
        early.gate.set()
        line = await early.connect()
        await line.begin(100, b" ", connection)
        assert await line.answer() == b"HTTP/1.1 429 Too Many Requests"
        assert await line.answer() == b""
        line.writer.close()


@pytest.mark.parametrize("piece", [b" ", b" " * (1 << 16)])
async def test_a_rest_without_end_is_cut_off(piece: bytes) -> None:
    async with serving(rest=SHORT) as early:
        early.gate.set()
        line = await early.connect()
        await line.begin(1 << 40)
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await line.say(piece)
                    await asyncio.sleep(0.001)
        line.writer.close()
