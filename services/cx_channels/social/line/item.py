"""One event of a delivery, with its source, and the drafts made of it.

``{"destination": "U...", "events": [{"type", "timestamp", "source", "webhookEventId", ...}]}``,
developers.line.biz/en/reference/messaging-api, "Webhook Event Objects".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Direction, Draft, Identifier, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

WEIGHTS: Mapping[str, Any] = {
    "line": {"proved": "LINE's own id of somebody logged in there, in a delivery that the channel secret signed"},
}

_OF_ATTEMPT = frozenset({"replyToken", "deliveryContext"})
"""A token to answer with, good for a minute, and whether this is another attempt."""
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Item:
    """One event. ``destination``: the user id of the account."""

    connection: Connection
    destination: str
    event: Json

    @property
    def kind(self) -> str:
        """Return the kind as the tables name it: the type, of a message with its own type."""
        kind = text(self.event.get("type"))
        return f"message/{text(obj(self.event.get('message')).get('type'))}" if kind == "message" else kind

    @property
    def source(self) -> Json:
        return obj(self.event.get("source"))

    @property
    def user(self) -> str:
        """Return the person's id; a group may not tell it."""
        user = text(self.source.get("userId"))
        return user if is_plain(user) else ""

    @property
    def thread(self) -> str:
        """Return what tells the interaction: the group or the room, else the person."""
        return first(self.source.get("groupId"), self.source.get("roomId"), self.source.get("userId"))

    @property
    def time(self) -> Micros | None:
        return unix_time(self.event.get("timestamp"))

    @property
    def raw(self) -> bytes:
        """Return a delivery with this event alone, without what differs between attempts."""
        event = {name: value for name, value in self.event.items() if name not in _OF_ATTEMPT}
        head = {"destination": self.destination} if self.destination else {}
        return _encode({**head, "events": [event]})

    @property
    def id(self) -> str:
        """Return the event's own id, which another attempt repeats; older ones have none."""
        return text(self.event.get("webhookEventId")) or sha256_hex(self.raw)[:32]

    def own_id(self) -> str:
        """Return an id for an event that is no message."""
        return f"{id_part(self.kind)}/{id_part(self.id)}"

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.own_id(), f"malformed {self.kind[:64]}: {why}", self.raw)


def draft_of(item: Item, event_type: str, id: str, direction: Direction | None = "inbound", **data: Any) -> Draft:
    """Draft an event of a person, or of a group where nobody is told."""
    scope = text(item.connection.settings.get("provider")) or item.destination or item.connection.id
    people = [Participant(role="business", identifiers=[Identifier(kind="line-account", value=item.destination)])]
    if item.user:
        known = Identifier(kind="line", value=item.user, scope=scope, weight=PROVED)
        people.insert(0, Participant(role="customer", identifiers=[known]))
    return make_draft(
        item.connection, "social", event_type, id, raw=item.raw, root=id_part(item.thread) if item.thread else "",
        time=item.time, direction=direction, participants=people if item.destination else people[:-1], **data,
    )  # fmt: skip
