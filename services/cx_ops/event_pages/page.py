"""Put the page of one event together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from cx_context.fold_faults import is_left_out
from cx_context.store import Store, dead_letters
from cx_context.store.dead_letters import LetterFilter
from cx_context.store.events import read_event, read_other_copies
from cx_events.codec import decode_leniently
from cx_events.envelope import Event
from cx_events.errors import Refused
from cx_events.facts import Fact, connection_source
from cx_events.ids import IdSpace, event_key, text_of
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.timestamps import Micros, format_time
from cx_ops.event_pages.changes import read_changes
from cx_ops.event_pages.log_positions import EventPlace, find_place

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2."""


class EventPageTenant(NamedTuple):
    """One tenant. ``window``: its threading window in µs. ``connections``: the provider of each, by name."""

    ids: IdSpace
    window: Micros
    connections: Mapping[str, str]


async def event_page(log: Log, store: Store, tenant: EventPageTenant, source: str, id: str) -> Json:
    """Return the page of an event that was applied. Raises ``Refused("unknown-event", 404)``; ``TryLater``."""
    ids = tenant.ids
    key = event_key(ids.tenant, source, id)
    async with store.reading() as tx:
        stored = await read_event(tx, ids.tenant, key)
        if stored is None:
            raise Refused("unknown-event", f"there is no event {source[:200]}#{id[:200]} here (yet)", 404)
        event, _ = decode_leniently(stored.raw)
        fact = Fact(event, stored.raw, ids)
        changes = await read_changes(tx, fact, ids, tenant.window, left_out=is_left_out(stored.problem))
        others = (await read_other_copies(tx, [fact.key])).get(fact.key, [])
        letters = await dead_letters.listed(tx, LetterFilter((ids.tenant,), source=source, id=id))
    place = await find_place(log, event.partitionkey.encode(), stored.raw, fact.recorded)
    return {
        "source": source,
        "id": id,
        "envelope": _envelope(event),
        "raw": stored.raw.decode(),
        "bytes": len(stored.raw),
        "origin": _origin(event, tenant),
        "place": _shown_place(place),
        "trace_id": trace_id_of(place.traceparent if place is not None else "") or trace_id_of(event.traceparent),
        "effective": format_time(fact.effective),
        "recorded": format_time(fact.recorded),
        "problem": stored.problem,
        "part": text_of(fact.part_id),
        "changes": changes,
        "other_copies": [{"recorded": format_time(at), "raw": raw.decode()} for at, raw in others if raw != stored.raw],
        "dead_letters": [{"stage": each.stage, "reason": each.reason, "detail": each.detail} for each in letters],
    }


def _envelope(event: Event) -> Json:
    """Return the attributes that are set, without ``data``."""
    attributes: dict[str, Any] = {name: getattr(event, name) for name in event.__struct_fields__ if name != "data"}
    return {name: value for name, value in attributes.items() if value is not msgspec.UNSET and value != ""}


def _origin(event: Event, tenant: EventPageTenant) -> Json:
    """Return who sent an event: a key, a connection with its provider, or the hub itself."""
    kind, _, name = event.writer.partition("/")
    if kind == "key":
        return {"writer": event.writer, "key": name}
    ours = connection_source(event.tenantid, "")
    connection = (
        name if kind == "connection" else event.source.removeprefix(ours) if event.source.startswith(ours) else ""
    )
    if connection:
        return {
            "writer": event.writer or None,
            "connection": connection,
            "provider": tenant.connections.get(connection),
        }
    return {"writer": event.writer or None}


def _shown_place(place: EventPlace | None) -> Json | None:
    if place is None:
        return None
    shown = {name: value for name, value in place._asdict().items() if name != "traceparent"}
    return {**shown, "stored": format_time(place.stored * 1000)}


def trace_id_of(traceparent: str) -> str | None:
    """Return the trace id in a ``traceparent``, None where there is none."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1] if match is not None else None
