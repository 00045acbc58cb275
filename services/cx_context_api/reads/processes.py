"""Heavy reads in processes of their own, so that their work does not hold the interpreter that everybody else needs.

A process answers one request at a time, by the same routes (``serve``). It takes seconds to start, so whoever comes
before one is ready is answered where they are, and finds one the next time. One that overruns its time, or breaks off,
is killed, which a thread can't be, and replaced (``cx_runtime.child_processes``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import BinaryIO

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from cx_context_api.reads.turns import ReadTurns
from cx_events.errors import TryLater
from cx_runtime.child_processes import GONE, ChildProcess, Head, read_message, write_message

SECONDS = 22.0
"""More than a read may take (``contexts.past``): then it hangs in something that no deadline ends."""

_START_SECONDS = 60.0
"""Nobody waits for it, and a busy machine takes long."""

_PART = "heavy-reads"


class _RequestHead(Head, kw_only=True):
    """A request without a body."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]


class _ResponseHead(Head, kw_only=True):
    """A response; its body follows."""

    status: int
    headers: list[tuple[str, str]]


class ReadProcesses:
    """``command``: how a process is started. ``setting_up``: the first message to it, which may hold secrets. As
    many are started, one after another, as requests come at once. Use from one event loop."""

    def __init__(self, command: Sequence[str], setting_up: bytes) -> None:
        self._command = command
        self._setting_up = setting_up
        self._idle: list[ChildProcess] = []
        self._all: set[ChildProcess] = set()
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

    def is_ready(self) -> bool:
        """Return whether a process waits for a request; where none does, one is being started. ``TryLater`` once the
        hub stops."""
        if not self._running:
            raise TryLater(_PART, "the hub stops")
        if not self._idle and (self._starting is None or self._starting.done()):
            self._starting = asyncio.create_task(self._start(), name="a process for heavy reads")
        return bool(self._idle)

    async def answer(self, request: Request) -> Response | None:
        """Return None where no process is ready. ``TryLater`` where one broke off, and once the hub stops."""
        if not self.is_ready():
            return None
        process = self._idle.pop()
        try:
            response = await _request_answer(process, request)
        except BaseException as error:  # cancelled in the middle, its answer must not reach the next request
            self._all.discard(process)
            await process.kill()
            if isinstance(error, GONE):
                raise TryLater(_PART, "the process that worked it out broke off") from None
            raise
        self._idle.append(process)
        return response

    async def _start(self) -> None:
        try:
            process = await ChildProcess.start(self._command, seconds=_START_SECONDS, first=self._setting_up)
        except GONE as error:
            log = structlog.get_logger("cx_context_api.elsewhere")
            log.warning("a process for heavy reads does not start", why=repr(error))
            return
        self._all.add(process)
        self._idle.append(process)


async def answered(reading: ReadTurns, tenant: str, request: Request) -> Response | None:
    """Return the answer to a heavy read from a process of its own, in the tenant's turn; None where no such process is
    ready, and it is to be worked out here: it takes its turn there, not two."""
    if reading.elsewhere is None or not reading.elsewhere.is_ready():
        return None
    async with reading.heavy.turn(tenant):
        return await reading.elsewhere.answer(request)


async def _request_answer(process: ChildProcess, request: Request) -> Response:
    """Raises one of ``GONE``."""
    asked = _RequestHead(
        method=request.method,
        path=request.url.path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=[(name, value) for name, value in request.headers.items() if name in ("authorization", "accept")],
    )
    async with asyncio.timeout(SECONDS):
        head, parts = await process.ask(asked)
    told = msgspec.json.decode(head, type=_ResponseHead)
    kept = {name: value for name, value in told.headers if name != "content-length"}
    return Response(b"".join(parts), told.status, kept)


# --- what runs inside the process ------------------------------------------------------------------------------------


async def serve(app: ASGIApp, source: BinaryIO, sink: BinaryIO) -> None:
    """Say that it is ready, then answer until the input ends, which it does when the parent dies."""
    write_message(sink, _ResponseHead(status=200, headers=[]))
    with contextlib.suppress(EOFError):
        while True:
            head, _ = await asyncio.to_thread(read_message, source)
            told, body = await _call_app(app, msgspec.json.decode(head, type=_RequestHead))
            write_message(sink, told, [body])


async def _call_app(app: ASGIApp, asked: _RequestHead) -> tuple[_ResponseHead, bytes]:
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
    return _ResponseHead(status=sent[0]["status"], headers=headers), body
