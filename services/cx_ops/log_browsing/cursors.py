"""Write where a page of a topic ended as opaque text, and read it again.

A cursor names offsets alone: whose records are shown is decided anew for every page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

from cx_ops.log_browsing.walk import Order
from cx_runtime import cursors

MOST_CHARACTERS = 40_000
"""A topic may have thousands of partitions."""
Offset = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class PagePlace(NamedTuple):
    """``places``: by partition, see ``TopicWalk.places``."""

    topic: str
    order: Order
    places: Mapping[int, Offset]


def encode_cursor(place: PagePlace) -> str:
    return cursors.encode_cursor(_list(place.topic, place.order), place.places)


def decode_cursor(cursor: str, topic: str, order: Order) -> Mapping[int, int]:
    """Return the places in a cursor of this topic and order. Raises ``Refused("bad-cursor", 400)``."""
    places: Mapping[int, int] = cursors.decode_cursor(
        cursor, _list(topic, order), dict[int, Offset], most=MOST_CHARACTERS
    )
    return places


def _list(topic: str, order: Order) -> str:
    return f"{topic} {order}"
