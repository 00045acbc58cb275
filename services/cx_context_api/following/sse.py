"""Encode server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import random
from typing import Any

import msgspec

KEEP_ALIVE = b":\n\n"
"""A comment, which clients ignore. It keeps proxies from closing the connection, and fails if the client is gone."""


def event(name: str, data: bytes, id: str = "") -> bytes:
    """Return an event. ``data``: JSON without line breaks.

    Without an ``id`` the client keeps the last one: if it breaks off here, it gets this event again.
    """
    return f"event: {name}\n".encode() + (f"id: {id}\n".encode() if id else b"") + b"data: " + data + b"\n\n"


def json_event(name: str, data: Any, id: str = "") -> bytes:
    """Return an event whose data is a value."""
    return event(name, msgspec.json.encode(data), id)


def retry(least: float, most: float) -> bytes:
    """Return the field that tells clients when to reconnect, at random between two numbers of seconds.

    It belongs into the block of an event: some clients take a block of it alone for an event without data.
    """
    return f"retry: {round(random.uniform(least, most) * 1000)}\n".encode()  # noqa: S311
