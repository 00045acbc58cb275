"""Where a page ended, as opaque text. It names no customer and no tenant: those are the request's own.

A cursor is checked, not signed: whatever it says only narrows what the path and the key already allow.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

import msgspec

from cx_events.errors import Refused

MAX_CURSOR = 6000
At = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
"""A time in a place: it must fit a store's integer."""

Node = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]


def encode_cursor(list: str, place: object) -> str:
    """``list``: what is paged, so that a cursor of another list is told apart."""
    return urlsafe_b64encode(msgspec.msgpack.encode((list, place))).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str, list: str, type: Any) -> Any:
    """Return the position that a cursor of this list holds,
    as a value of ``type``. Raises ``Refused("bad-cursor", 400)``."""
    try:
        if len(cursor) > MAX_CURSOR:
            raise ValueError
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        named, place = msgspec.msgpack.decode(raw, type=tuple[str, msgspec.Raw])
        if named != list:
            raise ValueError
        return msgspec.msgpack.decode(place, type=type)
    except (ValueError, msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Refused("bad-cursor", "this cursor is not one that a page of this list gave", 400) from None
