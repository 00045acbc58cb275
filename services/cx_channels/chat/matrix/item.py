"""One event of a transaction, who sent it, and the drafts made of it.

``{"type", "event_id", "room_id", "sender", "origin_server_ts", "content", "state_key"?}``: spec.matrix.org/latest/
client-server-api, "Room event format". A homeserver may send one event in several transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.settings import lists
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import AgentOrQueue, Channel, Direction, Draft, Identifier, Participant, Role, Weight
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import ASSERTED, PROVED

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "matrix": {
        "proved": "somebody logged in at one of the homeservers of the setting servers, which sent this",
        "asserted": "somebody of another homeserver, whose signature ours checked",
    },
}

encode = msgspec.json.Encoder().encode
_EARLIEST, _LATEST = 1_000_000_000_000, 10_000_000_000_000
"""Milliseconds (2001 to 2286): a sender's own server writes the time, and may write anything."""


@dataclass
class Item:
    """One event."""

    connection: Connection
    event: Json

    @property
    def kind(self) -> str:
        return text(self.event.get("type"))

    @property
    def content(self) -> Json:
        return obj(self.event.get("content"))

    @cached_property
    def sender(self) -> str:
        found = text(self.event.get("sender"))
        return found if found.startswith("@") and ":" in found and is_plain(found) else ""

    @property
    def room(self) -> str:
        return text(self.event.get("room_id"))

    @property
    def event_id(self) -> str:
        return text(self.event.get("event_id"))

    @property
    def relation(self) -> Json:
        return obj(self.content.get("m.relates_to"))

    @property
    def time(self) -> Micros | None:
        at = self.event.get("origin_server_ts")
        return unix_time(at) if isinstance(at, int) and _EARLIEST <= at < _LATEST else None

    @cached_property
    def role(self) -> Role:
        return role_of(self.connection, self.sender)

    @cached_property
    def raw(self) -> bytes:
        """Return a transaction with this event alone, without what the homeserver adds for the receiver."""
        event = {name: value for name, value in self.event.items() if name not in ("unsigned", "age")}
        return encode({"events": [event]})

    @property
    def id(self) -> str:
        """Return an id within its room: in old rooms the sender's server chooses event ids."""
        return f"{id_part(self.room)}/{id_part(self.event_id)}"

    @property
    def is_whole(self) -> bool:
        return bool(self.sender and self.room and self.event_id)

    def lost(self, why: str) -> Unmapped:
        return Unmapped(
            self.event_id[:200] or sha256_hex(self.raw)[:32], f"malformed {self.kind[:64]}: {why}", self.raw
        )


def role_of(connection: Connection, user: str) -> Role:
    """Return what a user is, by the settings: everybody else is a customer."""
    if lists(connection, "bots", user):
        return "bot"
    return "agent" if lists(connection, "staff", user) else "customer"


def person_of(connection: Connection, user: str, name: str = "") -> Participant:
    """Return a user as events name them; only a customer has an identifier."""
    role = role_of(connection, user)
    if role != "customer":
        return Participant(role=role, id=user, name=name)
    local = lists(connection, "servers", user.partition(":")[2])
    known = Identifier(kind="matrix", value=user, weight=PROVED if local else ASSERTED)
    return Participant(role=role, name=name, identifiers=[known])


def draft_of(
    item: Item, event_type: str, part: str = "", *, channel: Channel = "chat", root: str = "",
    role: Role | None = None, direction: Direction | None = None, **data: Any,
) -> Draft:  # fmt: skip
    """Draft an event of whoever sent it. ``role``: where what was sent says more than the sender."""
    role = role or item.role
    person = person_of(item.connection, item.sender)
    if role != item.role:
        person = Participant(role=role, id=item.sender)
    agent = AgentOrQueue(id=item.sender) if role == "agent" else None
    people = data.pop("participants", [person])
    return make_draft(
        item.connection, channel, event_type, f"{item.id}/{part}" if part else item.id, raw=item.raw,
        root=root or id_part(item.room), time=item.time,
        direction=direction or ("inbound" if role == "customer" else "outbound"), participants=people,
        **{"agent": agent, **data},
    )  # fmt: skip
