"""Encode server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import msgspec

KEEP_ALIVE = b":\n"
"""A comment, which clients ignore, in front of a heartbeat's event: what reads only comments is kept alive, too."""


class Frame(NamedTuple):
    """One event. ``data``: a JSON object. Without an ``id`` the client keeps the last one."""

    name: str
    data: bytes
    id: str = ""

    def about(self, subject: bytes) -> Frame:
        """Return the frame with the member ``subject``, whose JSON that is, in front of its data."""
        rest = self.data[1:] if self.data == b"{}" else b"," + self.data[1:]
        return self._replace(data=b'{"subject":' + subject + rest)

    def encoded(self) -> bytes:
        """Return the event's bytes."""
        return event(self.name, self.data, self.id)


def json_frame(name: str, data: Any, id: str = "") -> Frame:
    """Return a frame whose data is a value."""
    return Frame(name, msgspec.json.encode(data), id)


def event(name: str, data: bytes, id: str = "") -> bytes:
    """Return an event. ``data``: JSON without line breaks.

    Without an ``id`` the client keeps the last one: if it breaks off here, it gets this event again.
    """
    return f"event: {name}\n".encode() + (f"id: {id}\n".encode() if id else b"") + b"data: " + data + b"\n\n"


def retry(least: float, most: float) -> bytes:
    """Return the field that tells clients when to reconnect, at random between two numbers of seconds.

    It belongs into the block of an event: some clients take a block of it alone for an event without data.
    """
    return f"retry: {round(random.uniform(least, most) * 1000)}\n".encode()  # noqa: S311
