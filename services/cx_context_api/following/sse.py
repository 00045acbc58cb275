"""Server-sent events as bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import random
from typing import Any

import msgspec

ALIVE = b":\n\n"
"""A comment: heard by nobody, and shows that somebody still speaks and can still be spoken to."""


def event(name: str, data: bytes, id: str = "") -> bytes:
    """``data``: JSON, in which no line ends. Without an ``id`` the last one stands: whoever breaks off here is told
    this again."""
    return f"event: {name}\n".encode() + (f"id: {id}\n".encode() if id else b"") + b"data: " + data + b"\n\n"


def told(name: str, data: Any, id: str = "") -> bytes:
    return event(name, msgspec.json.encode(data), id)


def come_back(least: float, most: float) -> bytes:
    """After how many seconds who is cut off should come again: not all in the same moment."""
    return f"retry: {round(random.uniform(least, most) * 1000)}\n\n".encode()  # noqa: S311
