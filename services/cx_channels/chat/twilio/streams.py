"""Map Event Streams: CloudEvents in an array, of which those of Conversations and Messaging tell what webhooks tell.

www.twilio.com/docs/events/event-types/conversations and .../messaging. A sink sends what is at hand; each event is read
by itself. Those of Messaging have the webhook's names with a small first letter, a time, and no addresses of files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cx_channels.chat.twilio.callback import Callback
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.times import iso_time
from cx_channels.kit.twilio_forms import Fields
from cx_channels.provider import Connection

_TYPE = re.compile(
    r"com\.twilio\.conversations\.(message|participant|conversation|conversation-state|user|delivery)\.([a-z-]{1,20})"
)
_MESSAGING = re.compile(r"com\.twilio\.messaging\.(inbound-message\.received|message\.[a-z_-]{1,20})")
_STATE = frozenset({"conversation-state", "state-updated"})
_RENAMED = {"MessageBody": "Body"}


def callbacks_of(events: list[Any], connection: Connection) -> Iterator[Callback | Any]:
    """Yield a callback for each event of a conversation or a message, other events as they are."""
    for event in events:
        name = text(obj(event).get("type"))
        kind, messaging = webhook_kind(name), _MESSAGING.fullmatch(name)
        if not kind and not messaging:
            yield event
            continue
        raw, data = msgspec.json.encode([event]), obj(event.get("data"))
        if messaging:
            step = messaging[1].rpartition(".")[2]
            kind = "message" if step == "received" else f"status/{step}"
            fields, at = Fields(_named(data)), iso_time(text(data.get("timestamp")))
            yield Callback(fields, connection, kind, raw, raw, at)
        else:
            yield Callback(Fields(_pairs(data)), connection, kind, raw, raw)


def webhook_kind(name: str) -> str:
    """Return the webhook's name of an event of Conversations, "" for other events."""
    match = _TYPE.fullmatch(name)
    if match is None:
        return ""
    what, done = match.groups()
    if _STATE & {what, done}:
        return "onConversationStateUpdated"
    return f"on{what.capitalize()}{done.capitalize()}"


def _named(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the data of an event of Messaging under the names that the webhook has: ``messageSid`` is
    ``MessageSid``."""
    for name, value in data.items():
        yield name[:1].upper() + name[1:], text(value)


def _pairs(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield an event's data under the names that the webhook has."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{part}", text(each)) for part, each in value.items())
        elif isinstance(value, list):
            yield name, msgspec.json.encode(value).decode()
        else:
            yield _RENAMED.get(name, name), text(value)
