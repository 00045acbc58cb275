"""Map an event broker's records, one or several, and whole trackers: ``records.KINDS`` and ``kinds.IGNORED`` name every
documented kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cx_channels.chat.rasa.kinds import IGNORED, ignored
from cx_channels.chat.rasa.record import encode, record_of
from cx_channels.chat.rasa.records import KINDS, map_action
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_events import strict_json
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

MAX_BYTES = 5 << 20
"""Of one request: a tracker holds a whole conversation."""

_TOLD_BY = frozenset({"event", "events", "recipient_id", "latest_message"})
_LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)
_CALLBACK = "a message of the callback channel has neither an id nor a time; a broker's records have"

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    "callback": f"kept: {_CALLBACK}",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a record, a list of them, or a tracker. Raise ``Refused("malformed")`` for a body that is none."""
    values, written = request.once(_values)
    found: list[Outcome] = []
    for value in values:
        found += _of_value(connection, value, written)
    return sort_outcomes(found)


def _values(request: Request) -> tuple[list[Any], bytes]:
    """For ``Request.once``: what is in a body, and the whole as JSON on one line where it is one value, else b""."""
    try:
        value: Any
        value, written = strict_json.decode_written(request.body, _LIMITS)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    values, written = (value, b"") if isinstance(value, list) else ([value], written)
    if not any(map(_is_ours, values)):
        raise Refused("malformed", "neither a record with event and sender_id, nor a tracker with events")
    return values, written


def _is_ours(value: Any) -> bool:
    return isinstance(value, dict) and not _TOLD_BY.isdisjoint(value)


def _of_value(connection: Connection, value: Any, written: bytes) -> Iterable[Outcome]:
    if not isinstance(value, dict):
        raw = encode([value])
        return (Unmapped(sha256_hex(raw)[:32], "malformed record: not an object", raw),)
    if "event" in value:
        return _of_record(connection, text(value.get("sender_id")), value, written)
    if "recipient_id" in value:
        raw = encode(value)
        return (no_adapter("callback", _CALLBACK, sha256_hex(raw)[:32], raw),)
    return _of_tracker(connection, value)


def _of_tracker(connection: Connection, tracker: Json) -> Iterator[Outcome]:
    """Yield what a tracker's records become, each by its own id: they stand in no order of time."""
    events, sender = tracker.get("events"), text(tracker.get("sender_id"))
    if not isinstance(events, list) or not events:
        yield ignored("no-events")
        return
    for each in events:
        if isinstance(each, dict):
            yield from _of_record(connection, sender, each)
        else:
            raw = encode({"sender_id": sender, "events": [each]})
            yield Unmapped(sha256_hex(raw)[:32], "malformed record: not an object", raw)


def _of_record(connection: Connection, sender: str, event: Json, written: bytes = b"") -> Iterable[Outcome]:
    kind = text(event.get("event"))
    if kind in IGNORED and kind != "action" and sender:
        return (ignored(kind),)
    record = record_of(connection, sender, kind, event, written)
    if not sender:
        return (record.lost("it has no sender_id"),)
    if kind == "action":
        return map_action(record)
    if kind in KINDS:
        return KINDS[kind][0](record)
    return (Unmapped(record.id, f"{UNKNOWN_KIND}: {kind[:64]!r}", record.raw),)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of the records, as ``DOCUMENTED`` names them."""
    found = [text(each.get("event")) for each in request.once(_values)[0] if isinstance(each, dict)]
    named = ["action/handoff" if kind == "action" else kind for kind in found]
    return tuple(kind for kind in named if kind in DOCUMENTED)
