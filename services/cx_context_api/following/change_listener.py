"""Read change notifications from ``cx.context-changes`` while something is followed; each process reads all of them.

No consumer group and no offsets are stored. A process that begins to read refreshes all subscriptions once; the next
heartbeat makes up for lost notifications.
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
"""How long reading goes on after the last follower has left: the next one may come soon."""

_decode = msgspec.json.Decoder(ContextChange).decode


class ChangeListener:
    """Reads notifications: ``run()`` until cancelled.

    It waits until the log works again; without notifications the heartbeats go on.
    """

    def __init__(self, log: Log, subscriptions: Subscriptions, progress: Progress | None = None) -> None:
        self._log = log
        self._subscriptions = subscriptions
        self._progress = progress or Health().progress("nobody asks")
        self._logger = structlog.get_logger("cx_context_api.following")

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                await self._wait_until_wanted()
                reader = self._log.reader()
                try:
                    await self._listen(reader)
                except TryLater as error:
                    self._progress.tried(error)
                    await asyncio.sleep(PAUSE_SECONDS)
                except Fatal as error:  # the topic was created anew: read it from its end
                    self._logger.warning("no change notifications for now", why=str(error))
                    await asyncio.sleep(PAUSE_SECONDS)
                finally:
                    await reader.close()
        finally:
            self._progress.end()

    async def _wait_until_wanted(self) -> None:
        while not self._subscriptions.wanted.is_set():
            self._progress.mark()
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._subscriptions.wanted.wait()
            except TimeoutError:
                pass

    async def _listen(self, reader: LogReader) -> None:
        """Read until nothing was followed for ``LINGER_SECONDS``."""
        clock = asyncio.get_running_loop().time
        ends = await self._log.end_offsets(CONTEXT_CHANGES)
        reader.assign({Partition(CONTEXT_CHANGES, number): end for number, end in ends.items()})
        await self._subscriptions.refresh_all()
        last = clock()
        while clock() - last < LINGER_SECONDS:
            for record in await reader.read(AT_ONCE, wait=WAIT_SECONDS):
                self._dispatch(record.value)
            self._progress.mark()
            if self._subscriptions.wanted.is_set():
                last = clock()

    def _dispatch(self, value: bytes) -> None:
        try:
            change = _decode(value)
        except msgspec.DecodeError:  # another program's record
            return
        notify, tenant = self._subscriptions.notify, change.tenant
        notify((tenant, change.customer))
        for name in change.agents:
            notify((tenant, "agent", name))
        for name in change.queues:
            notify((tenant, "queue", name))
