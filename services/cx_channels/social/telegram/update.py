"""One update of the Bot API, and the drafts made of it.

``{"update_id": ..., FIELD: {...}}`` with one field (core.telegram.org/bots/api#update). A message is known by its chat
and its number there. One may come under two update ids, so these stand in nothing that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, text, texts
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import AgentOrQueue, Direction, Draft, Identifier, Participant, Role
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


@dataclass(slots=True)
class Person:
    """Who did it: a ``customer``, an ``agent``, a ``bot``, or the ``business`` where nobody is told."""

    role: Role
    id: str = ""
    name: str = ""

    @property
    def direction(self) -> Direction:
        return "inbound" if self.role == "customer" else "outbound"

    @property
    def agent(self) -> AgentOrQueue | None:
        return AgentOrQueue(id=self.id, name=self.name) if self.role == "agent" and self.id else None

    def participants(self, *more: Identifier) -> list[Participant]:
        """Return the person, where there is one. ``more``: identifiers besides the account's id."""
        if self.role == "customer" and self.id:
            known = [Identifier(kind="telegram", value=self.id, weight=PROVED), *more]
            return [Participant(role="customer", name=self.name, identifiers=known)]
        return [Participant(role=self.role, id=self.id, name=self.name)] if self.id or self.name else []


@dataclass(slots=True)
class Update:
    """``field``: of the update; ``value``: what stands in it; ``kind``: as the tables name it."""

    connection: Connection
    number: str
    field: str
    value: Json
    kind: str

    @property
    def chat(self) -> Json:
        return obj(self.value.get("chat"))

    @property
    def chat_id(self) -> str:
        return text(self.chat.get("id"))

    @property
    def place(self) -> str:
        """Return where a message's number counts: the chat, below the account that connected the bot."""
        account = text(self.value.get("business_connection_id"))
        return f"{account}:{self.chat_id}" if account else self.chat_id

    @property
    def message_id(self) -> str:
        """Return the message's number in its chat."""
        return text(self.value.get("message_id"))

    @property
    def time(self) -> Micros | None:
        return unix_seconds(self.value.get("date"))

    @property
    def raw(self) -> bytes:
        return _encode({self.field: self.value})

    def own_id(self, *parts: str) -> str:
        """Return an event's id below the message's."""
        named = f"{id_part(self.place)}/{id_part(self.message_id)}"
        return "/".join([named, *(id_part(each) for each in parts if each)])

    def lost(self, why: str) -> Unmapped:
        raw = self.raw
        id = f"update/{id_part(self.number or sha256_hex(raw)[:32])}"
        return Unmapped(id, f"malformed {self.kind[:64]}: {why}", raw)


def person_of(update: Update, user: Json) -> Person:
    """Return a user as the connection sees it. ``settings``: ``agents`` lists the business's people."""
    id = text(user.get("id"))
    name = " ".join(filter(None, (text(user.get("first_name")), text(user.get("last_name")))))
    if not is_plain(id) or id in _NOBODY:
        return Person("business")
    if user.get("is_bot") is True:
        return Person("bot", id, name)
    given = update.connection.settings.get("agents")
    if id in texts(list(given) if isinstance(given, list | tuple) else [given]):
        return Person("agent", id, name)
    return Person("customer", id, name)


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


def thread_of(message: Json) -> str:
    """Return what tells the interaction: the chat, its topic, and the account that connected the bot."""
    chat = text(obj(message.get("chat")).get("id"))
    topic = text(message.get("message_thread_id")) if message.get("is_topic_message") is True else ""
    account = text(message.get("business_connection_id"))
    return id_part(":".join(filter(None, (account, chat, topic)))) if chat else ""


def draft_of(update: Update, event_type: str, id: str, person: Person, *more: Identifier, **data: Any) -> Draft:
    """Draft an event of a person. ``more``: identifiers besides the account's id."""
    given: dict[str, Any] = {
        "root": thread_of(update.value), "time": update.time, "direction": person.direction,
        "participants": person.participants(*more), "agent": person.agent, **data,
    }  # fmt: skip
    return make_draft(update.connection, "social", event_type, id, raw=update.raw, **given)
