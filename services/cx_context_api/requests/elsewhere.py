"""Heavy reads in processes of their own, so that their work does not hold the interpreter that everybody else needs.

A process answers one request at a time, by the same routes (``serve``). It takes seconds to start, so whoever comes
before one is ready is answered where they are, and finds one the next time. One that overruns its time, or breaks off,
is killed, which a thread can't be, and replaced.

A message between the two is the length of a JSON head (8 bytes, big-endian), the head, and a body of the length that
the head names.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from typing import BinaryIO

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from cx_context_api.requests.turns import Reading
from cx_events.errors import TryLater

SECONDS = 22.0
"""More than a read may take (``contexts.past``): then it hangs in something that no deadline ends."""

_START_SECONDS = 20.0
_HEAD_BYTES = 8
_MAX_MESSAGE = 512 << 20
_PART = "heavy-reads"
_GONE = (OSError, EOFError, TimeoutError, msgspec.MsgspecError)


class _Asked(msgspec.Struct):
    """A request without a body."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]


class _Told(msgspec.Struct):
    """A response; its body follows."""

    status: int
    headers: list[tuple[str, str]]
    length: int


class Elsewhere:
    """``command``: how a process is started. ``setting_up``: the first message to it, which may hold secrets. As
    many are started, one after another, as requests come at once. Use from one event loop."""

    def __init__(self, command: Sequence[str], setting_up: bytes) -> None:
        self._command = command
        self._setting_up = setting_up
        self._idle: list[_Reader] = []
        self._all: set[_Reader] = set()
        self._running = True
        self._starting: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Kill all processes. Requests under way end in ``TryLater``."""
        self._running = False
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        ended, self._all = self._all, set()
        self._idle.clear()
        await asyncio.gather(*(each.kill() for each in ended))

    async def ready(self) -> None:
        """Wait for the process that is being started, if one is."""
        if self._starting is not None:
            await asyncio.wait([self._starting])

    async def answer(self, request: Request) -> Response | None:
        """Return None where no process is ready; one is being started then. ``TryLater`` where one broke off, and once
        the hub stops."""
        if not self._running:
            raise TryLater(_PART, "the hub stops")
        if not self._idle:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.create_task(self._start(), name="a process for heavy reads")
            return None
        process = self._idle.pop()
        try:
            response = await process.answer(request)
        except BaseException as error:  # cancelled in the middle, its answer must not reach the next request
            self._all.discard(process)
            await process.kill()
            if isinstance(error, _GONE):
                raise TryLater(_PART, "the process that worked it out broke off") from None
            raise
        self._idle.append(process)
        return response

    async def _start(self) -> None:
        try:
            process = await _Reader.start(self._command, self._setting_up)
        except _GONE as error:
            log = structlog.get_logger("cx_context_api.elsewhere")
            log.warning("a process for heavy reads does not start", why=repr(error))
            return
        self._all.add(process)
        self._idle.append(process)


async def answered(reading: Reading, tenant: str, request: Request) -> Response | None:
    """Return the answer to a heavy read from a process of its own, in the tenant's turn; None where no such process is
    ready, and it is to be worked out here."""
    if reading.elsewhere is None:
        return None
    async with reading.heavy.turn(tenant):
        return await reading.elsewhere.answer(request)


class _Reader:
    """One process and the pipes to it."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._in = process.stdin
        self._out = process.stdout

    @classmethod
    async def start(cls, command: Sequence[str], setting_up: bytes) -> _Reader:
        """Returns once it is ready. ``OSError``, ``EOFError``, ``TimeoutError``."""
        found = cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL))
        try:
            async with asyncio.timeout(_START_SECONDS):
                await found._ask(setting_up)
        except BaseException:
            await found.kill()
            raise
        return found

    async def answer(self, request: Request) -> Response:
        asked = _Asked(
            request.method,
            request.url.path,
            request.scope["query_string"].decode("latin-1"),
            [(name, value) for name, value in request.headers.items() if name in ("authorization", "accept")],
        )
        async with asyncio.timeout(SECONDS):
            told, body = await self._ask(msgspec.json.encode(asked))
        kept = {name: value for name, value in told.headers if name != "content-length"}
        return Response(body, told.status, kept)

    async def _ask(self, content: bytes) -> tuple[_Told, bytes]:
        self._in.write(len(content).to_bytes(_HEAD_BYTES, "big") + content)
        await self._in.drain()
        size = int.from_bytes(await self._out.readexactly(_HEAD_BYTES), "big")
        if size > _MAX_MESSAGE:
            raise EOFError("its answer has no sensible length")
        told = msgspec.json.decode(await self._out.readexactly(size), type=_Told)
        if not 0 <= told.length <= _MAX_MESSAGE:
            raise EOFError("its answer has no sensible length")
        return told, await self._out.readexactly(told.length)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._in.close()
        await self._process.wait()


# --- what runs inside the process ------------------------------------------------------------------------------------


def first_message(source: BinaryIO) -> bytes:
    """``EOFError`` where the parent is gone."""
    size = source.read(_HEAD_BYTES)
    if len(size) < _HEAD_BYTES:
        raise EOFError
    return source.read(int.from_bytes(size, "big"))


async def serve(app: ASGIApp, source: BinaryIO, sink: BinaryIO) -> None:
    """Say that it is ready, then answer until the input ends, which it does when the parent dies."""
    _write(sink, _Told(200, [], 0), b"")
    with contextlib.suppress(EOFError):
        while True:
            asked = msgspec.json.decode(await asyncio.to_thread(first_message, source), type=_Asked)
            told, body = await _answered(app, asked)
            _write(sink, told, body)


async def _answered(app: ASGIApp, asked: _Asked) -> tuple[_Told, bytes]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "path": asked.path,
        "raw_path": asked.path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": asked.query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers],
        "client": None,
        "server": None,
        "state": {},
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0].get("headers", [])]
    return _Told(sent[0]["status"], headers, len(body)), body


def _write(sink: BinaryIO, told: _Told, body: bytes) -> None:
    head = msgspec.json.encode(told)
    sink.write(len(head).to_bytes(_HEAD_BYTES, "big") + head + body)
    sink.flush()
