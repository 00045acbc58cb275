"""Post a replay to an HTTP endpoint: one record after another, signed by Standard Webhooks, tried again in bounds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from cx_events.errors import Refused, TryLater
from cx_events.log import LogRecord
from cx_ops.replay.marking import HEADER, is_object, mark
from cx_runtime.outbound.outcomes import Delivered, Gone
from cx_runtime.outbound.sender import Sender
from cx_runtime.outbound.signatures import Signatures, message_id

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between attempts; afterwards the run stops where it is, and can be resumed."""
MOST_ASKED = 60.0
"""Seconds that a receiver may ask for."""

Sleep = Callable[[float], Awaitable[object]]


class HttpTarget:
    """One record at a time, so that each customer's come in order."""

    def __init__(
        self,
        sender: Sender,
        url: str,
        signatures: Signatures,
        id: str,
        tell: Callable[[str], None] = lambda sentence: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """``tell``: hears of attempts that failed."""
        self._sender = sender
        self._url = url
        self._signatures = signatures
        self._id = id
        self._tell = tell
        self._sleep = sleep

    async def open(self, size: int) -> None:
        """Nothing is held."""

    async def send(self, records: Sequence[LogRecord]) -> None:
        for record in records:
            await self._send(record)

    async def _send(self, record: LogRecord) -> None:
        is_event = is_object(record.value)
        body = mark(record.value, self._id) if is_event else record.value
        message = message_id(self._id, record.topic, str(record.partition), str(record.offset))
        content = "application/cloudevents+json" if is_event else "application/octet-stream"
        for pause in (*PAUSES, None):
            outcome = await self._sender.post(self._url, body, message, self._signatures, content, {HEADER: self._id})
            if isinstance(outcome, Delivered):
                return
            if isinstance(outcome, Gone) or outcome.reason == "private-address":
                raise Refused("receiver-refuses", outcome.detail)
            place = f"{record.topic}/{record.partition}/{record.offset}"
            if pause is None:
                raise TryLater("receiver", f"{place}: {outcome.detail}, {len(PAUSES) + 1} times")
            self._tell(f"{place}: {outcome.detail}; once more in {pause:g} s")
            await self._sleep(max(pause * random.uniform(0.8, 1.2), min(outcome.retry_after or 0.0, MOST_ASKED)))  # noqa: S311

    async def settle(self) -> int:
        return 0

    async def finish(self) -> None:
        """Nothing is left to do."""

    async def close(self) -> None:
        """Nothing is held."""
