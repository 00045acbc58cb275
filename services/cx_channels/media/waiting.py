"""Hold the files that are still to be fetched, and how far the log was read for them: the worker's cursor."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_channels.kit.cursors import decode_cursor

MOST_WAITING = 500
"""Files of one connection. Of more, the latest are left where they are; ``cx media fetch`` brings them."""


class Item(Struct):
    """A file that waits. ``partition``, ``offset``: of the event; ``id``: of the reference; ``due``: s since 1970."""

    connection: str
    partition: int
    offset: int
    id: str
    failures: int = 0
    due: float = 0.0


class Cursor(Struct):
    """``offsets``: the next to read, by partition."""

    offsets: dict[int, int] = {}
    waiting: list[Item] = []


class Place(NamedTuple):
    """The name of an item."""

    connection: str
    id: str


class Waiting:
    """The files that wait, in the order in which they were found."""

    def __init__(self, items: list[Item]) -> None:
        self.items = {Place(each.connection, each.id): each for each in items}
        self._counts = Counter(place.connection for place in self.items)

    def add(self, item: Item) -> bool:
        """Add a file; return False where too many of its connection wait. One that waits already stays as it is."""
        place = Place(item.connection, item.id)
        if place in self.items:
            return True
        if self.count(item.connection) >= MOST_WAITING:
            return False
        self.items[place] = item
        self._counts[item.connection] += 1
        return True

    def remove(self, item: Item) -> None:
        """Remove a file that was stored or given up."""
        if self.items.pop(Place(item.connection, item.id), None) is not None:
            self._counts[item.connection] -= 1

    def count(self, connection: str) -> int:
        """Return how many files of a connection wait."""
        return self._counts[connection]


def read_cursor(stored: bytes) -> Cursor | None:
    """Return a cursor as it was stored, None at the very start. Raise ``Fatal`` for what is none."""
    return decode_cursor(stored, Cursor, "cursor of media")


def encode_cursor(offsets: dict[int, int], waiting: Waiting) -> bytes:
    """Return a cursor as it is stored."""
    return msgspec.json.encode(Cursor(offsets, list(waiting.items.values())))
