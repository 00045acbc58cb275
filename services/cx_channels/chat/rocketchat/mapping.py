"""Map Rocket.Chat's posts: Omnichannel's webhook by ``type``, and outgoing integrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.chat.rocketchat import integration
from cx_channels.chat.rocketchat.kinds import IGNORED, KEPT, ignored
from cx_channels.chat.rocketchat.livechat import KINDS
from cx_channels.chat.rocketchat.room import Room, encode, room_of
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_events import strict_json
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

MAX_BYTES = 5 << 20
"""Of one request: a closed room comes with all that was said in it."""

_LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)
_EXAMPLE = "fasd6f5a4sd6f8a4sdf"
"""The room of the example that the settings' button sends."""
_WITHOUT_ROOM = "LivechatOfflineMessage"

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **integration.KINDS,
    **{kind: f"kept: {why}" for kind, why in KEPT.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request. Raise ``Refused("malformed")`` for a body that is none of Rocket.Chat's."""
    return sort_outcomes(_outcomes(room_of(connection, request.once(_body))))


def _body(request: Request) -> Json:
    try:
        value = strict_json.decode(request.body, _LIMITS)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if not isinstance(value, dict) or not {"type", "channel_id", "user", "room"} & value.keys():
        raise Refused("malformed", "neither a notice of a room with its type, nor a message of an integration")
    return value


def kind_of(value: Json) -> str:
    """Return the kind as the tables name it."""
    if "ticketID" in value:
        return "app/rapidpro"
    if "urn" in obj(value.get("user")):
        return "app/courier"
    return text(value.get("type")) if "type" in value else "integration/message"


def _outcomes(room: Room) -> Iterator[Outcome]:
    kind, value = kind_of(room.value), room.value
    if kind in KEPT:
        raw = encode(value)
        yield no_adapter(kind, KEPT[kind], sha256_hex(raw)[:32], raw)
    elif kind == "integration/message":
        yield from integration.map_integration(room.connection, value)
    elif kind not in KINDS:
        lost = room.lost("")
        yield Unmapped(lost.id, f"{UNKNOWN_KIND}: {kind[:64]!r}", lost.original)
    elif text(value.get("_id")) == _EXAMPLE:
        yield ignored("test")
    elif not room.id and kind != _WITHOUT_ROOM:
        yield room.lost("it names no room")
    else:
        yield from KINDS[kind][0](room)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a request, if ``DOCUMENTED`` names it."""
    kind = kind_of(request.once(_body))
    return (kind,) if kind in DOCUMENTED else ()
