"""Read one event of a transaction and who sent it, and draft its events.

``{"type", "event_id", "room_id", "sender", "origin_server_ts", "content", "state_key"?}``: spec.matrix.org/latest/
client-server-api, "Room event format". A homeserver may send one event in several transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part, id_path, is_plain
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.settings import Patterns, patterns_of
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import AgentOrQueue, Channel, Data, Draft, Identifier, Participant, Role, Weight
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


class Item(Struct, frozen=True, gc=False):
    """One event. ``sender``: "" where it is no user's id. ``role``: what the sender is, by the settings."""

    connection: Connection
    event: Json
    kind: str
    content: Json
    sender: str
    room: str
    event_id: str
    role: Role

    @property
    def relation(self) -> Json:
        return obj(self.content.get("m.relates_to"))

    @property
    def time(self) -> Micros | None:
        at = self.event.get("origin_server_ts")
        return unix_time(at) if isinstance(at, int) and _EARLIEST <= at < _LATEST else None

    @property
    def raw(self) -> bytes:
        """Return a transaction with this event alone, without what the homeserver adds for the receiver."""
        event = self.event.copy()
        event.pop("unsigned", None)
        event.pop("age", None)
        return encode({"events": [event]})

    @property
    def id(self) -> str:
        """Return an id within its room: in old rooms the sender's server chooses event ids."""
        return id_path(self.room, self.event_id)

    @property
    def is_whole(self) -> bool:
        return bool(self.sender and self.room and self.event_id)

    def lost(self, why: str) -> Unmapped:
        return Unmapped(
            self.event_id[:200] or sha256_hex(self.raw)[:32], f"malformed {self.kind[:64]}: {why}", self.raw
        )


def item_of(connection: Connection, event: Json) -> Item:
    """Return an event as it came in a transaction."""
    sender = text(event.get("sender"))
    if not (sender.startswith("@") and ":" in sender and is_plain(sender)):
        sender = ""
    return Item(
        connection, event, text(event.get("type")), obj(event.get("content")), sender, text(event.get("room_id")),
        text(event.get("event_id")), role_of(connection, sender),
    )  # fmt: skip


class _Rules(NamedTuple):
    """The settings that say who is who, read once."""

    bots: Patterns
    staff: Patterns
    servers: Patterns


def _rules(connection: Connection) -> _Rules:
    return _Rules(*(patterns_of(connection, name) for name in _Rules._fields))


def role_of(connection: Connection, user: str) -> Role:
    """Return what a user is, by the settings: everybody else is a customer."""
    rules = connection.once(_rules)
    if rules.bots.match(user):
        return "bot"
    return "agent" if rules.staff.match(user) else "customer"


def person_of(connection: Connection, user: str, name: str = "") -> Participant:
    """Return a user as events name them; only a customer has an identifier."""
    return _person(connection, user, role_of(connection, user), name)


def _person(connection: Connection, user: str, role: Role, name: str = "") -> Participant:
    if role != "customer":
        return Participant(role=role, id=user, name=name)
    local = connection.once(_rules).servers.match(user.partition(":")[2])
    known = Identifier(kind="matrix", value=user, weight=PROVED if local else ASSERTED)
    return Participant(role=role, name=name, identifiers=[known])


def draft_of(
    item: Item, event_type: str, data: Data, *, channel: Channel = "chat", root: str = "", role: Role | None = None,
    about_others: bool = False,
) -> Draft:  # fmt: skip
    """Draft an event of whoever sent it. ``data``: what only this event has. ``role``: where what was sent says more
    than the sender. ``about_others``: whoever sent it is not its agent."""
    role = role or item.role
    data.direction = "inbound" if role == "customer" else "outbound"
    if not data.participants:
        is_sender = role == item.role
        person = _person(item.connection, item.sender, role) if is_sender else Participant(role=role, id=item.sender)
        data.participants = [person]
    if role == "agent" and not about_others:
        data.agent = AgentOrQueue(id=item.sender)
    root = root or id_part(item.room)
    return complete_draft(item.connection, channel, event_type, item.id, data, item.raw, root, item.time)
