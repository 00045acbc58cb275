"""Define the messages of browser and hub over the socket, a JSON object each (README.md has the table)."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from cx_channels.chat.webchat.attachments import Bounds
from cx_channels.chat.webchat.session import MAX_TOKEN
from cx_channels.chat.webchat.visitors import Claims
from cx_events.errors import Busy, Refused, TryLater
from cx_events.strict_json import Limits, decode
from cx_events.timestamps import Micros, format_time

MAX_TEXT = 8000
"""Characters of one message."""

Way = Literal["person", "callback"]

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
MessageId = Annotated[str, Meta(max_length=1100)]
Url = Annotated[str, Meta(max_length=2048)]


class Hello(Struct, frozen=True, tag="hello"):
    """The first message. ``session``: the token of a chat to go on with. ``last``: the last message seen of it.
    ``token``: a continuity token, as a link or the customer brought it. ``reopen``: the chat had ended, and the visitor
    wants to go on with it."""

    session: Annotated[str, Meta(max_length=MAX_TOKEN)] = ""
    visitor: Claims = Claims()
    page: Url = ""
    last: MessageId = ""
    token: Url = ""
    reopen: bool = False


class Say(Struct, frozen=True, tag="message"):
    """``id`` is the browser's own: sent again after a lost acknowledgement, it is the same message."""

    id: ClientId
    text: Annotated[str, Meta(max_length=MAX_TEXT)]
    page: Url = ""


class Read(Struct, frozen=True, tag="read"):
    """``message``: as the hub's message names it; without it, all up to now."""

    message: MessageId = ""


class Delivered(Struct, frozen=True, tag="delivered"):
    """A message of the other side's is in the browser, but nobody has looked at it yet."""

    message: MessageId


class Typing(Struct, frozen=True, tag="typing"):
    """The visitor types; said again every few seconds while they do. It is told to agents, and is no fact."""


class Ask(Struct, frozen=True, tag="ask"):
    """The visitor asks for a person here, or to be called back at ``phone``, in their own words ``when``."""

    id: ClientId
    way: Way
    phone: Annotated[str, Meta(max_length=64)] = ""
    when: Annotated[str, Meta(max_length=200)] = ""


class Code(Struct, frozen=True, tag="code"):
    """The visitor wants a code with which they can go on elsewhere."""


class Redeem(Struct, frozen=True, tag="redeem"):
    """``code``: as it was shown elsewhere, or any other form of a continuity token."""

    code: Url


class Identify(Struct, frozen=True, tag="identify"):
    visitor: Claims


class End(Struct, frozen=True, tag="end"):
    pass


class Ping(Struct, frozen=True, tag="ping"):
    """A browser can't send a WebSocket ping; this serves it to notice a dead connection."""


ClientMessage = Hello | Say | Read | Delivered | Typing | Ask | Code | Redeem | Identify | End | Ping


def parse(text: str, max_bytes: int) -> ClientMessage:
    """``Refused``: ``too-large``, ``json-...``, ``bad-message`` naming the field."""
    value = decode(text.encode("utf-8", "surrogatepass"), Limits(max_bytes=max_bytes, max_depth=8))
    try:
        message: ClientMessage = msgspec.convert(value, ClientMessage)
    except msgspec.ValidationError as error:
        raise Refused("bad-message", str(error)) from None
    if isinstance(message, Say) and not message.text.strip():
        raise Refused("bad-message", "the text is empty - at `$.text`")
    if isinstance(message, Ask) and message.way == "callback" and sum(each.isdigit() for each in message.phone) < 5:
        raise Refused("bad-phone", "a number to call back has five digits or more - at `$.phone`")
    return message


def id_in(text: str) -> str:
    """Return the id that a refused message gives itself, for the answer to name it; "" where it has none."""
    try:
        value = json.loads(text)
        return msgspec.convert(value["id"], ClientId)
    except (ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError):
        return ""


def welcome(
    interaction: str,
    session: str,
    now: Micros,
    *,
    resumed: bool,
    files: Bounds | None = None,
    offers: Collection[str] = (),
) -> dict[str, Any]:
    """``files``: which files the chat takes, if any. ``offers``: what else a visitor may ask for."""
    return {
        "type": "welcome",
        "interaction": interaction,
        "session": session,
        "now": format_time(now),
        "resumed": resumed,
        **({"files": files} if files else {}),
        "offers": list(offers),
    }


def refusal(reason: str, detail: str, id: str = "", retry_after: float | None = None) -> dict[str, Any]:
    """``id``: of the message that it answers. ``retry_after``: seconds; without it, trying again is pointless."""
    message: dict[str, Any] = {"type": "error", "reason": reason, "detail": detail}
    if id:
        message["id"] = id
    if retry_after is not None:
        message["retry_after"] = round(retry_after, 1)
    return message


def try_later(later: TryLater, id: str = "") -> dict[str, Any]:
    """The refusal of what may be sent again; ``id`` as in ``refusal``."""
    if isinstance(later, Busy):
        return refusal(later.reason, later.detail, id, later.retry_after)
    detail = f"the {later.part} does not answer; send again later, which is always safe"
    return refusal("try-later", detail, id, later.retry_after)
