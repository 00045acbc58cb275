"""Write where a page of a topic ended as opaque text, and read it again.

A cursor names offsets alone. It is checked, not signed: whose records are shown is decided anew for every page.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

from cx_events.errors import Refused
from cx_ops.log_browsing.walk import Order

MOST_CHARACTERS = 40_000
Offset = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class PagePlace(NamedTuple):
    """``places``: by partition, see ``TopicWalk.places``."""

    topic: str
    order: Order
    places: Mapping[int, Offset]


def encode_cursor(place: PagePlace) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode(place)).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str, topic: str, order: Order) -> Mapping[int, int]:
    """Return the places in a cursor of this topic and order. Raises ``Refused("bad-cursor", 400)``."""
    try:
        if len(cursor) > MOST_CHARACTERS:
            raise ValueError
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        place = msgspec.msgpack.decode(raw, type=PagePlace)
        if (place.topic, place.order) != (topic, order):
            raise ValueError
    except (ValueError, msgspec.MsgspecError, RecursionError):
        detail = "this cursor is not one that a page of this topic in this order gave"
        raise Refused("bad-cursor", detail, 400) from None
    return place.places
