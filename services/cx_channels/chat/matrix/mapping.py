"""Map the transactions of an application service, event by event: a bad one must not hold up those behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cx_channels.chat.matrix.ephemeral import map_ephemeral
from cx_channels.chat.matrix.events import KINDS
from cx_channels.chat.matrix.item import Item, encode, item_of
from cx_channels.chat.matrix.kinds import IGNORED, POLL_ANSWERS, ignored
from cx_channels.chat.matrix.words import extensible_text
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_events import strict_json
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

MAX_BYTES = 16 << 20
"""Of one transaction: Synapse sends 100 events of at most 64 KiB; a refusal would hold up all that follows."""

_LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)
_EPHEMERAL = ("ephemeral", "de.sorunome.msc2409.ephemeral")
_STATE_AS_MESSAGE = frozenset({"m.room.message", "m.sticker", "m.reaction", "m.room.redaction"})

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    "m.receipt": "cx.message.read of a customer",
    "other/body": "cx.message.received, cx.message.sent: a kind that is not known, with words for clients like us",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a transaction. Raise ``Refused("malformed")`` for a body that is none."""
    return sort_outcomes(_outcomes(connection, request.once(_transaction)))


def _transaction(request: Request) -> Json:
    try:
        value = strict_json.decode(request.body, _LIMITS)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if not isinstance(value, dict) or not isinstance(value.get("events"), list):
        raise Refused("malformed", "no transaction: it has no list of events")
    return value


def _outcomes(connection: Connection, value: Json) -> Iterator[Outcome]:
    fleeting = [each for name in _EPHEMERAL for each in objects(value.get(name))]
    if not value["events"] and not fleeting:
        yield ignored("no-events")
    for event in value["events"]:
        if isinstance(event, dict):
            yield from _of_item(item_of(connection, event))
        else:
            raw = encode({"events": [event]})
            yield Unmapped(sha256_hex(raw)[:32], "malformed event: not an object", raw)
    for each in fleeting:
        yield from map_ephemeral(connection, each)


def _of_item(item: Item) -> Iterator[Outcome]:
    kind = _kind_of(item.event)
    if kind in IGNORED:
        yield ignored(kind)
    elif not item.is_whole:
        yield item.lost("it names no sender, no room or no id")
    elif kind in KINDS:
        yield from KINDS[kind][0](item)
    elif kind == "other/body":
        yield from KINDS["m.room.message"][0](item)
    else:
        yield Unmapped(item.event_id[:200], f"{UNKNOWN_KIND}: {item.kind[:64]!r}", item.raw)


def _kind_of(event: Json) -> str:
    """Return the kind as the tables name it. A message with a state key is none."""
    kind = text(event.get("type"))
    if kind.startswith("m.key.verification"):
        return "m.key.verification"
    if "state_key" in event:
        return f"state/{kind}" if kind in _STATE_AS_MESSAGE else kind
    if kind in POLL_ANSWERS:
        return "m.poll.response"
    if kind in KINDS or kind in IGNORED:
        return kind
    content = obj(event.get("content"))
    return "other/body" if text(content.get("body")) or extensible_text(content) else kind


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a transaction's events, as ``DOCUMENTED`` names them."""
    value: Any = request.once(_transaction)
    found = [_kind_of(each) for each in objects(value["events"])]
    found += [text(each.get("type")) for name in _EPHEMERAL for each in objects(value.get(name))]
    return tuple(kind for kind in found if kind in DOCUMENTED)
