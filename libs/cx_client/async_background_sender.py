"""Send events from a task of its own, so that who puts them does not wait for the network."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from cx_client.async_client import AsyncClient
from cx_client.background_sender import CLOSE_SECONDS
from cx_client.core.backlog import Backlog, QueueLimits
from cx_client.core.batches import EncodedEvent
from cx_client.core.errors import HubUnavailable, SendingRefused, SendingUnavailable
from cx_client.core.outcomes import Rejected
from cx_client.core.retries import FOR_EVER, Retry
from cx_client.stamping import stamped

_log = logging.getLogger("cx_client")


class AsyncBackgroundSender:
    """Sends as ``BackgroundSender`` does, from a task. ``put`` does not wait; use it as a context manager.

    async with AsyncBackgroundSender(client) as sender:
        sender.put(event)
    """

    def __init__(self, client: AsyncClient, limits: QueueLimits = QueueLimits(), retry: Retry = FOR_EVER) -> None:
        self._client = client
        self._retry = retry
        self._backlog = Backlog(limits)
        self._changed = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> AsyncBackgroundSender:
        self._sending = asyncio.create_task(self._run(), name="cx-client-sender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def put(self, event: Mapping[str, Any]) -> None:
        """Take an event; errors as of ``BackgroundSender.put``."""
        self._backlog.put(stamped(event))
        self._notify()

    async def flush(self, seconds: float | None = None) -> tuple[Rejected, ...]:
        """Wait until the hub has answered for all that was put; as ``BackgroundSender.flush``."""
        number = self._backlog.put_so_far
        try:
            async with asyncio.timeout(seconds):
                while not self._backlog.has_settled(number):
                    if self._backlog.stopped_by is not None:
                        raise self._backlog.stopped_by
                    await self._changed.wait()
        except TimeoutError:
            raise HubUnavailable("not-flushed", f"events still wait after {seconds:g} s") from None
        return self._backlog.take_rejected()

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send what waits, for so long at most, and stop. Raises ``NotDelivered`` unless all events are durable."""
        self._backlog.closed = True
        self._notify()
        try:
            async with asyncio.timeout(seconds):
                while not self._backlog.is_idle and self._backlog.stopped_by is None:
                    await self._changed.wait()
        except TimeoutError:
            pass  # what is left is told below
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        error = self._backlog.end()
        if error is not None:
            raise error

    def _notify(self) -> None:
        """Wake all who wait for a change; who comes later waits for the next one."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _run(self) -> None:
        try:
            await self._send_all()
        except Exception as error:  # a task that ended silently would let everybody wait
            _log.exception("the sender has stopped")
            self._backlog.stop(HubUnavailable("sender-stopped", f"{type(error).__name__}: {error}"))
            self._notify()

    async def _send_all(self) -> None:
        failures = 0
        while True:
            batch = await self._next()
            try:
                sent = await self._client.run(self._client.operations.send_once(batch))
            except SendingUnavailable as error:
                failures += 1
                self._backlog.fail(error)
                self._notify()
                if failures == 1:
                    _log.warning("events can't be sent now; trying again. %s", error)
                await asyncio.sleep(self._retry.pause(failures, 0.0, error.asked, random.random) or self._retry.most)
            except SendingRefused as error:
                self._backlog.fail(error)
                self._notify()
                return
            else:
                failures = 0
                self._backlog.settle(sent)
                self._notify()

    async def _next(self) -> tuple[EncodedEvent, ...]:
        """Return the next batch once there is one."""
        while not (batch := self._backlog.begin()):
            await self._changed.wait()
        return batch
