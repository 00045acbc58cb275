"""Send records: each key's one after the other, those of several keys at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cx_context.store.subscription_rows import Letter, Waiting
from cx_events.log import LogRecord
from cx_ops.subscriptions.failures import failed, untried
from cx_ops.subscriptions.messages import key_text, message_of
from cx_ops.subscriptions.receiver import Receiver
from cx_ops.subscriptions.subscription import Subscription
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.outcomes import Delivered, Gone, Later, Outcome
from cx_runtime.outbound.sender import Sender

AT_ONCE = 8
"""Requests of one subscription under way at once."""

Key = tuple[int, str]
"""A partition and a key of it."""


@dataclass(slots=True)
class Sent:
    """The outcome of sending records. ``delivered``: how many, by partition. ``waiting``: keys at which it stopped.

    ``gone``: what the receiver said if it wants nothing any more. ``ends_outage``: it was down for long before.
    """

    delivered: dict[int, int] = field(default_factory=dict)
    waiting: dict[Key, Waiting] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    gone: Gone | None = None
    ends_outage: bool = False


class Delivery:
    """Sends for one subscription."""

    def __init__(
        self,
        subscription: Subscription,
        sender: Sender,
        receiver: Receiver,
        metrics: Metrics,
        now: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._subscription = subscription
        self._sender = sender
        self._receiver = receiver
        self._metrics = metrics
        self._now = now
        self._random = random

    async def send(self, records: Iterable[LogRecord], before: Mapping[Key, Waiting]) -> Sent:
        """Send records in order of their offsets. ``before``: keys that waited until now, at their first record."""
        sent, turns = Sent(), asyncio.Semaphore(AT_ONCE)
        by_key: dict[Key, list[LogRecord]] = {}
        for record in records:
            by_key.setdefault(key_of(record), []).append(record)
        async with asyncio.TaskGroup() as group:
            for key, of_key in by_key.items():
                group.create_task(self._send_key(key, of_key, before.get(key), sent, turns))
        return sent

    async def _send_key(
        self, key: Key, records: list[LogRecord], before: Waiting | None, sent: Sent, turns: asyncio.Semaphore
    ) -> None:
        for record in records:
            async with turns:
                if sent.gone is not None or not self._receiver.is_asked(self._now()):
                    keeps = before is not None and before.next_offset == record.offset
                    sent.waiting[key] = before if keeps and before is not None else untried(record, self._now())
                    return
                outcome = await self.post(record)
            if isinstance(outcome, Delivered):
                sent.ends_outage |= self._receiver.delivered(self._now())
                sent.delivered[record.partition] = sent.delivered.get(record.partition, 0) + 1
                continue
            if isinstance(outcome, Gone):
                sent.gone = outcome
                sent.waiting[key] = untried(record, self._now())
                return
            self._receiver.failed(key, outcome, self._now())
            after = failed(record, before, outcome, self._now(), self._random, self._receiver.taken_at)
            sent.waiting[key] = after.waiting
            if after.letter is not None:
                sent.letters.append(after.letter)
            return

    async def post(self, record: LogRecord) -> Outcome:
        """Send one record, and count what comes of it."""
        message = message_of(record)
        its = self._subscription
        outcome = await self._sender.post(its.url, message.body, message.id, its.signatures)
        labels = (its.name.tenant, its.name.subscription)
        if isinstance(outcome, Delivered):
            self._metrics.subscription_delivered.labels(*labels).inc()
        else:
            reason = outcome.reason if isinstance(outcome, Later) else "gone"
            self._metrics.subscription_failures.labels(*labels, reason).inc()
        return outcome


def key_of(record: LogRecord) -> Key:
    """Return within what a record's order counts."""
    return record.partition, key_text(record)
