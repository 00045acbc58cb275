"""The hints: what ``cx.context-changes`` says from now on, read by each process for itself and while it has followers.

No group, no positions kept: whoever begins to listen looks at all that is followed once, and lost hints are made up for
at the next heartbeat.
"""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from cx_context.change_notifications import ContextChange
from cx_context_api.following.subscriptions import Subscriptions
from cx_events.errors import Fatal, TryLater
from cx_events.log import CONTEXT_CHANGES, Log, LogReader, Partition
from cx_runtime.health import Health, Progress

AT_ONCE = 4_000
WAIT_SECONDS = 1.0
PAUSE_SECONDS = 1.0
IDLE_SECONDS = 5.0
LINGER_SECONDS = 60.0
"""After the last follower has left: the next one may come soon."""

_decode = msgspec.json.Decoder(ContextChange).decode


class ChangeListener:
    """``run()`` until it is cancelled. The log's troubles are waited out: without hints all goes on, by heartbeats."""

    def __init__(self, log: Log, following: Subscriptions, progress: Progress | None = None) -> None:
        self._log = log
        self._following = following
        self._progress = progress or Health().progress("nobody asks")
        self._said = structlog.get_logger("cx_context_api.following")

    async def run(self) -> None:
        try:
            while True:
                await self._wait_until_wanted()
                reader = self._log.reader()
                try:
                    await self._listen(reader)
                except TryLater as error:
                    self._progress.tried(error)
                    await asyncio.sleep(PAUSE_SECONDS)
                except Fatal as error:  # the notices' topic was made anew: it is read from its end again
                    self._said.warning("no hints of changes for now", why=str(error))
                    await asyncio.sleep(PAUSE_SECONDS)
                finally:
                    await reader.close()
        finally:
            self._progress.end()

    async def _wait_until_wanted(self) -> None:
        while not self._following.wanted.is_set():
            self._progress.mark()
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._following.wanted.wait()
            except TimeoutError:
                pass

    async def _listen(self, reader: LogReader) -> None:
        """Returns once nobody has followed anything for a while."""
        clock = asyncio.get_running_loop().time
        ends = await self._log.end_offsets(CONTEXT_CHANGES)
        reader.assign({Partition(CONTEXT_CHANGES, number): end for number, end in ends.items()})
        await self._following.look_at_all()
        last = clock()
        while clock() - last < LINGER_SECONDS:
            for record in await reader.read(AT_ONCE, wait=WAIT_SECONDS):
                self._hear(record.value)
            self._progress.mark()
            if self._following.wanted.is_set():
                last = clock()

    def _hear(self, value: bytes) -> None:
        try:
            notice = _decode(value)
        except msgspec.DecodeError:  # somebody else's
            return
        noticed, tenant = self._following.noticed, notice.tenant
        noticed((tenant, notice.customer))
        for name in notice.agents:
            noticed((tenant, "agent", name))
        for name in notice.queues:
            noticed((tenant, "queue", name))
