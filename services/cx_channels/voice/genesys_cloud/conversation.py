"""Read one conversation of Genesys Cloud: the channel, and the drafts of its events.

All participants, consults and callbacks of a conversation share its id, whatever the medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.same_call import same_call
from cx_channels.kit.times import iso_time, unix_time
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Channel, Data, Direction, Draft, Participant, Reference
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_encode = msgspec.json.Encoder().encode
_WORDS = 1024
"""Spellings that are cached: Genesys has some hundred words."""

_CHANNELS: Mapping[str, Channel] = {
    "VOICE": "voice", "CALL": "voice", "CALLBACK": "voice", "VIDEO": "voice", "CHAT": "chat", "EMAIL": "email",
    "MESSAGE": "chat",
}  # fmt: skip
NO_CONTACT = frozenset({"COBROWSE", "SCREENSHARE", "SCREENMONITORING", "INTERNALMESSAGE", "INTERNAL_MESSAGE"})
"""Media that are no contact of their own: screens that are shown, colleagues who write each other."""


class Conversation(Struct, gc=False):
    """A conversation and one session of it. ``id``: the conversation's. ``people``: the customer's session's."""

    id: str
    connection: Connection
    channel: Channel = "voice"
    direction: Direction | None = None
    people: list[Participant] = []
    consults: str = ""
    """The conversation for whose sake this one is held: an agent asks a colleague."""

    def draft(self, event_type: str, id: str, kept: Json, time: Micros | None, **data: Any) -> Draft:
        """Draft an event. ``id``: what tells it from others of the conversation. ``kept``: what Genesys says of it."""
        content = Data(**data)
        if "participants" not in data:
            content.participants = self.people
        content.direction = self.direction
        if self.consults:
            content.references = [Reference(kind="call", value=self.consults), *content.references]
        own = id_part(self.id)
        return complete_draft(
            self.connection, self.channel, event_type, f"{own}/{id}", content, raw=_encode(kept), root=own, time=time
        )


def same_calls(participant: Json, conversation: Conversation) -> list[Reference]:
    """Return by which id another system knows the call, as the participant's attribute that ``same_call`` names says:
    a flow wrote it there, of the call's UUI for instance."""
    name = conversation.connection.settings.get("same_call")
    return same_call(obj(participant.get("attributes")).get(name)) if name and conversation.channel == "voice" else []


def channel_of(media: Any, message_type: Any = "") -> Channel:
    """Return the channel of a mediaType, whichever way it is written."""
    if text(message_type).upper() == "SMS":
        return "sms"
    return _CHANNELS.get(text(media).upper(), "voice")


def direction_of(value: Any) -> Direction | None:
    """Return the direction of a session."""
    found = text(value).lower()
    return "inbound" if found == "inbound" else "outbound" if found == "outbound" else None


def time_of(value: Any) -> Micros | None:
    """Return a time: milliseconds since 1970 in detail events, RFC 3339 everywhere else."""
    return iso_time(value) if isinstance(value, str) and not value.isdecimal() else unix_time(value)


def word(value: Any) -> str:
    """Return a word of Genesys' in one spelling: CONSULT_TRANSFER, transfer.consult and consultTransfer are one."""
    return _spelled(text(value))


@lru_cache(_WORDS)
def _spelled(written: str) -> str:
    if "." in written:
        head, _, tail = written.partition(".")
        tail = {"noanswer": "no-answer", "notavailable": "not-available"}.get(tail, tail)
        return f"{tail}-{head}".lower()
    if written.isupper():
        return written.lower().replace("_", "-")
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in written).strip("-")


def agent(value: Any) -> AgentOrQueue | None:
    """Return an agent by the user's id."""
    id = text(value)
    return AgentOrQueue(id=id) if id else None


queue = agent
"""Return a queue by its id: both are ids alone."""
