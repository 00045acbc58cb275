"""The HTTP client: requests sent as fast as they are answered, over connections that are kept.

In a process of its own, so that what it costs is nobody else's: it writes bytes that were made beforehand and reads of
an answer its status and its length.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct
from tests.bench.children import Go, Task
from tests.bench.report import percentile

_BLANK = b"\r\n\r\n"
_LENGTH = b"content-length: "
_STATUS = slice(9, 12)


class Load(Struct):
    """``requests``: a file, msgpack of a list of bytes. ``answers``: a file to which the answers go, in that order."""

    host: str
    port: int
    requests: str
    connections: int
    answers: str = ""


class Wire(asyncio.Protocol):
    """One connection, and one request at a time on it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are transports in all but name

    def send(self, request: bytes) -> None:
        assert self._transport is not None
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._missing > 0:
            self._chunks.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._chunks)
            self._chunks.clear()
        else:
            if self._chunks:
                data = b"".join((*self._chunks, data))
                self._chunks.clear()
            head = data.find(_BLANK)
            if head < 0:
                self._chunks.append(data)
                return
            at = data.find(_LENGTH, 0, head + 2)
            length = int(data[at + 16 : data.index(b"\r", at)]) if at >= 0 else 0
            self._missing = head + 4 + length - len(data)
            if self._missing > 0:
                self._chunks.append(data)
                return
        self._missing = 0
        self.answered(data)

    def answered(self, answer: bytes) -> None:
        """Called with each whole answer."""
        raise AssertionError("a wire hears what it asked for")


class Asking(Wire):
    """For requests one by one."""

    _answer: asyncio.Future[bytes] | None = None
    is_closed = False

    async def ask(self, request: bytes) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        self.send(request)
        return await self._answer

    def answered(self, answer: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))


async def connect(host: str, port: int) -> Asking:
    _, wire = await asyncio.get_running_loop().create_connection(Asking, host, port)
    return wire


class _Run:
    """A list of requests under way."""

    def __init__(self, requests: list[bytes], *, keep: bool) -> None:
        self.requests = requests
        self.next = 0
        self.left = len(requests)
        self.statuses: Counter[bytes] = Counter()
        self.latencies: list[float] = []
        self.answers: list[bytes] | None = [b""] * len(requests) if keep else None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Pump(Wire):
    """Sends the next request once it has its answer."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run
        self._number = 0
        self._asked = 0.0

    def pump(self) -> None:
        run = self._run
        self._number = run.next
        if self._number < len(run.requests):
            run.next += 1
            self._asked = time.perf_counter()
            self.send(run.requests[self._number])

    def answered(self, answer: bytes) -> None:
        run = self._run
        run.latencies.append(time.perf_counter() - self._asked)
        run.statuses[answer[_STATUS]] += 1
        if run.answers is not None:
            run.answers[self._number] = answer
        run.left -= 1
        if run.left:
            self.pump()
        elif not run.done.done():
            run.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._run.done.done():
            self._run.done.set_exception(exc or ConnectionError("the server closed a connection"))


async def _carry_out(load: Load) -> dict[str, Any]:
    requests = msgspec.msgpack.decode(Path(load.requests).read_bytes(), type=list[bytes])
    run = _Run(requests, keep=bool(load.answers))
    loop = asyncio.get_running_loop()
    wires = [
        (await loop.create_connection(lambda: _Pump(run), load.host, load.port))[1] for _ in range(load.connections)
    ]
    before, started = _cpu(), time.perf_counter()
    for wire in wires:
        wire.pump()
    await run.done
    seconds, spent = time.perf_counter() - started, _cpu() - before
    for wire in wires:
        wire.close()
    if run.answers is not None:
        Path(load.answers).write_bytes(msgspec.msgpack.encode(run.answers))
    run.latencies.sort()
    return {
        "seconds": seconds,
        "cpu": spent,
        "statuses": {status.decode("latin-1"): count for status, count in run.statuses.items()},
        "p50": percentile(run.latencies, 0.5) * 1000,
        "p99": percentile(run.latencies, 0.99) * 1000,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run(_task: Task, _over: asyncio.Event, go: Go) -> dict[str, Any]:
    """Loads, until a line that is none."""
    await go(listens=False)
    while (line := await asyncio.to_thread(sys.stdin.readline)).startswith("{"):
        told = await _carry_out(msgspec.json.decode(line, type=Load))
        print(msgspec.json.encode(told).decode(), flush=True)
    return {}
