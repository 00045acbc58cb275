"""Answer heavy reads in child processes, so that they don't block the interpreter that all other requests need.

A process answers one request at a time by the same routes (``serve``). It takes seconds to start; a request that comes
before one is ready is answered in the parent. A process that overruns its time or breaks off is killed, which a thread
can't be, and replaced (``cx_runtime.child_processes``).
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

from cx_events.errors import TryLater
from cx_runtime.child_processes import GONE, ChildProcess, Head, read_message, write_message

SECONDS = 22.0
"""Longer than any read may take (``point_in_time``): after that the process hangs where no deadline reaches."""

_START_SECONDS = 60.0
"""No request waits for a start, and a busy machine takes long."""

_PART = "heavy-reads"


class _RequestHead(Head, kw_only=True):
    """The head of a request; it has no body."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]


class _ResponseHead(Head, kw_only=True):
    """The head of a response; its body follows."""

    status: int
    headers: list[tuple[str, str]]


class ReadProcesses:
    """A pool of child processes; it grows, one by one, to the number of simultaneous requests.

    ``command`` starts a process. ``setting_up`` is the first message to it, which may hold secrets. Use from one event
    loop.
    """

    def __init__(self, command: Sequence[str], setting_up: bytes) -> None:
        self._command = command
        self._setting_up = setting_up
        self._idle: list[ChildProcess] = []
        self._all: set[ChildProcess] = set()
        self._running = True
        self._starting: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Kill all processes. Requests in progress end with ``TryLater``."""
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
        """Return whether a process is idle; if none is, start one. Raises ``TryLater`` once the hub stops."""
        if not self._running:
            raise TryLater(_PART, "the hub stops")
        if not self._idle and (self._starting is None or self._starting.done()):
            self._starting = asyncio.create_task(self._start(), name="a process for heavy reads")
        return bool(self._idle)

    async def answer(self, request: Request) -> Response | None:
        """Answer a request; return None if no process is ready.

        Raises ``TryLater`` if the process broke off, and once the hub stops.
        """
        if not self.is_ready():
            return None
        process = self._idle.pop()
        try:
            response = await _request_answer(process, request)
        except BaseException as error:  # also cancellation: a late answer must not reach the next request
            self._all.discard(process)
            await process.kill()
            if isinstance(error, GONE):
                raise TryLater(_PART, "the process that answered it broke off") from None
            raise
        self._idle.append(process)
        return response

    async def _start(self) -> None:
        try:
            process = await ChildProcess.start(self._command, seconds=_START_SECONDS, first=self._setting_up)
        except GONE as error:
            log = structlog.get_logger("cx_context_api.processes")
            log.warning("a process for heavy reads does not start", why=repr(error))
            return
        self._all.add(process)
        self._idle.append(process)


async def _request_answer(process: ChildProcess, request: Request) -> Response:
    """Send a request to a process and return its answer. Raises one of ``GONE``."""
    request_head = _RequestHead(
        method=request.method,
        path=request.url.path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=[(name, value) for name, value in request.headers.items() if name in ("authorization", "accept")],
    )
    async with asyncio.timeout(SECONDS):
        head, parts = await process.ask(request_head)
    response = msgspec.json.decode(head, type=_ResponseHead)
    headers = {name: value for name, value in response.headers if name != "content-length"}
    return Response(b"".join(parts), response.status, headers)


# --- what runs inside the process ------------------------------------------------------------------------------------


async def serve(app: ASGIApp, source: BinaryIO, sink: BinaryIO) -> None:
    """Report ready, then answer requests until the input ends, as it does when the parent dies."""
    write_message(sink, _ResponseHead(status=200, headers=[]))
    with contextlib.suppress(EOFError):
        while True:
            head, _ = await asyncio.to_thread(read_message, source)
            response, body = await _call_app(app, msgspec.json.decode(head, type=_RequestHead))
            write_message(sink, response, [body])


async def _call_app(app: ASGIApp, request_head: _RequestHead) -> tuple[_ResponseHead, bytes]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request_head.method,
        "path": request_head.path,
        "raw_path": request_head.path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": request_head.query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request_head.headers],
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
