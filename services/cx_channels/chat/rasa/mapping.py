"""Map an event broker's records, one or several, and whole trackers: ``records.KINDS`` and ``kinds.IGNORED`` name every
documented kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    return sort_outcomes(each for value in request.once(_values) for each in _of_value(connection, value))


def _values(request: Request) -> list[Any]:
    try:
        value: Any = strict_json.decode(request.body, _LIMITS)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    values = value if isinstance(value, list) else [value]
    if not any(map(_is_ours, values)):
        raise Refused("malformed", "neither a record with event and sender_id, nor a tracker with events")
    return values


def _is_ours(value: Any) -> bool:
    return isinstance(value, dict) and not _TOLD_BY.isdisjoint(value)


def _of_value(connection: Connection, value: Any) -> Iterator[Outcome]:
    if not isinstance(value, dict):
        raw = encode([value])
        yield Unmapped(sha256_hex(raw)[:32], "malformed record: not an object", raw)
    elif "event" in value:
        yield from _of_record(connection, text(value.get("sender_id")), value)
    elif "recipient_id" in value:
        raw = encode(value)
        yield no_adapter("callback", _CALLBACK, sha256_hex(raw)[:32], raw)
    else:
        yield from _of_tracker(connection, value)


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


def _of_record(connection: Connection, sender: str, event: Json) -> Iterator[Outcome]:
    kind = text(event.get("event"))
    if kind in IGNORED and kind != "action" and sender:
        yield ignored(kind)
        return
    record = record_of(connection, sender, event)
    if not sender:
        yield record.lost("it has no sender_id")
    elif kind == "action":
        yield from map_action(record)
    elif kind in KINDS:
        yield from KINDS[kind][0](record)
    else:
        yield Unmapped(record.id, f"{UNKNOWN_KIND}: {kind[:64]!r}", record.raw)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of the records, as ``DOCUMENTED`` names them."""
    found = [text(each.get("event")) for each in request.once(_values) if isinstance(each, dict)]
    named = ["action/handoff" if kind == "action" else kind for kind in found]
    return tuple(kind for kind in named if kind in DOCUMENTED)
