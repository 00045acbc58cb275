"""Read the log for files that events name, and fetch them: a source of the pollers' supervisor.

It has one owner among all processes, by the lease that pollers have, and a cursor: how far the log was read, and which
files still wait. What is found is in the cursor before it is fetched, so a stop loses none; a file that comes twice is
the same event. A connection whose vendor is slow or refuses holds up no other.
"""

from __future__ import annotations

import asyncio
import random as any_random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import structlog

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.intake import Intake
from cx_channels.media.fetching import FINAL, Fetching, Files
from cx_channels.media.references import MediaConnections, Reference
from cx_channels.media.storing import store
from cx_channels.media.waiting import Item, Waiting, encode_cursor, read_cursor
from cx_channels.pollers.source import Step
from cx_channels.provider import Connection
from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.retries import delay_after

WORKER = "media"
ROW = "/media"
"""The worker's row among the pollers; no connection has a slash in its id."""

RECORDS, BYTES = 500, 8 << 20
"""Most of one read."""
IDLE_SECONDS = 0.5
READ_BACK_SECONDS = 5.0
CURSOR_SECONDS = 1.0
"""Least time between two cursors."""
TELL_SECONDS = 5.0
"""A step comes at least so often, an empty one where nothing was read."""
LOOK_BACK_SECONDS = 86_400.0
"""At the very start the log is read from so long ago: what came shortly before may be fetched still."""
AT_ONCE, AT_ONCE_OF_ONE = 4, 2
"""Files that are fetched at the same time, and of one connection: each is held in memory whole."""
AWAY_SECONDS = 5.0
"""Until what could not be stored is tried again; that is no failure of the vendor's."""


@dataclass(frozen=True)
class MediaPorts:
    """The parts that the worker needs. ``aws``: keys of AWS; ``clock``: s since 1970; ``random``: 0 to 1."""

    intake: Intake
    log: Log
    files: Files
    metrics: Metrics
    health: Health
    aws: AwsKeys = field(default_factory=AwsKeys)
    clock: Callable[[], float] = time.time
    random: Callable[[], float] = any_random.random


