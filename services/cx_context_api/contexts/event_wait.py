"""Wait until events are applied: ``at_least`` and ``wait`` of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from cx_context.store import Store
from cx_context.store.batch_loader import BatchLoader
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_index import CustomerEntry, CustomerIndex
from cx_context.store.customer_lookup import find_at
from cx_context.store.dead_letters import read_reason
from cx_context.store.events import AppliedEvent, StoredEvent, read_applied, read_event
from cx_context.store.members import customers_of
from cx_context.store.sql import Tx
from cx_context_api.contexts.lookup import CustomerLookup
from cx_context_api.reads.point_in_time import unknown_customer
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.targets import ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId, event_key
from cx_identity.evidence import links_of
from cx_runtime.answer_deadline import within

_FIRST_PAUSE = 0.004
"""Seconds before the first repetition: an event that was accepted just now is never applied sooner."""

_NEXT_PAUSE = 0.0015
_LONGEST_PAUSE = 0.02
_PAUSE_GROWTH = 1.25
_FULL_CHECK_SECONDS = 0.25
_MAX_KEYS = 1_000


class EventWait:
    """Waits for events by polling the store; all who wait share one short statement."""

    def __init__(
        self,
        store: Store,
        tenancies: Mapping[str, Tenancy],
        index: CustomerIndex,
        lookup: CustomerLookup,
        turns: ReadTurns,
    ) -> None:
        self._store = store
        self._tenancies = tenancies
        self._index = index
        self._lookup = lookup
        self._pages = turns.pages
        self._applied = BatchLoader(self._read_applied, most=_MAX_KEYS)

    async def stop(self) -> None:
        """Stop loading."""
        await self._applied.stop()

    async def wait_for(
        self, tenant: str, target: Target, at_least: Sequence[EventName], seconds: float
    ) -> CustomerEntry:
        """Return the entry of the target's customer once all these events are applied.

        The short statement is repeated until it finds all events. The full check, several statements, runs only if the
        short one leaves a doubt, every ``_FULL_CHECK_SECONDS`` (a dead letter shows only there), and at the end.

        Raises ``Refused``: ``unknown-customer`` (404), ``not-yet`` (504), ``dead-lettered``, ``other-customer`` (409).
        """
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        keys = [(tenant, event_key(tenant, *name)) for name in at_least]
        full_check_at = clock() + _FULL_CHECK_SECONDS
        pause = _FIRST_PAUSE
        while True:
            loaded = [await self._applied.of(key) for key in keys]
            applied = [event for event in loaded if event is not None]
            complete = len(applied) == len(keys)
            now = clock()
            if complete or now >= min(full_check_at, until):
                entry = await self._quick_check(tenant, target, applied) if complete and applied else None
                entry = entry or await within(self._full_check(tenant, target, at_least))
                if entry is not None:
                    return entry
                full_check_at = clock() + _FULL_CHECK_SECONDS
            if now >= until:
                break
            await asyncio.sleep(min(pause, max(until - clock(), 0)))
            pause = _NEXT_PAUSE if pause == _FIRST_PAUSE else min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
        if not at_least:
            raise unknown_customer()
        raise Refused("not-yet", f"Not every event of at_least was applied within {seconds:g} s; ask again.", 504)

    async def _read_applied(self, keys: list[tuple[str, bytes]]) -> dict[tuple[str, bytes], AppliedEvent]:
        async with self._store.asking() as tx:
            stored = await read_applied(tx, [key for _, key in keys])
        return {(tenant, key): stored[key] for tenant, key in keys if key in stored}

    async def _quick_check(self, tenant: str, target: Target, events: Sequence[AppliedEvent]) -> CustomerEntry | None:
        """Return the target's entry if all events lie in streams of that customer, as nearly always; else None."""
        if any(event.is_problem for event in events):
            return None
        stream_ids = {event.stream_id for event in events}.difference(_only_profile(target))
        others: Sequence[CustomerEntry | None] = ()
        if stream_ids:
            entry, *others = await asyncio.gather(
                self._lookup.find_by_profile(tenant, target),
                *(self._index.of(tenant, stream_id) for stream_id in stream_ids),
            )
        else:  # mostly it is asked for by what the event names
            entry = await self._lookup.find_by_profile(tenant, target)
        if entry is None or entry.ambiguous:
            return None
        same = all(other is not None and not other.ambiguous and other.customer == entry.customer for other in others)
        return entry if same else None

    async def _full_check(self, tenant: str, target: Target, at_least: Sequence[EventName]) -> CustomerEntry | None:
        """Return the target's entry; None while an event is missing or, if none is asked for, the customer is."""
        ids = self._tenancies[tenant].ids
        async with self._pages.turn(tenant), self._store.reading() as tx:
            stored = [await _read_usable(tx, tenant, name) for name in at_least]
            if None in stored:
                return None
            entry = await self._lookup.find_in(tx, tenant, target)
            if entry is None:
                if at_least:
                    raise unknown_customer()
                return None
            for name, event in zip(at_least, stored, strict=True):
                assert event is not None
                if not await _concerns(tx, tenant, ids, event, entry.customer):
                    raise Refused("other-customer", f"The event {name} is another customer's.", 409)
            return entry


def _only_profile(target: Target) -> Sequence[NodeId]:
    """Return the profile of an identifier that has one form alone."""
    return target.profiles if isinstance(target, ByIdentifier) and len(target.profiles) == 1 else ()


async def _read_usable(tx: Tx, tenant: str, name: EventName) -> StoredEvent | None:
    """Return a stored event, None if it is not there yet. Raises ``Refused("dead-lettered", 409)``."""
    stored = await read_event(tx, tenant, event_key(tenant, *name))
    reason = stored.problem if stored is not None else await read_reason(tx, tenant, *name)
    if reason is not None:
        raise Refused("dead-lettered", f"The event {name} is in the dead letters: {reason}"[:2000], 409)
    return stored


async def _concerns(tx: Tx, tenant: str, ids: IdSpace, event: StoredEvent, customer: NodeId) -> bool:
    """Return whether an event is the customer's, names one of their profiles, or happened to no customer, as a
    decision about identity."""
    if event.stream_id in ids.nobodys_nodes():
        return True
    fact = Fact(decode_leniently(event.raw)[0], event.raw, ids)
    match = await find_at(CurrentGraph(tx, tenant), event.stream_id, fact.interaction_node)
    if match is not None and match.customer == customer:
        return True
    linked = links_of(fact, ids).profiles
    return customer in (await customers_of(tx, tenant, [profile.id for profile in linked])).values()
