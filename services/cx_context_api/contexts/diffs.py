"""Compare the context at two moments, and name the events behind each change: ``GET .../diff``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from cx_context.explain.counterfactual import CustomerHistory, WorkLimitExceeded
from cx_context.explain.diff import ValueChange, diff_contexts
from cx_context.explain.json_pointer import MISSING, pointer_of
from cx_context.explain.source_fields import provenance_of
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import TimeBounds
from cx_context_api.contexts.value_sources import (
    HistoryReader,
    Source,
    read_identity_sources,
    read_ownership,
    source_view,
    work_limit_refusal,
)
from cx_context_api.reads.meta import past_meta
from cx_context_api.reads.point_in_time import find_customer_then, snapshot_at
from cx_context_api.requests.tenancy import Tenancy
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json

MAX_EVENTS_BETWEEN = 200
"""Events between two moments that are tried as causes and listed."""


class Diffs:
    """Compares contexts of all tenants."""

    def __init__(self, history: HistoryReader) -> None:
        self._history = history

    async def diff(self, tenancy: Tenancy, node: NodeId, start: TimeBounds, end: TimeBounds) -> Json:
        """Return the values that differ between two moments, and the events between them, newest first.

        Raises ``Refused``: ``unknown-customer`` (404), ``history-too-long`` (422).
        """

        async def read(tx: Tx) -> Json:
            earlier, later = snapshot_at(tx, tenancy, start), snapshot_at(tx, tenancy, end)
            was = await earlier.load(await find_customer_then(earlier, node))
            now = await later.load(await find_customer_then(later, node))
            facts = await self._history.read_facts(later, now, ("counts",))
            between = sorted(
                (fact for fact in facts if not start.holds(fact)), key=lambda fact: fact.order, reverse=True
            )
            before = (fact for fact in facts if start.holds(fact))
            moved, decisions = await _read_moves(earlier, later, was, now, before, between)
            history = CustomerHistory(now, facts, tenancy.window)
            found = await asyncio.to_thread(_diff, was, history, between[:MAX_EVENTS_BETWEEN], moved)
            by_key = {fact.key: fact for fact in (*between, *decisions)}
            events = sorted(by_key.values(), key=lambda fact: fact.order, reverse=True)
            return {
                "from": {**past_meta(start), "customer": text_of(was.customer)},
                "to": {**past_meta(end), "customer": text_of(now.customer)},
                "changes": [await _change(later, now, start, change, decisions) for change in found],
                "events": [source_view(Source(fact)) for fact in events[:MAX_EVENTS_BETWEEN]],
                "cut": len(between) > MAX_EVENTS_BETWEEN or len(events) > MAX_EVENTS_BETWEEN,
            }

        return await self._history.run(tenancy.ids.tenant, read)


async def _read_moves(
    earlier: Snapshot,
    later: Snapshot,
    was: CustomerFacts,
    now: CustomerFacts,
    before: Iterable[Fact],
    between: Sequence[Fact],
) -> tuple[set[NodeId], Sequence[Fact]]:
    """Return the streams and parts that changed their owner, and the identity decisions between the moments."""
    new, old = await read_ownership(later, now), await read_ownership(earlier, was)
    moved = set(new.places ^ old.places) - (_places(between) - _places(before))
    profiles = {member.id for customer in (was, now) for member in customer.members}
    decisions = await later.identity_events(profiles, new.nodes | old.nodes, earlier.bounds, MAX_EVENTS_BETWEEN)
    return moved, decisions


def _places(facts: Iterable[Fact]) -> set[NodeId]:
    return {place for fact in facts for place in (fact.stream_id, fact.part_id)}


def _diff(
    was: CustomerFacts, history: CustomerHistory, between: Sequence[Fact], moved: set[NodeId]
) -> list[ValueChange]:
    try:
        return diff_contexts(was, history, between, moved)
    except WorkLimitExceeded:
        raise work_limit_refusal() from None


async def _change(
    later: Snapshot, now: CustomerFacts, start: TimeBounds, change: ValueChange, decisions: Sequence[Fact]
) -> Json:
    """Show one change. ``from`` or ``to`` is left out where there is no value: null is a value, too."""
    sources = [Source(fact) for fact in change.facts]
    if not change.facts and not change.moved and provenance_of(change.path).identity:
        identity = await read_identity_sources(later, now, change.path, ())
        recent = [source for source in identity if not start.holds(source.fact)]
        sources += sorted(recent, key=lambda source: source.sort_key, reverse=True)
    if change.moved:
        sources += [Source(fact, "who is who") for fact in decisions if fact not in change.facts]
    view: Json = {"path": pointer_of(change.path)}
    if change.was is not MISSING:
        view["from"] = change.was
    if change.now is not MISSING:
        view["to"] = change.now
    return {**view, "events": [source_view(source) for source in sources]}
