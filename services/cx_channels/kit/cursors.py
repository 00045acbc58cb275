"""Read the cursor that a stream or poller stored. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from cx_events.errors import Fatal

T = TypeVar("T")


def decode_cursor(stored: bytes, of: type[T], what: str) -> T | None:
    """Return a cursor as it was stored as JSON, None at the very start. ``what`` it is, for people.

    Raise ``Fatal`` for one that can't be read: to begin anew could lose something.
    """
    if not stored:
        return None
    try:
        return msgspec.json.decode(stored, type=of)
    except msgspec.MsgspecError as error:
        raise Fatal(f"the stored {what} can't be read: {error}") from None
