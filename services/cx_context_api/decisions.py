"""Put decisions on the log: each is an event, durable before the answer, and the same event if the request is repeated.

``Idempotency-Key`` becomes the event's id. ``data.idempotency_key`` holds a digest of the request, so that the same key
with another body is recognised by any process once the event is applied; before that, only by the process that appended
it. If two processes take one key with two bodies at the same moment, the log holds two events; the first one counts.
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
from cx_runtime.traced_append import append_traced
from cx_runtime.tracing import OFF, Tracing

MAX_RECENT = 10_000
"""Idempotency keys of recent decisions that a process remembers."""

PROVIDER = "api"
"""The metrics' label for the provider of these events."""

_KEY = re.compile(r"[!-~]{1,200}")

Clock = Callable[[], Micros]


class IncreasingClock:
    """The wall clock in µs, at least 1 µs later with every call: two decisions of a process never have one time."""

    def __init__(self, clock: Clock = lambda: time.time_ns() // 1000) -> None:
        self._clock = clock
        self._last: Micros = 0

    def __call__(self) -> Micros:
        self._last = max(self._clock(), self._last + 1)
        return self._last


class DecisionRequest(NamedTuple):
    """The identity of one request for a decision.

    ``id``: of the event that it makes. ``digest``: of what it asks for. ``repeatable``: its client named it by an
    ``Idempotency-Key``. ``writer``: the key that sent it.
    """

    tenant: str
    id: str
    digest: str
    repeatable: bool
    writer: str

    @property
    def event_name(self) -> EventName:
        """The name of the event that the request makes."""
        return EventName(decision_source(self.tenant), self.id)


def decision_request(caller: Caller, key: str | None, digest: str) -> DecisionRequest:
    """Return the identity of a request.

    ``key``: the header ``Idempotency-Key``, with or without the quotes of a structured field (RFC 8941).
    Raises ``Refused("bad-idempotency-key", 400)``.
    """
    writer = key_writer(caller.key)
    if key is None:
        return DecisionRequest(caller.tenant, str(uuid4()), digest, repeatable=False, writer=writer)
    bare = key[1:-1] if len(key) > 2 and key[0] == key[-1] == '"' else key
    if _KEY.fullmatch(bare) is None:
        raise Refused("bad-idempotency-key", "Idempotency-Key: expected 1 to 200 printable ASCII characters.", 400)
    return DecisionRequest(caller.tenant, bare, digest, repeatable=True, writer=writer)


class DecisionDraft(NamedTuple):
    """One event of a decision before it is stamped.

    ``correlation``: the correlation id, if it is not the event's id. ``after``: the time in µs of the latest thing that
    the decision is about. The event is stamped later than that: a resolve that sorted before the message it answers
    would be void, and two machines' clocks never agree.
    """

    type: str
    stream_id: NodeId
    data: Data
    correlation: str = ""
    after: Micros = 0


class Decisions:
    """Appends decisions to the log. One per process; safe for many tasks at once."""

    def __init__(
        self,
        store: Store,
        log: Log,
        tenancies: Mapping[str, Tenancy],
        metrics: Metrics,
        now: Clock,
        tracing: Tracing = OFF,
    ) -> None:
        self._store = store
        self._log = log
        self._tenancies = tenancies
        self._metrics = metrics
        self._tracing = tracing
        self.now = now
        self._last: dict[str, Micros] = {}
        self._recent: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def find_applied(self, request: DecisionRequest) -> list[EventName]:
        """Return the events of an earlier request with the same key, if they are applied; else none.

        Raises ``Refused("idempotency-key-reused")`` if that request asked for something else.
        """
        if not request.repeatable:
            return []
        async with self._store.reading() as tx:
            stored = await read_event(tx, request.tenant, event_key(request.tenant, *request.event_name))
            if stored is None:
                return []
            _check_digest(request, decode_leniently(stored.raw)[0].data.idempotency_key)
            return [*await read_siblings(tx, request.tenant, request.event_name), request.event_name]

    def is_recent(self, tenant: str, name: EventName) -> bool:
        """Return whether this process appended that decision recently; it may not be applied yet."""
        return name.source == decision_source(tenant) and (tenant, name.id) in self._recent

    async def append(
        self, request: DecisionRequest, drafts: Sequence[DecisionDraft], at: Micros | None = None
    ) -> list[EventName]:
        """Append one event per draft; durable on return. ``at``: the time from ``next_time``, if it was taken already.

        The last event has the request's id, those before it ``ID.1``, ``ID.2`` and so on. Raises ``TryLater`` if the
        outcome is unknown; repeating the request is safe.
        """
        # No other task runs between here and the append, so of two requests with one key the second sees the first.
        _check_digest(request, self._recent.get((request.tenant, request.id), request.digest))
        self._recent[request.tenant, request.id] = request.digest
        while len(self._recent) > MAX_RECENT:
            self._recent.popitem(last=False)
        events = self.stamp(request, drafts, at)
        with self._metrics.append_seconds.time():
            records = [Record(INTERACTIONS, event.key, event.raw) for event in events]
            await append_traced(self._log, records, self._tracing)
        for draft in drafts:
            self._metrics.accepted(PROVIDER, draft.type)
        return [EventName(event.source, event.id) for event in events]

    def next_time(self, tenant: str, after: Micros) -> Micros:
        """Return the time of a decision in µs: now, but later than ``after`` and than the tenant's decisions before."""
        at = self._last[tenant] = max(self.now(), self._last.get(tenant, 0) + 1, after + 1)
        return at

    def stamp(
        self, request: DecisionRequest, drafts: Sequence[DecisionDraft], at: Micros | None = None
    ) -> list[StampedEvent]:
        """Return the events that ``append`` would append."""
        ids = self._tenancies[request.tenant].ids
        if at is None:
            at = self.next_time(request.tenant, max(draft.after for draft in drafts))
        several = len(drafts) > 1
        events = []
        for number, each in enumerate(drafts, 1):
            draft = Draft(
                type=each.type,
                id=request.id if number == len(drafts) else f"{request.id}.{number}",
                data=msgspec.structs.replace(each.data, idempotency_key=request.digest),
                subject=each.stream_id.hex(),
                correlationid=each.correlation or (request.id if several else ""),
            )
            source = request.event_name.source
            events.append(stamp(draft, source=source, recorded=at, ids=ids, writer=request.writer, scopes=()))
        return events


async def read_siblings(tx: Tx, tenant: str, name: EventName) -> list[EventName]:
    """Return the events before the last one of a decision of several."""
    siblings: list[EventName] = []
    while True:
        sibling = EventName(name.source, f"{name.id}.{len(siblings) + 1}")
        if await read_event(tx, tenant, event_key(tenant, *sibling)) is None:
            return siblings
        siblings.append(sibling)


def _check_digest(request: DecisionRequest, digest: str) -> None:
    if digest != request.digest:
        raise Refused("idempotency-key-reused", f"The key {request.id!r} was used before for another request.")
