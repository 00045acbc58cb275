"""Encode where a page ended as an opaque cursor.

A cursor names no customer and no tenant: those are the request's own. It is checked, not signed: it can only narrow
what the path and the key already allow.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

import msgspec

from cx_events.errors import Refused

MAX_CURSOR = 6000
CursorTime = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
"""A time in a position, in µs; it must fit a 64-bit column."""

CursorNode = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]


def encode_cursor(list: str, position: object) -> str:
    """Return the cursor of a position. ``list`` names what is paged: a cursor of another list is refused."""
    return urlsafe_b64encode(msgspec.msgpack.encode((list, position))).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str, list: str, type: Any, *, most: int = MAX_CURSOR) -> Any:
    """Return the position that a cursor of this list holds, as a value of ``type``. ``most``: its characters.

    Raises ``Refused("bad-cursor", 400)``.
    """
    try:
        if len(cursor) > most:
            raise ValueError
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        named, place = msgspec.msgpack.decode(raw, type=tuple[str, msgspec.Raw])
        if named != list:
            raise ValueError
        return msgspec.msgpack.decode(place, type=type)
    except (ValueError, msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Refused("bad-cursor", "this cursor is not one that a page of this list gave", 400) from None
