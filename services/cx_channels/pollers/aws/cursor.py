"""Keep how far each shard of each stream was read. Pure.

A sequence number is a number of some 56 digits, and is kept as the text that it is (docs.aws.amazon.com/kinesis/latest/
APIReference/API_Record.html).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from cx_channels.kit.cursors import decode_cursor
from cx_channels.pollers.source import Step


class ShardPlace(msgspec.Struct, frozen=True):
    """The place in a shard: ``after`` the record of that sequence number; else ``at`` a time (s since 1970); else at
    the oldest record that is kept.

    ``read_to``: s since 1970 up to which nothing is unread, 0 where unknown; ``done``: closed, and read to its end.
    """

    after: str = ""
    at: int = 0
    read_to: int = 0
    done: bool = False


Places = dict[str, ShardPlace]
"""Of a stream, by the shard's id."""


class Moved(NamedTuple):
    """A step of one queue or stream. ``places``: of the stream ``arn`` after it, None where they stay."""

    step: Step
    arn: str = ""
    places: Places | None = None


class Cursor(msgspec.Struct):
    """The places in each stream, by its ARN."""

    streams: dict[str, Places] = {}

    def stored(self) -> bytes:
        """Return the cursor as it is stored."""
        return msgspec.json.encode(self)


def read_cursor(stored: bytes) -> Cursor:
    """Return a cursor as it was stored. Raise ``Fatal`` for one that can't be read: to begin anew could lose events."""
    return decode_cursor(stored, Cursor, "places in streams") or Cursor()
