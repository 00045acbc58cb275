"""Read a queue of Amazon SQS: a message is deleted once what became of it is on the log, and not before.

docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference. A message that was received is hidden from others for a
while, which is prolonged as long as the log does not take it (twelve hours at most, then SQS gives it again). One that
comes again and again, since whoever reads it dies of it, ends as a dead letter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cx_channels.kit.json_values import obj, objects, text
from cx_channels.pollers.aws.api import AwsApi
from cx_channels.pollers.aws.delivery import delivery_of
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_events.errors import TryLater
from cx_events.json_types import Json

AT_ONCE = 10
"""Messages of one request, SQS's most."""


@dataclass
class Pace:
    """Seconds. ``wait``: for which SQS waits for a message; ``hidden``: for which a received one is hidden; ``idle``:
    between two requests, in case the other side does not wait."""

    wait: int = 10
    hidden: int = 120
    idle: float = 0.1


class _Message(NamedTuple):
    id: str
    receipt: str
    body: bytes
    receives: int
    sent: int | None
    """ms since 1970."""


class QueueReader:
    """``url``: as SQS names the queue. ``receives``: so often a message may come."""

    def __init__(self, api: AwsApi, url: str, receives: int, pace: Pace, ports: SourcePorts) -> None:
        self._api = api
        self._url = url
        self._receives = receives
        self._pace = pace
        self._ports = ports

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Yield a step for each answer; the next messages are asked for once these are deleted."""
        while True:
            messages = await self._receive()
            if not messages:
                yield Step(lag=0.0)
                await asyncio.sleep(self._pace.idle)
                continue
            accepted = asyncio.Event()
            sent = [each.sent for each in messages if each.sent is not None]
            lag = max(self._ports.now() / 1_000_000 - min(sent) / 1000, 0.0) if sent else None
            yield Step(tuple(map(self._delivery, messages)), lag=lag, accepted=accepted.set)
            await self._hold(messages, accepted)
            await self._batch("DeleteMessageBatch", messages, {})

    async def _receive(self) -> list[_Message]:
        asked: Json = {
            "QueueUrl": self._url,
            "MaxNumberOfMessages": AT_ONCE,
            "WaitTimeSeconds": self._pace.wait,
            "VisibilityTimeout": self._pace.hidden,
            "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
        }
        answered = await self._api.call("ReceiveMessage", asked)
        return [_message(each) for each in objects(answered.get("Messages"))]

    def _delivery(self, message: _Message) -> Delivery:
        lost = ""
        if message.receives > self._receives:
            lost = f"received-too-often: {message.receives} times, and it never came through; settings.receives"
        headers = {"x-sqs-queue": self._url, "x-sqs-message": message.id}
        return delivery_of(message.id, message.body, headers, self._ports, lost)

    async def _hold(self, messages: Sequence[_Message], accepted: asyncio.Event) -> None:
        """Wait until the messages are on the log, and keep them hidden meanwhile."""
        while True:
            try:
                async with asyncio.timeout(self._pace.hidden / 2):
                    await accepted.wait()
                return
            except TimeoutError:
                try:
                    more: Json = {"VisibilityTimeout": self._pace.hidden}
                    await self._batch("ChangeMessageVisibilityBatch", messages, more)
                except TryLater:
                    continue  # they show up again, and are the same events

    async def _batch(self, operation: str, messages: Sequence[_Message], more: Json) -> None:
        """Do the same to all of them. One for which it fails (its receipt is too old) comes again."""
        entries = [{"Id": str(at), "ReceiptHandle": each.receipt, **more} for at, each in enumerate(messages)]
        await self._api.call(operation, {"QueueUrl": self._url, "Entries": entries})


def _message(given: Json) -> _Message:
    attributes = obj(given.get("Attributes"))
    receives, sent = text(attributes.get("ApproximateReceiveCount")), text(attributes.get("SentTimestamp"))
    return _Message(
        id=text(given.get("MessageId")),
        receipt=text(given.get("ReceiptHandle")),
        body=text(given.get("Body")).encode("utf-8", "replace"),
        receives=int(receives) if receives.isdecimal() else 1,
        sent=int(sent) if sent.isdecimal() else None,
    )
