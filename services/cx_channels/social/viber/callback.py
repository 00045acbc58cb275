"""Read one callback, and draft its events. Its shape: ``{"event", "timestamp", "message_token", ...}``.

developers.viber.com/docs/api/rest-bot-api, "Callbacks". ``message_token`` is a number of up to 64 bits, kept as digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

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


class Callback(Struct, frozen=True, gc=False):
    """One callback. ``kind``: as the tables name it: the event, of a message with its own type. ``user``: the person's
    id at this bot. ``token``: the id of the message, or of the callback."""

    connection: Connection
    value: Json
    event: str
    kind: str
    user: str
    name: str
    token: str
    raw: bytes

    @property
    def time(self) -> Micros | None:
        return unix_time(self.value.get("timestamp"))

    def own_id(self) -> str:
        """Return an id for a callback that is no message: one token may stand in several."""
        return f"{id_part(self.event)}/{id_part(self.token)}" + (f"/{id_part(self.user)}" if self.user else "")

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.own_id(), f"malformed {self.kind[:64]}: {why}", self.raw)


def callback_of(connection: Connection, value: Json) -> Callback:
    """Return a callback as its body describes it."""
    event, sender, user, raw = (
        text(value.get("event")),
        obj(value.get("sender")),
        obj(value.get("user")),
        _encode(value),
    )
    kind = f"message/{text(obj(value.get('message')).get('type'))}" if event == "message" else event
    ids = map(text, (sender.get("id"), user.get("id"), value.get("user_id")))
    return Callback(
        connection, value, event, kind, next((id for id in ids if is_plain(id)), ""),
        name=text(sender.get("name")) or text(user.get("name")),
        token=text(value.get("message_token")) or sha256_hex(raw)[:32], raw=raw,
    )  # fmt: skip


def draft_of(callback: Callback, event_type: str, id: str, direction: Direction = "inbound", **data: Any) -> Draft:
    """Draft an event of a person."""
    known = Identifier(kind="viber", value=callback.user, scope=callback.connection.id, weight=PROVED)
    person = Participant(role="customer", name=callback.name, identifiers=[known])
    return make_draft(
        callback.connection, "social", event_type, id, raw=callback.raw, root=id_part(callback.user),
        time=callback.time, direction=direction, participants=[person], **data,
    )  # fmt: skip
