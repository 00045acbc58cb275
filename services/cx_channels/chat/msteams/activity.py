"""Read one activity of the Bot Framework, and draft an event of it.

Shapes: github.com/microsoft/Agents/blob/main/specs/activity/protocol-activity.md;
learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages. Ids of activities are
unique within their conversation alone.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part, id_path
from cx_channels.kit.json_values import first, obj, read_written, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time, unix_time
from cx_channels.provider import Connection, Request, Unmapped
from cx_events.envelope import Data, Draft
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_encode = msgspec.json.Encoder().encode


def read_activity(request: Request) -> tuple[Json, bytes]:
    """For ``Request.once``: the activity, and the same as JSON on one line. Raise ``Refused("malformed")`` for what is
    no JSON object."""
    return read_written(request.body)


class Activity(Struct, frozen=True, gc=False):
    """``value``: as it was posted; ``kind``: as the tables name it; ``raw``: as it is kept.

    ``channel``: the Bot Framework's, ``msteams`` or ``webchat``; ``bot``: the bot's own id there. ``conversation``: its
    id as it is; of a thread in a channel of a team it ends in ``;messageid=ROOT``. ``root``: what tells the interaction
    within the connection, "" where no conversation is named.
    """

    connection: Connection
    value: Json
    kind: str
    id: str
    channel: str
    bot: str
    conversation: str
    root: str
    raw: bytes

    @property
    def tenant(self) -> str:
        """Return the Entra tenant of the conversation, which need not be that of everybody in it."""
        data = obj(self.value.get("channelData"))
        return first(obj(data.get("tenant")).get("id"), obj(self.value.get("conversation")).get("tenantId"))

    @property
    def time(self) -> Micros | None:
        """Return when it happened; Teams' ids are milliseconds since 1970, and some activities have no time besides."""
        told = iso_time(text(self.value.get("timestamp")))
        return told if told is not None or self.channel != "msteams" else unix_time(self.id)

    def message_id(self, id: str) -> str:
        """Return the id of a message of this conversation."""
        return f"{self.root}:{id_part(id)}" if id else ""

    def own_id(self, *parts: str) -> str:
        """Return the id of an event: of the conversation, the activity and more."""
        return f"{self.root}/{id_path(*(parts if all(parts) else (each or '0' for each in parts)))}"

    def lost(self, why: str) -> Unmapped:
        """Return the dead letter of this activity."""
        return Unmapped(sha256_hex(self.raw)[:32], why, self.raw)


def activity_of(connection: Connection, value: Json, written: bytes, kind: str) -> Activity:
    """Return an activity as it was posted to a connection."""
    conversation = text(obj(value.get("conversation")).get("id"))
    return Activity(
        connection, value, kind, text(value.get("id")), text(value.get("channelId")),
        bot=text(obj(value.get("recipient")).get("id")), conversation=conversation,
        root=id_part(conversation) if conversation else "", raw=_raw(value, written),
    )  # fmt: skip


def _raw(value: Json, written: bytes) -> bytes:
    """Return an activity as JSON on one line, without what lets its holder upload a file."""
    given = obj(value.get("value"))
    if "uploadInfo" not in given:
        return written
    return _encode({**value, "value": {name: each for name, each in given.items() if name != "uploadInfo"}})


def draft_of(activity: Activity, event_type: str, id: str, data: Data) -> Draft:
    """Draft an event. ``data``: what only this event has."""
    return complete_draft(
        activity.connection, "chat", event_type, id, data, activity.raw, activity.root, activity.time
    )  # fmt: skip
