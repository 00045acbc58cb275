"""Decisions onto the log: each an event, durable before it is answered, and the same event when it is asked for again.

``Idempotency-Key`` becomes the event's id; a digest of what was asked for lies in ``data.idempotency_key``, so that the
same key with another body is told apart wherever the first one was taken. Until it is applied, only the process that
took it knows; two that take one key with two bodies in that moment leave two copies, of which the first counts.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

import msgspec

from cx_context.store import Store
from cx_context.store.events import read_event
from cx_context.store.sql import Tx
from cx_context_api.requests.admission import Caller
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.envelope import Data, Draft
from cx_events.errors import Refused
from cx_events.facts import decision_source
from cx_events.ids import NodeId, event_key
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.stamp import StampedEvent, key_writer, stamp
from cx_events.timestamps import Micros
from cx_runtime.metrics import Metrics

REMEMBERED = 10_000
"""Keys of decisions that this process took lately."""

PROVIDER = "api"
"""What metrics call the provider of these events."""

_KEY = re.compile(r"[!-~]{1,200}")

Clock = Callable[[], Micros]


class IncreasingClock:
    """The wall clock in µs, one later at least with every call: decisions of one process never tie."""

    def __init__(self, clock: Clock = lambda: time.time_ns() // 1000) -> None:
        self._clock = clock
        self._last: Micros = 0

    def __call__(self) -> Micros:
        self._last = max(self._clock(), self._last + 1)
        return self._last


class DecisionRequest(NamedTuple):
    """One request's identity: ``id`` of the event it makes, ``digest`` of what it asks for; ``repeatable`` if its
    sender named it; ``writer``: whose key asks."""

    tenant: str
    id: str
    digest: str
    repeatable: bool
    writer: str

    @property
    def name(self) -> EventName:
        return EventName(decision_source(self.tenant), self.id)


def decision_request(asker: Caller, key: str | None, digest: str) -> DecisionRequest:
    """``key``: of the header ``Idempotency-Key``, with or without the quotes of a structured field (RFC 8941).
    Raises ``Refused("bad-idempotency-key", 400)``."""
    writer = key_writer(asker.key)
    if key is None:
        return DecisionRequest(asker.tenant, str(uuid4()), digest, repeatable=False, writer=writer)
    bare = key[1:-1] if len(key) > 2 and key[0] == key[-1] == '"' else key
    if _KEY.fullmatch(bare) is None:
        raise Refused("bad-idempotency-key", "Idempotency-Key: expected 1 to 200 printable ASCII characters", 400)
    return DecisionRequest(asker.tenant, bare, digest, repeatable=True, writer=writer)


class DecisionDraft(NamedTuple):
    """What a decision says, and with what it lies on the log. ``correlation``: what was asked by, where that is not the
    event's id. ``after``: when the latest happened of what it decides about, in µs. It is stamped later than that: a
    resolve that sorted before the message it answers would be void, and two machines' clocks never agree."""

    type: str
    stream_id: NodeId
    data: Data
    correlation: str = ""
    after: Micros = 0


class Decisions:
    """The way in for decisions. One per process; safe for many tasks at once."""

    def __init__(self, store: Store, log: Log, tenancies: Mapping[str, Tenancy], metrics: Metrics, now: Clock) -> None:
        self._store = store
        self._log = log
        self._tenancies = tenancies
        self._metrics = metrics
        self.now = now
        self._last: dict[str, Micros] = {}
        self._taken: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def taken(self, asked: DecisionRequest) -> list[EventName]:
        """The events of this very request, if it was answered before and is applied; else none.
        ``Refused("idempotency-key-reused")`` for a key that another request used."""
        if not asked.repeatable:
            return []
        async with self._store.reading() as tx:
            stored = await read_event(tx, asked.tenant, event_key(asked.tenant, *asked.name))
            if stored is None:
                return []
            _same(asked, decode_leniently(stored.raw)[0].data.idempotency_key)
            return [*await siblings(tx, asked.tenant, asked.name), asked.name]

    def took(self, tenant: str, name: EventName) -> bool:
        """Whether this process took that decision lately; it may not be applied yet."""
        return name.source == decision_source(tenant) and (tenant, name.id) in self._taken

    async def take(
        self, asked: DecisionRequest, choices: Sequence[DecisionDraft], at: Micros | None = None
    ) -> list[EventName]:
        """Append one event for each choice: the last bears the id, the ones before it ``ID.1``, ``ID.2``, ... ``at``:
        given by ``moment``, where it was told already.

        Durable on return. ``TryLater`` where that is unknown; asking again is safe.
        """
        # From here to the append nobody else runs, so of two requests with one key the second sees the first.
        _same(asked, self._taken.get((asked.tenant, asked.id), asked.digest))
        self._taken[asked.tenant, asked.id] = asked.digest
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        events = self.drafted(asked, choices, at)
        with self._metrics.append_seconds.time():
            await self._log.append([Record(INTERACTIONS, event.key, event.raw) for event in events])
        for choice in choices:
            self._metrics.accepted(PROVIDER, choice.type)
        return [EventName(event.source, event.id) for event in events]

    def moment(self, tenant: str, after: Micros) -> Micros:
        """Return the time of a decision in µs: now, but later than ``after`` and than all that this process took for
        the tenant before."""
        found = self._last[tenant] = max(self.now(), self._last.get(tenant, 0) + 1, after + 1)
        return found

    def drafted(
        self, asked: DecisionRequest, choices: Sequence[DecisionDraft], at: Micros | None = None
    ) -> list[StampedEvent]:
        """The events that ``take`` would append."""
        ids = self._tenancies[asked.tenant].ids
        if at is None:
            at = self.moment(asked.tenant, max(choice.after for choice in choices))
        several = len(choices) > 1
        events = []
        for number, choice in enumerate(choices, 1):
            draft = Draft(
                type=choice.type,
                id=asked.id if number == len(choices) else f"{asked.id}.{number}",
                data=msgspec.structs.replace(choice.data, idempotency_key=asked.digest),
                subject=choice.stream_id.hex(),
                correlationid=choice.correlation or (asked.id if several else ""),
            )
            source = asked.name.source
            events.append(stamp(draft, source=source, recorded=at, ids=ids, writer=asked.writer, scopes=()))
        return events


async def siblings(tx: Tx, tenant: str, name: EventName) -> list[EventName]:
    """The events before the last one, where a decision took several."""
    found: list[EventName] = []
    while True:
        sibling = EventName(name.source, f"{name.id}.{len(found) + 1}")
        if await read_event(tx, tenant, event_key(tenant, *sibling)) is None:
            return found
        found.append(sibling)


def _same(asked: DecisionRequest, digest: str) -> None:
    if digest != asked.digest:
        raise Refused("idempotency-key-reused", f"the key {asked.id!r} was used before, for something else")
