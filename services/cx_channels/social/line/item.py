"""Read one event of a delivery with its source, and draft the hub's.

``{"destination": "U...", "events": [{"type", "timestamp", "source", "webhookEventId", ...}]}``,
developers.line.biz/en/reference/messaging-api, "Webhook Event Objects".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Data, Direction, Draft, Identifier, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

WEIGHTS: Mapping[str, Any] = {
    "line": {"proved": "LINE's own id of somebody logged in there, in a delivery that the channel secret signed"},
}

_OF_ATTEMPT = ("replyToken", "deliveryContext")
"""A token to answer with, good for a minute, and whether this is another attempt."""
_encode = msgspec.json.Encoder().encode


class Item(Struct, gc=False):
    """One event. ``destination``: the user id of the account; ``kind``: as the tables name it; ``user``: the person's
    id, which a group may not tell; ``thread``: what tells the interaction, the group or the room, else the person."""

    connection: Connection
    destination: str
    event: Json
    kind: str
    user: str
    thread: str

    @property
    def time(self) -> Micros | None:
        return unix_time(self.event.get("timestamp"))

    @property
    def raw(self) -> bytes:
        """Return a delivery with this event alone, without what differs between attempts."""
        event = dict(self.event)
        for name in _OF_ATTEMPT:
            event.pop(name, None)
        return _encode(
            {"destination": self.destination, "events": [event]} if self.destination else {"events": [event]}
        )

    @property
    def id(self) -> str:
        """Return the event's own id, which another attempt repeats; older ones have none."""
        return text(self.event.get("webhookEventId")) or sha256_hex(self.raw)[:32]

    def own_id(self) -> str:
        """Return an id for an event that is no message."""
        return f"{id_part(self.kind)}/{id_part(self.id)}"

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.own_id(), f"malformed {self.kind[:64]}: {why}", self.raw)


def item_of(connection: Connection, destination: str, event: Json) -> Item:
    """Return an event with its source."""
    source = obj(event.get("source"))
    user = text(source.get("userId"))
    thread = first(source.get("groupId"), source.get("roomId"), user)
    return Item(connection, destination, event, kind_of(event), user if is_plain(user) else "", thread)


def kind_of(event: Json) -> str:
    """Return the kind as the tables name it: the type, of a message with its own type."""
    kind = text(event.get("type"))
    return f"message/{text(obj(event.get('message')).get('type'))}" if kind == "message" else kind


def draft_of(item: Item, event_type: str, id: str, data: Data, direction: Direction = "inbound") -> Draft:
    """Draft an event of a person, or of a group where nobody is told. ``data``: what only this event has."""
    connection, destination = item.connection, item.destination
    data.direction = direction
    if item.user:
        scope = connection.once(_provider) or destination or connection.id
        known = Identifier(kind="line", value=item.user, scope=scope, weight=PROVED)
        data.participants.append(Participant(role="customer", identifiers=[known]))
    if destination:
        ours = Identifier(kind="line-account", value=destination)
        data.participants.append(Participant(role="business", identifiers=[ours]))
    root = id_part(item.thread) if item.thread else ""
    return complete_draft(connection, "social", event_type, id, data, raw=item.raw, root=root, time=item.time)


def _provider(connection: Connection) -> str:
    return text(connection.settings.get("provider"))