class MediaSteps:
    """The worker, as a source of steps without deliveries: only the cursor is the supervisor's."""

    silence = 60.0

    def __init__(self, connections: MediaConnections, ports: MediaPorts) -> None:
        self._connections = connections
        self._ports = ports
        self._fetching = Fetching(ports.files, aws=ports.aws)
        self._running: dict[asyncio.Task[None], Item] = {}
        self._known: dict[str, Reference] = {}
        self._waiting = Waiting([])
        self._served: dict[str, float] = {}
        self._logger = structlog.get_logger("cx_channels.media")

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Read on and fetch, until closed. Raise ``TryLater`` where the log does not answer."""
        offsets = await self._begin(cursor)
        reader, told, written = self._ports.log.reader(), 0.0, cursor
        try:
            reader.assign({Partition(INTERACTIONS, number): offset for number, offset in offsets.items()})
            while True:
                for record in await reader.read(RECORDS, max_bytes=BYTES, wait=IDLE_SECONDS):
                    self._find(record)
                    offsets[record.partition] = record.offset + 1
                self._end_done()
                self._start_due()
                now = time.monotonic()
                if now - told >= CURSOR_SECONDS:
                    latest = encode_cursor(offsets, self._waiting)
                    if latest != written or now - told >= TELL_SECONDS:
                        told, written = now, latest
                        yield Step(cursor=latest)
                        self._measure()
        finally:
            await self._stop()
            await reader.close()

    async def _begin(self, cursor: bytes) -> dict[int, int]:
        """Take up what the cursor says, from what the log still holds on."""
        stored, log = read_cursor(cursor), self._ports.log
        if stored is None:
            return await log.offsets_at(INTERACTIONS, int((self._ports.clock() - LOOK_BACK_SECONDS) * 1000))
        self._waiting = Waiting([each for each in stored.waiting if each.connection in self._connections.by_id])
        begin = await log.begin_offsets(INTERACTIONS)
        return {number: max(stored.offsets.get(number, 0), first) for number, first in begin.items()}

    def _find(self, record: LogRecord) -> None:
        for connection, reference in self._connections.references_in(record.value):
            if self._waiting.add(Item(connection.id, record.partition, record.offset, reference.id)):
                self._known[reference.id] = reference
            else:
                self._ports.metrics.media_file(connection.id, "left")
                self._logger.warning("a file is left: too many wait", connection=connection.id, file=reference.id)

    def _start_due(self) -> None:
        """Begin with the files whose time has come: of the connection with the fewest under way, and of several such of
        the one that had its turn longest ago. Those whose vendors are slow would have all turns otherwise."""
        now, busy = self._ports.clock(), Counter(each.connection for each in self._running.values())
        running = {each.id for each in self._running.values()}
        due = [each for each in self._waiting.items.values() if each.due <= now and each.id not in running]
        while due and len(self._running) < AT_ONCE:
            item = min(due, key=lambda each: (busy[each.connection], self._served.get(each.connection, 0.0)))
            if busy[item.connection] >= AT_ONCE_OF_ONE:
                return
            due.remove(item)
            busy[item.connection] += 1
            self._served[item.connection] = time.monotonic()
            task = asyncio.create_task(self._bring(item), name=f"media {item.connection}")
            self._running[task] = item

    def _end_done(self) -> None:
        """Forget tasks that are over. Raise what one of them could not deal with."""
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            task.result()

    async def _bring(self, item: Item) -> None:
        connection, provider = self._connections.by_id[item.connection]
        try:
            reference = self._known.get(item.id) or await self._read_back(item)
            if provider.media is not None and reference is not None:
                found = await self._fetching.fetch(reference, connection, provider.media, self._ports.intake.now())
                await store(self._ports.intake, connection, provider, reference, found)
                self._ports.metrics.media_file(connection.id, "stored")
                self._ports.health.unnote(f"media of {connection.id}")
            self._over(item)
        except TryLater as later:  # ours, not the vendor's: log or blob store are away
            item.due = self._ports.clock() + max(AWAY_SECONDS, later.retry_after or 0.0)
        except NotFetched as why:
            self._failed(item, connection, why)
        except Exception as error:  # a fault that one file meets must not end the fetching of all others
            self._logger.exception("a file met a fault", connection=connection.id, file=item.id)
            self._failed(item, connection, NotFetched("fault", f"a fault of the hub's: {type(error).__name__}"))

    def _failed(self, item: Item, connection: Connection, why: NotFetched) -> None:
        """Try a file again later, or give it up: where that is of no use, or it was tried for days."""
        item.failures += 1
        pause = None if why.reason in FINAL else delay_after(item.failures, why.retry_after, self._ports.random)
        about = {"connection": connection.id, "file": item.id, "reason": why.reason, "why": str(why)}
        if pause is None:
            self._logger.error("a file is given up", failures=item.failures, **about)
            self._ports.metrics.media_file(connection.id, "given-up")
            self._over(item)
        else:
            self._logger.warning("a file was not fetched; it is tried again", pause=round(pause), **about)
            self._ports.metrics.media_file(connection.id, "retried")
            item.due = self._ports.clock() + pause
        if why.reason != "not-the-vendors":
            self._ports.health.note(f"media of {connection.id}", f"a file was not fetched: {why.reason}: {why}")

    def _over(self, item: Item) -> None:
        self._waiting.remove(item)
        self._known.pop(item.id, None)

    async def _read_back(self, item: Item) -> Reference | None:
        """Return the reference that an item stands for, from its event; None where the log does not hold that."""
        log = self._ports.log
        if (await log.begin_offsets(INTERACTIONS)).get(item.partition, 0) > item.offset:
            self._logger.error("a file is given up: the log holds its event no more", file=item.id)
            return None
        reader = log.reader()
        try:
            reader.assign({Partition(INTERACTIONS, item.partition): item.offset})
            records = await reader.read(1, wait=READ_BACK_SECONDS)
        finally:
            await reader.close()
        if not records:
            raise TryLater("log", "an event could not be read again")
        found = [each for record in records for _, each in self._connections.references_in(record.value)]
        return next((each for each in found if each.id == item.id), None)

    def _measure(self) -> None:
        for id in self._connections.by_id:
            self._ports.metrics.media_waiting.set(self._waiting.count(id), id)

    async def _stop(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # seen, or asyncio complains
        self._running.clear()
        for id in self._connections.by_id:
            self._ports.health.unnote(f"media of {id}")
