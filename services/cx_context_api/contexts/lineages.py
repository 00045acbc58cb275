"""Explain a value of the context by the events behind it: ``GET .../lineage``."""

from __future__ import annotations

import asyncio
from typing import Any

from cx_context.document import context_body
from cx_context.explain.counterfactual import CustomerHistory, WorkLimitExceeded
from cx_context.explain.json_pointer import MISSING, Path, find_value, parse_pointer, pointer_of
from cx_context.explain.lineage import ValueSources, explain_value
from cx_context.store.customer_lookup import find_node
from cx_context.store.offsets import read_current_to
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import NO_BOUNDS, TimeBounds
from cx_context.store.versions import version_of
from cx_context_api.contexts.value_sources import (
    HistoryReader,
    Source,
    read_identity_sources,
    source_view,
    work_limit_refusal,
)
from cx_context_api.reads.meta import current_meta, past_meta
from cx_context_api.reads.point_in_time import find_customer_then, snapshot_at, unknown_customer
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_runtime.cursors import CursorTime, decode_cursor, encode_cursor

MAX_PATH = 4_000
_LINEAGE = "lineage"
_NAMES_CONVERSATION = "the conversation's id comes from it"

SourceKey = tuple[CursorTime, CursorTime, str, str]
"""(effective time, recorded time, source, id): a source's position in the list, newest first."""


def read_path(text: str | None) -> Path:
    """Parse a JSON Pointer. Raises ``Refused("bad-path", 400)``."""
    if text is None or len(text) > MAX_PATH:
        raise Refused("bad-path", f"path: expected a JSON Pointer of at most {MAX_PATH} characters.", 400)
    try:
        return parse_pointer(text)
    except ValueError as error:
        raise Refused("bad-path", f"path: {error}", 400) from None


class Lineages:
    """Explains values of all tenants' contexts."""

    def __init__(self, history: HistoryReader) -> None:
        self._history = history

    async def lineage(
        self, tenancy: Tenancy, node: NodeId, path: Path, bounds: TimeBounds | None, cursor: str | None, limit: int
    ) -> Json:
        """Return the value at a path, its rule and a page of its sources, newest first.

        Raises ``Refused``: ``unknown-customer``, ``unknown-path`` (404), ``history-too-long`` (422).
        """
        before: SourceKey | None = decode_cursor(cursor, _LINEAGE, SourceKey) if cursor is not None else None

        async def read(tx: Tx) -> Json:
            snapshot = snapshot_at(tx, tenancy, bounds or NO_BOUNDS)
            customer = await _find_customer(snapshot, node, bounds)
            facts = await snapshot.load(customer)
            body = await asyncio.to_thread(context_body, facts, tenancy.window)
            value, value_path = _find_in_body(body, path)
            events = await self._history.read_facts(snapshot, facts, value_path)
            history = CustomerHistory(facts, events, tenancy.window)
            behind = await asyncio.to_thread(_explain, history, value_path)
            provenance = behind.feed
            sources = [
                Source(fact, _NAMES_CONVERSATION if fact.key in behind.naming else None) for fact in behind.facts
            ]
            if provenance.identity:
                exclude = {source.fact.key for source in sources}
                sources += await read_identity_sources(snapshot, facts, value_path, exclude)
            sources.sort(key=lambda source: source.sort_key, reverse=True)
            page = [source for source in sources if before is None or source.sort_key < tuple(before)]
            return {
                "meta": await _read_meta(tx, customer, bounds),
                "customer": text_of(customer),
                "path": pointer_of(value_path),
                "value": value,
                "rule": provenance.rule,
                "sources": [source_view(source) for source in page[:limit]],
                "next": encode_cursor(_LINEAGE, page[limit - 1].sort_key) if len(page) > limit else None,
            }

        return await self._history.run(tenancy.ids.tenant, read)


async def _find_customer(snapshot: Snapshot, node: NodeId, bounds: TimeBounds | None) -> NodeId:
    if bounds is not None:
        return await find_customer_then(snapshot, node)
    found = await find_node(snapshot, node)
    if found is None:
        raise unknown_customer()
    return found.customer


async def _read_meta(tx: Tx, customer: NodeId, bounds: TimeBounds | None) -> Json:
    if bounds is not None:
        return past_meta(bounds)
    return current_meta(await version_of(tx, customer), await read_current_to(tx))


def _find_in_body(body: Json, path: Path) -> tuple[Any, Path]:
    """Return the value, and its path with list items by their keys. A conversation may be named by any alias."""
    if len(path) > 1 and path[0] == "conversations":
        id = next((each["id"] for each in body["conversations"] if path[1] in each["aliases"]), path[1])
        path = (path[0], id, *path[2:])
    value, reached = find_value(body, path)
    if value is MISSING:
        deepest = pointer_of(reached) or "the whole document"
        detail = f"There is nothing at {pointer_of(path)[:200]}; the deepest existing path is {deepest}."
        raise Refused("unknown-path", detail, 404)
    return value, reached


def _explain(history: CustomerHistory, path: Path) -> ValueSources:
    try:
        return explain_value(history, path)
    except WorkLimitExceeded:
        raise work_limit_refusal() from None
