"""Read one update of the Bot API, and draft its events.

``{"update_id": ..., FIELD: {...}}`` with one field (core.telegram.org/bots/api#update). A message is known by its chat
and its number there. One may come under two update ids, so these stand in nothing that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.settings import texts_of
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import AgentOrQueue, Data, Draft, Identifier, Participant, Role
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

_PERSON = "Telegram's own id of somebody logged in there, in a request that knows the secret token"
WEIGHTS: Mapping[str, Any] = {
    "telegram": {"proved": _PERSON},
    "phone": {"proved": "somebody's own number, shared by a button: Telegram says that it is the sender's"},
}

_NOBODY = frozenset({"777000", "1087968824", "136817688"})
"""Telegram itself, anonymous administrators of groups, channels that write in groups."""
_encode = msgspec.json.Encoder().encode


class Person(Struct, gc=False):
    """The one who did it: a ``customer``, an ``agent``, a ``bot``, or the ``business`` where nobody is told."""

    role: Role
    id: str = ""
    name: str = ""

    @property
    def agent(self) -> AgentOrQueue | None:
        return AgentOrQueue(id=self.id, name=self.name) if self.role == "agent" and self.id else None

    def participants(self, *more: Identifier) -> list[Participant]:
        """Return the person, where there is one. ``more``: identifiers besides the account's id."""
        if self.role == "customer" and self.id:
            known = [Identifier(kind="telegram", value=self.id, weight=PROVED), *more]
            return [Participant(role="customer", name=self.name, identifiers=known)]
        return [Participant(role=self.role, id=self.id, name=self.name)] if self.id or self.name else []


class Update(Struct, gc=False):
    """``number``: the update's id, as it is written; ``field``: of the update; ``value``: what stands in it; ``kind``:
    as the tables name it; ``message_id``: the message's number in its chat; ``place``: where that counts, the chat
    below the account that connected the bot."""

    connection: Connection
    number: Any
    field: str
    value: Json
    kind: str
    chat_id: str
    place: str
    message_id: str

    @property
    def chat(self) -> Json:
        return obj(self.value.get("chat"))

    @property
    def business(self) -> bool:
        """Return whether the chat is one of a connected business account."""
        return "business_connection_id" in self.value

    @property
    def time(self) -> Micros | None:
        return unix_seconds(self.value.get("date"))

    @property
    def raw(self) -> bytes:
        return _encode({self.field: self.value})

    def own_id(self, *parts: str) -> str:
        """Return an event's id below the message's."""
        named = f"{id_part(self.place)}/{id_part(self.message_id)}"
        return "/".join([named, *(id_part(each) for each in parts if each)]) if parts else named

    def lost(self, why: str) -> Unmapped:
        raw = self.raw
        id = f"update/{id_part(text(self.number) or sha256_hex(raw)[:32])}"
        return Unmapped(id, f"malformed {self.kind[:64]}: {why}", raw)


def update_of(connection: Connection, number: Any, field: str, value: Json, kind: str) -> Update:
    """Return an update with the place of its message."""
    chat_id, place = place_of(value)
    message_id = text(value.get("message_id"))
    return Update(connection, number, field, value, kind, chat_id, place, message_id)


def person_of(update: Update, user: Json) -> Person:
    """Return a user as the connection sees it. ``settings``: ``agents`` lists the business's people."""
    id = text(user.get("id"))
    first, last = text(user.get("first_name")), text(user.get("last_name"))
    name = f"{first} {last}" if first and last else first or last
    if id in _NOBODY or not is_plain(id):
        return Person("business")
    if user.get("is_bot") is True:
        return Person("bot", id, name)
    return Person("agent" if id in update.connection.once(_agents) else "customer", id, name)


def _agents(connection: Connection) -> frozenset[str]:
    return frozenset(texts_of(connection.settings, "agents"))


def writer_of(update: Update) -> Person:
    """Return who wrote a message. In a chat of a connected business account the customer is whom the chat is with; who
    else writes there is its owner, or the bot that writes for it."""
    user = obj(update.value.get("from"))
    person = person_of(update, user)
    if update.field in ("business_message", "edited_business_message") and person.role == "customer":
        bot = obj(update.value.get("sender_business_bot"))
        if bot:
            return Person("bot", text(bot.get("id")), text(bot.get("first_name")))
        return person if person.id == update.chat_id else Person("agent", person.id, person.name)
    return person


def thread_of(message: Json, chat: str, place: str) -> str:
    """Return what tells the interaction: the chat, its topic, and the account that connected the bot. In the chat that
    holds a channel's direct messages each person has a topic (core.telegram.org/bots/api#directmessagestopic)."""
    topic = text(message.get("message_thread_id")) if message.get("is_topic_message") is True else ""
    topic = topic or text(obj(message.get("direct_messages_topic")).get("topic_id"))
    return id_part(f"{place}:{topic}" if topic else place) if chat else ""


def place_of(message: Json) -> tuple[str, str]:
    """Return a message's chat, and where its number counts: the chat below the account that connected the bot."""
    chat, account = text(obj(message.get("chat")).get("id")), text(message.get("business_connection_id"))
    return chat, f"{account}:{chat}" if account else chat


def _written_to(update: Update, person: Person) -> list[Participant]:
    """Return the customer with whom a chat of a connected business account is, where somebody else wrote: such chats
    are private, so the chat has that person's id and name (core.telegram.org/bots/api#businessmessagesdeleted)."""
    if person.role == "customer" or not update.business or update.chat.get("type") != "private":
        return []
    other = person_of(update, update.chat)
    return other.participants() if other.role == "customer" else []


def draft_of(
    update: Update, event_type: str, id: str, person: Person, data: Data, *more: Identifier, root: str | None = None
) -> Draft:
    """Draft an event of a person. ``data``: what only this event has. ``more``: identifiers besides the account's id.
    ``root``: of the interaction, where it is not the message's thread."""
    data.direction = "inbound" if person.role == "customer" else "outbound"
    data.participants = [*person.participants(*more), *_written_to(update, person)]
    if person.role == "agent":
        data.agent = person.agent
    root = thread_of(update.value, update.chat_id, update.place) if root is None else root
    return complete_draft(
        update.connection, "social", event_type, id, data, raw=update.raw, root=root, time=update.time
    )  # fmt: skip
