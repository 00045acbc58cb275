"""Hold events that wait for a background sender: bounded, in order, none forgotten."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import NamedTuple

from cx_client.core.batches import EncodedEvent, in_batches
from cx_client.core.errors import NotDelivered, QueueFull, SendingRefused, SendingUnavailable
from cx_client.core.outcomes import Rejected, Sent
from cx_events.errors import CxError
from cx_events.json_types import Json


class QueueLimits(NamedTuple):
    """``events`` and ``bytes`` that may wait, those under way and rejected ones that nobody took included."""

    events: int = 10_000
    bytes: int = 64 << 20


class Backlog:
    """The events of one background sender. The sender holds a lock around every call."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._waiting: deque[EncodedEvent] = deque()
        self._under_way: tuple[EncodedEvent, ...] = ()
        self._rejected: list[Rejected] = []
        self._rejected_bytes = 0
        self._bytes = 0
        self._put = 0
        self._settled = 0
        self.accepted = 0
        self.closed = False
        self.stopped_by: CxError | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether nothing waits to be sent."""
        return not self._waiting and not self._under_way

    @property
    def put_so_far(self) -> int:
        """Return how many events were put."""
        return self._put

    def has_settled(self, number: int) -> bool:
        """Return whether the hub has answered for the first so many events."""
        return self._settled >= number

    def put(self, event: EncodedEvent) -> None:
        """Take an event. Raises ``QueueFull``; what sending stopped by, where it has stopped."""
        if self.stopped_by is not None:
            raise self.stopped_by
        if self.closed:
            raise QueueFull("the sender is closed")
        held = len(self._waiting) + len(self._under_way) + len(self._rejected)
        size = self._bytes + self._rejected_bytes
        if held >= self._limits.events or (held and size + len(event.raw) > self._limits.bytes):
            rejected = f", {len(self._rejected)} of them rejected (take them by flush)" if self._rejected else ""
            raise QueueFull(f"{held} events of {size} bytes wait{rejected}")
        self._bytes += len(event.raw)
        self._waiting.append(replace(event, index=self._put))
        self._put += 1

    def begin(self) -> tuple[EncodedEvent, ...]:
        """Return the next events to send in one request; none where nothing waits."""
        self._under_way = next(in_batches(self._waiting), ())
        for _ in self._under_way:
            self._waiting.popleft()
        return self._under_way

    def settle(self, sent: Sent) -> None:
        """Note that all under way have their outcome."""
        self._settle(sent, ())

    def fail(self, error: SendingUnavailable | SendingRefused) -> None:
        """Put back what was not sent, in order; a refusal of the whole request stops the sender."""
        unsent = {id(event) for event in error.remainder.unsent}
        self._settle(error.remainder.sent, tuple(each for each in self._under_way if id(each.event) in unsent))
        if isinstance(error, SendingRefused):
            self.stopped_by = error

    def stop(self, error: CxError) -> None:
        """Note that sending has stopped for good: ``put`` and ``flush`` raise this from now on."""
        self.stopped_by = error

    def _settle(self, sent: Sent, back: tuple[EncodedEvent, ...]) -> None:
        kept = {id(each.event) for each in back}
        rejected = {id(one.event) for one in sent.rejected}
        for each in self._under_way:
            if id(each.event) not in kept:
                self._settled += 1
                self._bytes -= len(each.raw)
                if id(each.event) in rejected:
                    self._rejected_bytes += len(each.raw)
        self.accepted += len(sent.accepted)
        self._rejected += sent.rejected
        self._waiting.extendleft(reversed(back))
        self._under_way = ()

    def take_rejected(self) -> tuple[Rejected, ...]:
        """Return the events that the hub rejected since the last call, and forget them."""
        taken, self._rejected, self._rejected_bytes = tuple(self._rejected), [], 0
        return taken

    def end(self) -> NotDelivered | None:
        """Close for good, and return what is not known to be durable; None where all is.

        What is under way counts as unsent: nobody knows its outcome.
        """
        self.closed = True
        unsent: tuple[Json, ...] = tuple(each.event for each in (*self._under_way, *self._waiting))
        rejected = self.take_rejected()
        self._waiting.clear()
        self._under_way = ()
        return NotDelivered(unsent, rejected, self.stopped_by) if unsent or rejected else None
