"""Map LINE's deliveries, event by event: ``messages.KINDS`` and ``kinds.IGNORED`` name every documented kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, read_object, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.settings import texts_of
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.social.line.item import Item, item_of, kind_of
from cx_channels.social.line.kinds import IGNORED
from cx_channels.social.line.messages import KINDS
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}

_SAMPLE_USER = "Udeadbeef"
_SAMPLE_TOKENS = frozenset({"0" * 32, "f" * 32})
"""What the console's Verify button sends (github.com/line/line-bot-sdk-python, issue 37)."""


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map all events of a delivery, in order. Raise ``Refused("malformed")`` for a body that is no delivery."""
    return sort_outcomes(_outcomes(request.once(_delivery), connection))


def _delivery(request: Request) -> Json:
    value = read_object(request.body)
    if not isinstance(value.get("events"), list):
        raise Refused("malformed", "the delivery has no list of events")
    return value


def _outcomes(delivery: Json, connection: Connection) -> Iterator[Outcome]:
    destination = text(delivery.get("destination"))
    ours = connection.once(_destinations)
    if not delivery["events"]:
        yield Ignored("no-events", IGNORED["no-events"])
    for event in delivery["events"]:
        if not isinstance(event, dict):
            raw = msgspec.json.encode({"events": [event]})
            yield Unmapped(sha256_hex(raw)[:32], "malformed event: not an object", raw)
        elif ours and destination not in ours:
            yield Ignored("other-account", IGNORED["other-account"])
        else:
            yield from _of_item(item_of(connection, destination, event))


def _destinations(connection: Connection) -> frozenset[str]:
    return frozenset(texts_of(connection.settings, "destinations"))


def _of_item(item: Item) -> Iterator[Outcome]:
    kind = item.kind
    if item.user.startswith(_SAMPLE_USER) or text(item.event.get("replyToken")) in _SAMPLE_TOKENS:
        yield Ignored("verify-sample", IGNORED["verify-sample"])
    elif kind in KINDS:
        yield from KINDS[kind][0](item)
    elif kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
    else:
        yield Unmapped(item.own_id(), f"{UNKNOWN_KIND}: {kind[:64]!r}", item.raw)


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a delivery's events, as ``DOCUMENTED`` names them."""
    found = [kind_of(obj(each)) for each in request.once(_delivery)["events"]]
    return tuple(kind for kind in found if kind in DOCUMENTED)
