"""Map requests in processes that can be killed: a mail can make a parser hang or use up memory.

A worker reads one request at a time from its standard input and writes the result to its standard output. Past its
deadline it is killed and replaced, and the request is returned whole as ``Unmapped``, so that it goes to the dead
letters and can be redriven. A worker that dies is replaced, and the request tried once more in a fresh one. One worker
runs from the start; another is started for the first request that finds all others busy, and then kept: each costs half
a second of a processor and 60 MB, and most hubs never need a second.

Bytes are transferred as in ``cx_runtime.child_processes``: the body of a request, and the blobs of its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, BinaryIO

import msgspec
import structlog

from cx_channels.provider import Connection, Mapped, Provider, Request, Unmapped
from cx_events.errors import Refused, TryLater
from cx_runtime.child_processes import GONE, ChildProcess, Head, read_message, write_message
from cx_runtime.fair_queue import FairQueue
from cx_runtime.priority import give_way
from cx_runtime.shares import room

DEADLINE = 10.0
"""Seconds that mapping one request may take."""

MEMORY = 1 << 30
"""Bytes of address space that a worker may have."""

MOST_WAITING = 100
"""The most requests that wait for a worker. Others are told at once to come again."""

_QUEUE_SECONDS = 30.0
_START_SECONDS = 30.0
_LOOK_SECONDS = 1.0
_TOOK_TOO_LONG = "took-too-long"
_CRASHED = "mapping-crashed"


class _Task(Head, kw_only=True):
    """A request; its body follows."""

    provider: str
    method: str
    url: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    received: int
    connection: _Connection
    seconds: int


class _Connection(msgspec.Struct):
    """A connection without its secrets, which mapping does not need."""

    id: str
    tenant: str
    provider: str
    region: str | None
    settings: dict[str, Any]


class _Result(Head, kw_only=True):
    """The result: ``mapped`` without blobs, which follow; or a refusal (reason, detail, status); or an error."""

    mapped: Mapped | None = None
    refused: tuple[str, str, int] | None = None
    failed: str = ""


class MappingPool:
    """A small pool of workers. Use from one event loop."""

    def __init__(
        self, count: int = 2, *, deadline: float = DEADLINE, memory: int = MEMORY, tenant_share: float = 1.0
    ) -> None:
        """Configure the pool.

        ``count``: the most workers. ``deadline``: seconds for one request. ``memory``: bytes of address space for one
        worker. ``tenant_share``: of the workers and of the waiting requests, see ``cx_runtime.shares.share_among``.
        """
        self._count = count
        self._deadline = deadline
        self._memory = memory
        # The last one put in is the next taken: None, a place whose worker has not started or died, lies below others.
        self._idle: asyncio.LifoQueue[ChildProcess | None] = asyncio.LifoQueue()
        self._all: set[ChildProcess] = set()
        self._needed = 1  # at once, so far
        self._running = False
        self._turns = FairQueue(
            "mappings",
            count,
            most_of_one=room(count, 0, tenant_share),
            most_waiting=MOST_WAITING,
            most_waiting_of_one=room(MOST_WAITING, 0, tenant_share),
            seconds=_QUEUE_SECONDS,
        )

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return self._turns.waiting

    async def start(self) -> None:
        """Start the workers needed so far, at first one, so that the first mail does not wait for it."""
        if not self._running:
            self._running = True
            for _ in range(self._count):
                self._idle.put_nowait(None)
        await self._replace_dead()

    async def run(self) -> None:
        """Start, and then replace workers that died while nobody used them, until it is cancelled."""
        while True:
            await self.start()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _replace_dead(self) -> None:
        """Start as many idle workers as lack of those needed."""
        idle = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        alive = [worker for worker in idle if worker is not None and worker.alive]
        self._all = {worker for worker in self._all if worker.alive}
        missing = min(len(idle) - len(alive), max(self._needed - len(self._all), 0))
        for worker in (*[None] * (len(idle) - len(alive) - missing), *alive):
            self._idle.put_nowait(worker)
        started: list[ChildProcess | BaseException] = []
        try:
            if missing:
                starting = (self._started() for _ in range(missing))
                started += await asyncio.gather(*starting, return_exceptions=True)
        finally:
            for at in range(missing):
                found = started[at] if at < len(started) else None
                self._give_back(found if isinstance(found, ChildProcess) else None)
        for each in started:
            if isinstance(each, BaseException):
                raise each

    def _give_back(self, worker: ChildProcess | None) -> None:
        """Make a place free again: on top of the others with a worker that lives, else below them."""
        if worker is not None and worker.alive:
            self._idle.put_nowait(worker)
            return
        others = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        for each in (None, *reversed(others)):
            self._idle.put_nowait(each)

    async def check(self) -> None:
        """Raise ``TryLater`` unless all workers needed so far live."""
        alive = len(self.pids)
        if alive < self._needed:
            raise TryLater("mapping", f"{alive} of {self._needed} workers live")

    async def stop(self) -> None:
        """Kill all workers. Requests under way end in ``TryLater``."""
        self._running = False
        workers, self._all = self._all, set()
        await asyncio.gather(*(worker.kill() for worker in workers))

    async def mapper(self, provider: Provider, request: Request, connection: Connection) -> Mapped:
        """Map as ``Intake`` asks for it: in a worker where the provider is ``isolated``, else in this process."""
        if not provider.isolated:
            return provider.map(request, connection)
        return await self.map(provider.name, request, connection)

    async def map(self, provider_name: str, request: Request, connection: Connection) -> Mapped:
        """Map in a worker, as ``Provider.map`` does.

        Raise ``Refused`` as ``Provider.map`` does; ``TooFast`` where too many requests of the tenant wait; ``TryLater``
        where no worker gets free in time or the pool is stopped. A request that takes too long, or that crashes two
        workers, comes back as ``Unmapped``.

        Tenants take turns: one tenant's requests may keep a worker until the deadline, but not all workers.
        """
        async with self._turns.turn(connection.tenant):
            return await self._mapped(provider_name, request, connection)

    async def _mapped(self, provider_name: str, request: Request, connection: Connection) -> Mapped:
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                worker = await self._idle.get()
        except TimeoutError:
            raise TryLater("mapping", "no worker has started") from None
        try:
            for _ in range(2):
                if not self._running:
                    raise TryLater("mapping", "the workers are stopped")
                if worker is None or not worker.alive:
                    worker = await self._started()
                try:
                    result, blobs = await self._asked(worker, provider_name, request, connection)
                except TimeoutError:
                    await self._lost(worker, provider_name, connection, _TOOK_TOO_LONG)
                    return _given_back(request, _TOOK_TOO_LONG)
                except GONE as error:
                    await self._lost(worker, provider_name, connection, str(error) or type(error).__name__)
                    continue
                return _outcome(result, blobs)
            if not self._running:
                raise TryLater("mapping", "the workers are stopped")
            return _given_back(request, _CRASHED)
        except BaseException as error:
            if worker is not None and not isinstance(error, Refused | AdapterFault):
                await self._discard(worker)  # cancelled in the middle: its answer must not reach the next request
            raise
        finally:
            self._give_back(worker)

    async def _asked(
        self, worker: ChildProcess, provider: str, request: Request, connection: Connection
    ) -> tuple[_Result, list[bytes]]:
        """Send a request to a worker and read the result.

        Raise ``TimeoutError`` past the deadline, another of ``GONE`` where the process is gone.
        """
        task = _Task(
            provider=provider,
            method=request.method,
            url=request.url,
            query=list(request.query),
            headers=dict(request.headers),
            received=request.received,
            connection=_Connection(
                connection.id, connection.tenant, connection.provider, connection.region, dict(connection.settings)
            ),
            seconds=int(self._deadline) + 2,
        )
        async with asyncio.timeout(self._deadline):
            head, blobs = await worker.ask(task, [request.body])
        return msgspec.json.decode(head, type=_Result), blobs

    async def _started(self) -> ChildProcess:
        """Start a worker. Raise ``TryLater`` where the process does not come up."""
        command = (sys.executable, "-m", __spec__.name, str(self._memory))
        try:
            worker = await ChildProcess.start(command, seconds=_START_SECONDS)
        except GONE as error:
            raise TryLater("mapping", f"a worker does not start: {error!r}") from None
        self._all.add(worker)
        self._needed = max(self._needed, min(len(self.pids), self._count))
        return worker

    async def _lost(self, worker: ChildProcess, provider: str, connection: Connection, why: str) -> None:
        await self._discard(worker)
        if self._running:
            log = structlog.get_logger("cx_channels.mapping_pool")
            log.warning("a mapping worker was replaced", provider=provider, connection=connection.id, why=why)

    async def _discard(self, worker: ChildProcess) -> None:
        self._all.discard(worker)
        await worker.kill()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that live."""
        return [worker.pid for worker in self._all if worker.alive]


