"""Why a value is as it is, and what changed between two moments: ``GET .../lineage`` and ``GET .../diff``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from cx_context.document import context_body
from cx_context.explain.counterfactual import CustomerHistory, WorkLimitExceeded
from cx_context.explain.diff import ValueChange, diff_contexts
from cx_context.explain.json_pointer import MISSING, Path, find_value, parse_pointer, pointer_of
from cx_context.explain.lineage import ValueSources, explain_value
from cx_context.explain.provenance import provenance_of
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store import Store
from cx_context.store.as_of import NO_BOUNDS, Snapshot, TimeBounds
from cx_context.store.leases import read_current_to
from cx_context.store.sql import Tx
from cx_context.store.versions import version_of
from cx_context_api.contexts.sources import (
    NAMES_CONVERSATION,
    Source,
    event_view,
    read_identity_sources,
    read_ownership,
)
from cx_context_api.reads.deadline import within
from cx_context_api.reads.meta import current_meta, past_meta
from cx_context_api.reads.point_in_time import PAST_READ_SECONDS, find_customer_then, snapshot_at, unknown_customer
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.cursors import At, decode_cursor, encode_cursor
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json

MOST_EVENTS = 20_000
"""Of one customer; the lineage of more is not worked out, but for what names its events itself."""

MOST_WINDOW = 200
"""Events between two moments that are tried as causes, and told."""

MOST_PATH = 4_000
_LINEAGE = "lineage"

SourceKey = tuple[At, At, str, str]
"""(effective time, recorded time, source, id): of a source among the others, newest first."""

Answer = TypeVar("Answer")


def path_of(text: str | None) -> Path:
    """``Refused("bad-path", 400)``."""
    if text is None or len(text) > MOST_PATH:
        raise Refused("bad-path", f"path: a JSON Pointer of at most {MOST_PATH} characters is expected", 400)
    try:
        return parse_pointer(text)
    except ValueError as error:
        raise Refused("bad-path", f"path: {error}", 400) from None


class Lineages:
    """``most_events``: of one customer, above which a lineage is not worked out."""

    def __init__(self, store: Store, reading: ReadTurns, *, most_events: int = MOST_EVENTS) -> None:
        self._store = store
        self._most = most_events
        self._heavy = reading.heavy

    async def lineage(
        self, tenancy: Tenancy, node: NodeId, path: Path, moment: TimeBounds | None, cursor: str | None, limit: int
    ) -> Json:
        """``Refused``: ``unknown-customer``, ``unknown-path`` (404), ``history-too-long`` (422)."""
        before: SourceKey | None = decode_cursor(cursor, _LINEAGE, SourceKey) if cursor is not None else None

        async def read(tx: Tx) -> Json:
            then = snapshot_at(tx, tenancy, moment or NO_BOUNDS)
            customer = await _whose(then, node, moment)
            known = await then.load(customer)
            body = await asyncio.to_thread(context_body, known, tenancy.window)
            value, at = _found(body, path)
            facts = await self._facts(then, known, at)
            work = CustomerHistory(known, facts, tenancy.window)
            behind = await asyncio.to_thread(_sources, work, at)
            feed = behind.feed
            told = [Source(fact, NAMES_CONVERSATION if fact.key in behind.naming else None) for fact in behind.facts]
            if feed.identity:
                told += await read_identity_sources(then, known, at, {source.fact.key for source in told})
            told.sort(key=lambda source: source.place, reverse=True)
            rest = [source for source in told if before is None or source.place < tuple(before)]
            return {
                "meta": await _meta(tx, customer, moment),
                "customer": text_of(customer),
                "path": pointer_of(at),
                "value": value,
                "rule": feed.rule,
                "sources": [event_view(source) for source in rest[:limit]],
                "next": encode_cursor(_LINEAGE, rest[limit - 1].place) if len(rest) > limit else None,
            }

        return await self._reading(tenancy, read)

    async def diff(self, tenancy: Tenancy, node: NodeId, one: TimeBounds, other: TimeBounds) -> Json:
        """``Refused``: ``unknown-customer`` (404), ``history-too-long`` (422)."""

        async def read(tx: Tx) -> Json:
            earlier, later = snapshot_at(tx, tenancy, one), snapshot_at(tx, tenancy, other)
            was = await earlier.load(await find_customer_then(earlier, node))
            now = await later.load(await find_customer_then(later, node))
            own = await read_ownership(later, now)
            facts = await self._facts(later, now, ("counts",))
            window = sorted((fact for fact in facts if not one.holds(fact)), key=lambda fact: fact.order, reverse=True)
            before = await read_ownership(earlier, was)
            moved = own.places ^ before.places
            moved -= _places(window) - _places(fact for fact in facts if one.holds(fact))
            profiles = {member.id for known in (was, now) for member in known.members}
            decided = await later.identity_events(profiles, own.nodes | before.nodes, one, MOST_WINDOW)
            history = CustomerHistory(now, facts, tenancy.window)
            found = await asyncio.to_thread(_differences, was, history, window[:MOST_WINDOW], moved)
            told = {fact.key: fact for fact in (*window, *decided)}
            events = sorted(told.values(), key=lambda fact: fact.order, reverse=True)
            changes = []
            for change in found:
                unexplained = not change.facts and not change.moved and provenance_of(change.path).identity
                behind = await read_identity_sources(later, now, change.path, ()) if unexplained else []
                changes.append(_change(change, decided, [each for each in behind if not one.holds(each.fact)]))
            return {
                "from": {**past_meta(one), "customer": text_of(was.customer)},
                "to": {**past_meta(other), "customer": text_of(now.customer)},
                "changes": changes,
                "events": [event_view(Source(fact)) for fact in events[:MOST_WINDOW]],
                "cut": len(window) > MOST_WINDOW or len(events) > MOST_WINDOW,
            }

        return await self._reading(tenancy, read)

    async def _facts(self, then: Snapshot, known: CustomerFacts, path: Path) -> Sequence[Fact]:
        if path and path[0] == "timeline":
            return list(known.latest)
        facts = await then.facts(await read_ownership(then, known), self._most)
        if facts is None:
            detail = f"this customer has more than {self._most} events; this is not worked out for so many"
            raise Refused("history-too-long", detail)
        return facts

    async def _reading(self, tenancy: Tenancy, read: Callable[[Tx], Awaitable[Answer]]) -> Answer:
        """Few at a time: each may take a processor for seconds."""

        async def asked() -> Answer:
            async with self._heavy.turn(tenancy.ids.tenant), self._store.reading() as tx:
                return await read(tx)

        return await within(asked(), seconds=PAST_READ_SECONDS)


async def _whose(then: Snapshot, node: NodeId, moment: TimeBounds | None) -> NodeId:
    if moment is not None:
        return await find_customer_then(then, node)
    customer = await then.find_node(node)
    if customer is None:
        raise unknown_customer()
    return customer


async def _meta(tx: Tx, customer: NodeId, moment: TimeBounds | None) -> Json:
    if moment is not None:
        return past_meta(moment)
    return current_meta(await version_of(tx, customer), await read_current_to(tx))


def _places(facts: Iterable[Fact]) -> set[NodeId]:
    return {place for fact in facts for place in (fact.stream_id, fact.part_id)}


def _found(body: Json, path: Path) -> tuple[Any, Path]:
    """The value, and its path with items by their keys. A conversation answers by any alias."""
    if len(path) > 1 and path[0] == "conversations":
        named = next((each["id"] for each in body["conversations"] if path[1] in each["aliases"]), path[1])
        path = (path[0], named, *path[2:])
    value, reached = find_value(body, path)
    if value is MISSING:
        deepest = pointer_of(reached) or "the whole document"
        raise Refused("unknown-path", f"there is nothing at {pointer_of(path)[:200]}; what exists is {deepest}", 404)
    return value, reached


def _sources(history: CustomerHistory, path: Path) -> ValueSources:
    try:
        return explain_value(history, path)
    except WorkLimitExceeded:
        raise _too_much() from None


def _differences(
    was: CustomerFacts, history: CustomerHistory, window: Sequence[Fact], moved: Iterable[NodeId]
) -> list[ValueChange]:
    try:
        return diff_contexts(was, history, window, set(moved))
    except WorkLimitExceeded:
        raise _too_much() from None


def _too_much() -> Refused:
    return Refused("history-too-long", "this customer has too many contacts for this to be worked out")


def _change(change: ValueChange, decided: Sequence[Fact], of_identity: Sequence[Source]) -> Json:
    """``from`` or ``to`` is left out where there is nothing: null is a value, too."""
    facts = [Source(fact) for fact in change.facts]
    facts += sorted(of_identity, key=lambda source: source.place, reverse=True)
    facts += [Source(fact, "who is who") for fact in decided if change.moved and fact not in change.facts]
    told: Json = {"path": pointer_of(change.path)}
    if change.was is not MISSING:
        told["from"] = change.was
    if change.now is not MISSING:
        told["to"] = change.now
    return {**told, "events": [event_view(source) for source in facts]}
