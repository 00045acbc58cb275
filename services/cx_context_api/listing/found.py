"""Show what search found, and where the words stand in it: as ranges of characters, so nothing is marked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cx_context.directory_names import named_data
from cx_context.listing.customers import matching
from cx_context.listing.said import text_of_event
from cx_context.listing.words import Range, excerpt, highlights
from cx_context.parts.speakers import author, name_of_role
from cx_context.parts.values import TEXT_KEPT
from cx_context.store.searching import FoundCustomer, FoundEvent
from cx_context_api.listing.views import time_or_none
from cx_events.codec import decode_leniently
from cx_events.directory import Directory
from cx_events.facts import replace_nul
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time

MATCHES_SHOWN = 10


def customer_view(found: FoundCustomer, words: Sequence[str]) -> Json:
    """Return a customer, and the values in which the words stand."""
    shown = found.shown
    return {
        "customer": text_of(found.customer),
        "display": shown.display,
        "display_weight": shown.weight,
        "matches": [
            {"kind": value.kind, "value": value.value, "ranges": _ranges(ranges)}
            for value, ranges in matching(shown, words)[:MATCHES_SHOWN]
        ],
        "last_at": time_or_none(found.last or None),
        "open": shown.open,
        "waiting_since": time_or_none(shown.waiting),
    }


def said_view(found: FoundEvent, words: Sequence[str], directory: Directory) -> Json:
    """Return what was said: the event, whose it is today, and the part of its text in which the words stand."""
    event = replace_nul(decode_leniently(found.raw)[0], found.raw)
    data = named_data(event, directory)
    role = author(event.type, data)
    counting = event
    if found.text_raw is not found.raw:
        counting = replace_nul(decode_leniently(found.text_raw)[0], found.text_raw)
    text = text_of_event(counting)
    ranges = highlights(text, words, beginnings=False)
    part, start = excerpt(text, ranges, TEXT_KEPT)
    inside = [Range(max(one.start - start, 0), min(one.end - start, len(part))) for one in ranges]
    return {
        "customer": text_of(found.customer),
        "event": {"source": event.source, "id": event.id},
        "type": event.type,
        "time": format_time(found.effective),
        "channel": data.channel,
        "interaction": data.interaction or None,
        "direction": data.direction,
        "role": role,
        "name": name_of_role(data, role) or None if role is not None else None,
        "text": part,
        "ranges": _ranges(one for one in inside if one.start < one.end),
        "cut": len(part) < len(text),
        "edited": counting is not event,
    }


def _ranges(ranges: Iterable[Range]) -> list[list[int]]:
    return [[one.start, one.end] for one in ranges]