def _outcome(result: _Result, blobs: list[bytes]) -> Mapped:
    if result.refused is not None:
        raise Refused(*result.refused)
    if result.mapped is None:
        raise AdapterFault(result.failed)
    return msgspec.structs.replace(result.mapped, blobs=tuple(blobs))


class AdapterFault(Exception):
    """A bug in a provider's mapping, which raised an unexpected exception."""


def _given_back(request: Request, reason: str) -> Mapped:
    digest = blake2b(request.body, digest_size=16).hexdigest()
    return Mapped(unmapped=(Unmapped(id=digest, reason=reason, original=request.body),))


# --- what runs inside the process ------------------------------------------------------------------------------------


def main(memory: int, source: BinaryIO, sink: BinaryIO) -> None:
    """Serve until the input ends, which it does when the parent dies."""
    import resource
    import signal

    from cx_channels.registry import providers

    known = providers()
    give_way()  # mail can wait for a processor; HTTP clients can't
    with contextlib.suppress(ValueError, OSError):  # a system without such a limit, or with a lower one
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then stops us
    write_message(sink, _Result())
    with contextlib.suppress(EOFError):
        while True:
            head, (body,) = read_message(source)
            task = msgspec.json.decode(head, type=_Task)
            # The parent keeps the deadline; the alarm ends a worker whose parent died in the meantime.
            signal.alarm(task.seconds)
            result, blobs = _mapped(known, task, body)
            signal.alarm(0)
            write_message(sink, result, blobs)


def _mapped(known: Mapping[str, Provider], task: _Task, body: bytes) -> tuple[_Result, list[bytes]]:
    request = Request(body, task.method, task.url, tuple(task.query), task.headers, task.received)
    place = task.connection
    connection = Connection(place.id, place.tenant, place.provider, (), place.region, place.settings)
    try:
        mapped = known[task.provider].map(request, connection)
    except Refused as refused:
        return _Result(refused=(refused.reason, refused.detail, refused.status)), []
    except MemoryError:
        sys.exit("out of memory")
    except Exception as error:  # told to the parent, which keeps the request as a dead letter
        return _Result(failed=f"{type(error).__name__}: {error}"[:500]), []
    blobs = list(mapped.blobs)
    return _Result(mapped=msgspec.structs.replace(mapped, blobs=())), blobs


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
