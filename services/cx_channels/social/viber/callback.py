"""One callback, and the drafts made of it: ``{"event", "timestamp", "message_token", ...}``.

developers.viber.com/docs/api/rest-bot-api, "Callbacks". ``message_token`` is a number of up to 64 bits, kept as digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Direction, Draft, Identifier, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

WEIGHTS: Mapping[str, Any] = {
    "viber": {"proved": "Viber's own id of somebody at this bot, in a callback that the bot's token signed"},
}

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Callback:
    """One callback."""

    connection: Connection
    value: Json

    @property
    def kind(self) -> str:
        """Return the kind as the tables name it: the event, of a message with its own type."""
        event = text(self.value.get("event"))
        return f"message/{text(obj(self.value.get('message')).get('type'))}" if event == "message" else event

    @property
    def user(self) -> str:
        """Return the person's id at this bot."""
        value = self.value
        found = (obj(value.get("sender")).get("id"), obj(value.get("user")).get("id"), value.get("user_id"))
        return next((id for each in found if (id := text(each)) and is_plain(id)), "")

    @property
    def name(self) -> str:
        return text(obj(self.value.get("sender")).get("name")) or text(obj(self.value.get("user")).get("name"))

    @property
    def token(self) -> str:
        """Return the id of the message, or of the callback."""
        return text(self.value.get("message_token")) or sha256_hex(self.raw)[:32]

    @property
    def time(self) -> Micros | None:
        return unix_time(self.value.get("timestamp"))

    @property
    def raw(self) -> bytes:
        return _encode(self.value)

    def own_id(self) -> str:
        """Return an id for a callback that is no message: one token may stand in several."""
        event = text(self.value.get("event"))
        return f"{id_part(event)}/{id_part(self.token)}" + (f"/{id_part(self.user)}" if self.user else "")

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.own_id(), f"malformed {self.kind[:64]}: {why}", self.raw)


def draft_of(callback: Callback, event_type: str, id: str, direction: Direction = "inbound", **data: Any) -> Draft:
    """Draft an event of a person."""
    known = Identifier(kind="viber", value=callback.user, scope=callback.connection.id, weight=PROVED)
    person = Participant(role="customer", name=callback.name, identifiers=[known])
    return make_draft(
        callback.connection, "social", event_type, id, raw=callback.raw, root=id_part(callback.user),
        time=callback.time, direction=direction, participants=[person], **data,
    )  # fmt: skip
