"""One activity of the Bot Framework, and the draft of an event.

Shapes: github.com/microsoft/Agents/blob/main/specs/activity/protocol-activity.md;
learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages. Ids of activities are
unique within their conversation alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, read_object, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time, unix_time
from cx_channels.provider import Connection, Request, Unmapped
from cx_events.envelope import Draft
from cx_events.json_types import Json
from cx_events.timestamps import Micros


def read_activity(request: Request) -> Json:
    """For ``Request.once``: the activity. Raise ``Refused("malformed")`` for what is no JSON object."""
    return read_object(request.body)


@dataclass(frozen=True, slots=True)
class Activity:
    """``value``: as it was posted; ``kind``: as the tables name it."""

    connection: Connection
    value: Json
    kind: str

    @property
    def id(self) -> str:
        return text(self.value.get("id"))

    @property
    def channel(self) -> str:
        """Return the Bot Framework's channel: ``msteams``, ``webchat``."""
        return text(self.value.get("channelId"))

    @property
    def conversation(self) -> str:
        """Return the conversation's id as it is; of a thread in a channel of a team it ends in ``;messageid=ROOT``."""
        return text(obj(self.value.get("conversation")).get("id"))

    @property
    def root(self) -> str:
        """Return what tells the interaction within the connection; "" where no conversation is named."""
        return id_part(self.conversation) if self.conversation else ""

    @property
    def tenant(self) -> str:
        """Return the Entra tenant of the conversation, which need not be that of everybody in it."""
        data = obj(self.value.get("channelData"))
        return first(obj(data.get("tenant")).get("id"), obj(self.value.get("conversation")).get("tenantId"))

    @property
    def bot(self) -> str:
        """Return the bot's own id in this channel."""
        return text(obj(self.value.get("recipient")).get("id"))

    @property
    def time(self) -> Micros | None:
        """Return when it happened; Teams' ids are milliseconds since 1970, and some activities have no time besides."""
        told = iso_time(text(self.value.get("timestamp")))
        return told if told is not None or self.channel != "msteams" else unix_time(self.id)

    @property
    def raw(self) -> bytes:
        """Return the activity as JSON on one line, without what lets its holder upload a file."""
        value = obj(self.value.get("value"))
        if "uploadInfo" not in value:
            return msgspec.json.encode(self.value)
        kept = {name: each for name, each in value.items() if name != "uploadInfo"}
        return msgspec.json.encode({**self.value, "value": kept})

    def message_id(self, id: str) -> str:
        """Return the id of a message of this conversation."""
        return f"{self.root}:{id_part(id)}" if id else ""

    def own_id(self, *parts: str) -> str:
        """Return the id of an event: of the conversation, the activity and more."""
        return "/".join((self.root, *(id_part(each or "0") for each in parts)))

    def lost(self, why: str) -> Unmapped:
        """Return the dead letter of this activity."""
        return Unmapped(sha256_hex(self.raw)[:32], why, self.raw)


def draft_of(activity: Activity, event_type: str, id: str, **data: Any) -> Draft:
    """Draft an event. ``data``: as for ``make_draft``."""
    return make_draft(
        activity.connection, "chat", event_type, id,
        raw=activity.raw, root=activity.root, **{"time": activity.time, **data},
    )  # fmt: skip
