"""Read one notice of an Omnichannel room, and draft its events.

``{"_id", "type", "createdAt", "visitor", "agent", "messages": [...]}``: github.com/RocketChat/Rocket.Chat,
apps/meteor/app/livechat/server/hooks/sendToCRM.ts. A message is told when it is written, and again with the whole
transcript when the room closes: both must be the same event, whatever became known of the visitor meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, objects, text, texts
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time, unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Direction, Draft, Identifier, Participant, Weight
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import CLAIMED

VISITOR = "rocketchat-visitor"
USER = "rocketchat-user"

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    VISITOR: {"claimed": "Rocket.Chat's id of a visitor, whom a browser's token names alone"},
    USER: {"proved": "Rocket.Chat's own id of somebody logged in there"},
    "email": {"claimed": "typed by the visitor"},
    "phone": {"claimed": "typed by the visitor, or passed on by an app"},
}

encode = msgspec.json.Encoder().encode


class Room(Struct, frozen=True, gc=False):
    """One notice. ``value``: its body. ``id``: what tells the room within the connection, "" where none is named.
    ``person``: the visitor by the id alone: all else may be known later, and differ then."""

    connection: Connection
    value: Json
    kind: str
    id: str
    visitor: Json
    person: Participant

    def raw(self, **more: Any) -> bytes:
        """Return what of the notice an event is made of."""
        visitor = {"_id": self.visitor["_id"]} if "_id" in self.visitor else {}
        return encode({"type": self.kind, "_id": self.value.get("_id"), "visitor": visitor, **more})

    def kept(self, *names: str) -> bytes:
        return self.raw(**{name: self.value[name] for name in names if name in self.value})

    def draft(
        self, event_type: str, part: str, raw: bytes, at: Micros | None, *others: Participant,
        direction: Direction | None = None, **data: Any,
    ) -> Draft:  # fmt: skip
        return make_draft(
            self.connection, "chat", event_type, f"{self.id}/{part}", raw=raw, root=self.id, time=at,
            direction=direction, participants=[self.person, *others], **data,
        )  # fmt: skip

    def lost(self, why: str) -> Unmapped:
        raw = encode({name: value for name, value in self.value.items() if name != "token"})
        return Unmapped(sha256_hex(raw)[:32], f"malformed {self.kind[:64]}: {why}", raw)


def room_of(connection: Connection, value: Json) -> Room:
    """Return the room that a notice names."""
    id, visitor = text(value.get("_id")), obj(value.get("visitor"))
    by = text(visitor.get("_id"))
    known = [Identifier(kind=VISITOR, value=by, scope=connection.id, weight=CLAIMED)] if is_plain(by) else []
    person = Participant(role="customer", identifiers=known)
    return Room(connection, value, text(value.get("type")), id_part(id) if id else "", visitor, person)


def time_of(value: Any) -> Micros | None:
    """Read a time: ISO 8601, or extended JSON, ``{"$date": MILLISECONDS}``."""
    return unix_time(value["$date"]) if isinstance(value, dict) and "$date" in value else iso_time(text(value))


def stamp_of(value: Any) -> str:
    """Return a time as it is written, for ids."""
    return text(value.get("$date")) if isinstance(value, dict) else text(value)


def contacts_of(visitor: Json) -> list[Identifier]:
    """Return what a visitor typed: mails and telephone numbers, each a text, a list of texts or of objects."""
    mails = _listed(visitor.get("email"), "address") + _listed(visitor.get("visitorEmails"), "address")
    numbers = _listed(visitor.get("phone"), "phoneNumber")
    found = [("email", each) for each in mails] + [("phone", each) for each in numbers]
    return [Identifier(kind=kind, value=value, weight=CLAIMED) for kind, value in dict.fromkeys(found)]


def _listed(value: Any, name: str) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    return texts(value) + [found for each in objects(value) if (found := text(each.get(name)))]
