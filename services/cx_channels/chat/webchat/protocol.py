"""What browser and hub say to each other over the socket, a JSON object a message (README.md has the table)."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from cx_channels.chat.webchat.attachments import Bounds
from cx_channels.chat.webchat.session import MAX_TOKEN
from cx_channels.chat.webchat.visitors import Claims
from cx_events.envelope import Attachment, Event
from cx_events.errors import Refused
from cx_events.strict_json import Limits, decode
from cx_events.timestamps import Micros, format_time
from cx_events.web_urls import web_url

MAX_TEXT = 8000
"""Characters of one message."""

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
MessageId = Annotated[str, Meta(max_length=1100)]
Url = Annotated[str, Meta(max_length=2048)]


class Hello(Struct, frozen=True, tag="hello"):
    """The first message. ``session``: the token of a chat to go on with. ``last``: the last message seen of it.
    ``token``: a continuity token, as a link or the customer brought it."""

    session: Annotated[str, Meta(max_length=MAX_TOKEN)] = ""
    visitor: Claims = Claims()
    page: Url = ""
    last: MessageId = ""
    token: Url = ""


class Say(Struct, frozen=True, tag="message"):
    """``id`` is the browser's own: sent again after a lost acknowledgement, it is the same message."""

    id: ClientId
    text: Annotated[str, Meta(max_length=MAX_TEXT)]
    page: Url = ""


class Read(Struct, frozen=True, tag="read"):
    """``message``: as the hub's message names it; without it, all up to now."""

    message: MessageId = ""


class Typing(Struct, frozen=True, tag="typing"):
    """Taken and forgotten."""


class Identify(Struct, frozen=True, tag="identify"):
    visitor: Claims


class End(Struct, frozen=True, tag="end"):
    pass


class Ping(Struct, frozen=True, tag="ping"):
    """A browser can't send a WebSocket ping; this serves it to notice a dead connection."""


ClientMessage = Hello | Say | Read | Typing | Identify | End | Ping


def parse(text: str, max_bytes: int) -> ClientMessage:
    """``Refused``: ``too-large``, ``json-...``, ``bad-message`` naming the field."""
    value = decode(text.encode("utf-8", "surrogatepass"), Limits(max_bytes=max_bytes, max_depth=8))
    try:
        message: ClientMessage = msgspec.convert(value, ClientMessage)
    except msgspec.ValidationError as error:
        raise Refused("bad-message", str(error)) from None
    if isinstance(message, Say) and not message.text.strip():
        raise Refused("bad-message", "the text is empty - at `$.text`")
    return message


def id_in(text: str) -> str:
    """Return the id that a refused message gives itself, for the answer to name it; "" where it has none."""
    try:
        value = json.loads(text)
        return msgspec.convert(value["id"], ClientId)
    except (ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError):
        return ""


def welcome(
    interaction: str, session: str, now: Micros, *, resumed: bool, files: Bounds | None = None
) -> dict[str, Any]:
    """``files``: which files the chat takes, if any."""
    return {
        "type": "welcome",
        "interaction": interaction,
        "session": session,
        "now": format_time(now),
        "resumed": resumed,
        **({"files": files} if files else {}),
    }


def refusal(reason: str, detail: str, id: str = "", retry_after: float | None = None) -> dict[str, Any]:
    """``id``: of the message that it answers. ``retry_after``: seconds; without it, trying again is pointless."""
    message: dict[str, Any] = {"type": "error", "reason": reason, "detail": detail}
    if id:
        message["id"] = id
    if retry_after is not None:
        message["retry_after"] = round(retry_after, 1)
    return message


def shown(event: Event, delivery_id: str) -> dict[str, Any] | None:
    """An event as the customer sees it, or None where it holds nothing to see."""
    data = event.data
    if event.type == "cx.interaction.ended.v1":
        return {"type": "ended", "id": delivery_id}
    text = (data.message.text if data.message else "") or (data.bot.text if data.bot else "")
    files = [_file(each) for each in data.message.attachments if web_url(each)] if data.message else []
    if not text and not files:
        return None
    speaker = next((each for each in data.participants if each.role in ("agent", "bot", "system", "business")), None)
    role = speaker.role if speaker else "bot" if data.bot else "agent"
    name = (speaker.name if speaker else "") or (data.agent.name if data.agent else "")
    return {
        "type": "message",
        "id": delivery_id,
        "message": (data.message.id if data.message else "") or event.id,
        "from": {"role": role, "name": name},
        "text": text,
        "at": event.time,
        **({"attachments": files} if files else {}),
    }


def _file(attachment: Attachment) -> dict[str, Any]:
    """A file that somebody sent by its address; what lies in the hub's own store opens to agents alone."""
    return {"name": attachment.name, "url": attachment.url, "bytes": attachment.bytes}
