"""Bring what agents and bots write into a chat to the customer's open socket.

Whoever answers does so by an event with the same ``interaction``; nothing has to know which process holds the socket.
So each process follows the log from a little before where it stood at the start, since a chat that was open at another
process may have missed what came meanwhile; keeps the last few of what is for customers' eyes; and hands it to whoever
follows that interaction.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

import structlog

from cx_channels.chat.webchat.shown import MESSAGES, TYPES
from cx_events.codec import decode
from cx_events.envelope import Event
from cx_events.errors import Refused, TryLater
from cx_events.log import INTERACTIONS, Log, LogReader, Partition
from cx_events.timestamps import parse_time
from cx_runtime.health import Health, Progress

LOOK_BACK = 1_000
"""Records of each partition that are read again at the start."""

OVERLAP = 30_000_000
"""µs before the last one that a browser has, of which messages in other partitions are told again: the process that
served it may have read them in another order than this one. Known ids change nothing there."""

REST_SECONDS = 0.02
"""After a read: visitors do not notice, and what comes meanwhile costs one more read instead of one each."""

KEPT_EVENTS = 10_000
KEPT_OF_ONE = 100
KEPT_BYTES = 32 << 20

_MARKS = tuple(f'"{name}"'.encode() for name in TYPES)


class Address(NamedTuple):
    """One interaction of one tenant."""

    tenant: str
    interaction: str


class Delivery(NamedTuple):
    """An event for the customer's eyes. ``id``: ``SOURCE#ID``. ``partition``: in which it lies on the log."""

    id: str
    event: Event
    partition: int = 0


Deliver = Callable[[Delivery], None]
"""Takes a delivery at once and without waiting."""


class Deliveries(Protocol):
    def follow(self, address: Address, deliver: Deliver) -> Callable[[], None]:
        """Hand on what comes for this interaction from now on, until the returned function is called."""

    async def caught_up(self, seconds: float) -> None:
        """Returns once ``recent`` knows what was said before the start, or after ``seconds``."""

    def recent(self, address: Address, after: str = "") -> list[Delivery]:
        """Return the latest deliveries, oldest first: those after the one with this id, and messages of shortly before
        it in other partitions (``OVERLAP``), or all that are still known."""


class LogDeliveries:
    """Follows the log's end. Memory is bounded by events, by bytes and by interaction; the oldest are let go first."""

    def __init__(self, log: Log, progress: Progress | None = None) -> None:
        self._log = log
        self._said = structlog.get_logger("cx_channels.chat.webchat")
        self._progress = progress or Health().progress("nobody asks")
        self._followers: dict[Address, list[Deliver]] = {}
        self._kept: OrderedDict[Address, deque[tuple[Delivery, int]]] = OrderedDict()
        self._kept_events = 0
        self._kept_bytes = 0
        self._offsets: dict[Partition, int] = {}
        """Where to go on reading, also when ``run`` is begun again: nothing is delivered twice."""
        self._behind: dict[int, int] = {}
        """Partition to where its end was at the start, until that is reached."""
        self._caught_up = asyncio.Event()

    async def run(self) -> None:
        """Follow the log until it is cancelled, from a little before its end; begun again, from where it was."""
        reader = self._log.reader()
        assigned = False
        try:
            while True:
                try:
                    if not assigned:
                        await self._find_begin()
                        reader.assign(self._offsets)
                        assigned = True
                    await self._read_on(reader)
                except TryLater as error:
                    # The reader keeps its place: nothing is lost, only late.
                    self._progress.tried(error)
                    await asyncio.sleep(error.retry_after)
        finally:
            self._progress.end()
            await reader.close()

    async def _find_begin(self) -> None:
        if self._offsets:
            return
        ends = await self._log.end_offsets(INTERACTIONS)
        self._behind = {number: end for number, end in ends.items() if end}
        self._see_whether_caught_up()
        self._offsets = {Partition(INTERACTIONS, number): max(end - LOOK_BACK, 0) for number, end in ends.items()}

    async def _read_on(self, reader: LogReader) -> None:
        records = await reader.read(2_000, wait=1.0)
        for record in records:
            try:
                self.take(record.value, record.partition)
            except Exception:  # one event must not hold up all chats
                self._said.exception("an event was not looked at", partition=record.partition, offset=record.offset)
            self._offsets[Partition(record.topic, record.partition)] = record.offset + 1
            if record.offset + 1 >= self._behind.get(record.partition, record.offset + 2):
                del self._behind[record.partition]
        if not records:
            self._behind.clear()  # there is no more
        self._see_whether_caught_up()
        self._progress.mark()
        if records:
            await asyncio.sleep(REST_SECONDS)

    def _see_whether_caught_up(self) -> None:
        if not self._behind:
            self._caught_up.set()

    async def caught_up(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._caught_up.wait()
        except TimeoutError:
            pass  # the log is down: what is known is better than nothing

    def take(self, raw: bytes, partition: int = 0) -> None:
        """Look at one event's bytes, and keep and hand on what is for a customer."""
        # Most events are not: a search is far cheaper than a decode.
        if not any(mark in raw for mark in _MARKS):
            return
        try:
            event = decode(raw)
        except Refused:
            return  # the projector's affair, which keeps it as a dead letter
        if event.type not in TYPES or not event.data.interaction or event.data.direction == "inbound":
            return
        address = Address(event.tenantid, event.data.interaction)
        delivery = Delivery(f"{event.source}#{event.id}", event, partition)
        if any(known.id == delivery.id for known, _ in self._kept.get(address, ())):
            return  # sent again, since its sender was told nothing, or something unclear
        self._keep(address, delivery, len(raw))
        for deliver in tuple(self._followers.get(address, ())):
            try:
                deliver(delivery)
            except Exception:  # one chat must not hold up the others
                self._said.exception("an answer was not delivered", interaction=address.interaction)

    def _keep(self, address: Address, delivery: Delivery, size: int) -> None:
        kept = self._kept.setdefault(address, deque())
        self._kept.move_to_end(address)
        kept.append((delivery, size))
        self._kept_events += 1
        self._kept_bytes += size
        if len(kept) > KEPT_OF_ONE:
            self._forget_one(kept)
        while self._kept_events > KEPT_EVENTS or self._kept_bytes > KEPT_BYTES:
            oldest, waiting = next(iter(self._kept.items()))
            self._forget_one(waiting)
            if not waiting:
                del self._kept[oldest]

    def _forget_one(self, kept: deque[tuple[Delivery, int]]) -> None:
        _, size = kept.popleft()
        self._kept_events -= 1
        self._kept_bytes -= size

    def follow(self, address: Address, deliver: Deliver) -> Callable[[], None]:
        self._followers.setdefault(address, []).append(deliver)

        def leave() -> None:
            followers = self._followers.get(address, [])
            if deliver in followers:
                followers.remove(deliver)
            if not followers:
                self._followers.pop(address, None)

        return leave

    def recent(self, address: Address, after: str = "") -> list[Delivery]:
        known = [delivery for delivery, _ in self._kept.get(address, ())]
        for index, delivery in enumerate(known):
            if delivery.id == after:
                return [*_overlap(known[:index], delivery), *known[index + 1 :]]
        return known


def _overlap(before: list[Delivery], last: Delivery) -> list[Delivery]:
    """Return the messages that the last one may have overtaken at another process. In one partition none is."""
    begin = parse_time(last.event.recordedtime) - OVERLAP
    others = (each for each in before if each.partition != last.partition and each.event.type in MESSAGES)
    return [each for each in others if parse_time(each.event.recordedtime) >= begin]
