"""Keep how far an account was read: which of its latest notifications and statuses, by their ids at its server. Pure.

The stream may bring one before an earlier one, and loses what is told while nobody listens. So the ids of a tail are
kept, and what the API lists since the tail's begin and is not among them is new, whatever came by the stream. The
tail's begin moves with what was listed, never with what was streamed: an earlier one may have been lost.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cx_channels.kit.cursors import decode_cursor

TAIL = 40
"""The latest ids of a list that are kept below what was listed last."""
MANY = 200
"""Ids that came by the stream, after which the list is asked for early."""
MOST_SEEN = 1_000
"""That are kept whatever was listed."""

KNOWN = 100
"""Statuses that a deletion may name: the stream tells it by the server's own id alone."""


def order(id: str) -> tuple[int, str]:
    """Return what ids are ordered by: numbers as text, which grow (docs.joinmastodon.org/api/guidelines)."""
    return len(id), id


class Tail(msgspec.Struct):
    """``floor``: an id; it and all below it were handled. ``seen``: those above it that were."""

    floor: str = "0"
    seen: list[str] = []

    def is_new(self, id: str) -> bool:
        """Return whether what is listed was not handled yet."""
        return order(id) > order(self.floor) and id not in self.seen

    def handled(self, ids: Iterable[str], listed: str = "") -> Tail:
        """Return the tail after these were handled. ``listed``: up to which id all were listed and handled."""
        latest = sorted({*self.seen, *(id for id in ids if order(id) > order(self.floor))}, key=order)
        listed_below = sum(order(id) <= order(listed) for id in latest[:-TAIL])
        count = max(listed_below, len(latest) - MOST_SEEN)
        return Tail(latest[count - 1] if count else self.floor, latest[count:])

    @classmethod
    def after(cls, ids: Iterable[str]) -> Tail:
        """Return the tail where the latest of a list, these, and all before them count as handled."""
        latest = sorted(set(ids), key=order)
        return cls(latest[0], latest[1:]) if latest else cls()


class KnownStatus(msgspec.Struct, omit_defaults=True):
    """A status that was handed on. ``root``: what tells its interaction."""

    uri: str
    account: str
    name: str = ""
    root: str = ""
    bot: bool = False


class Place(msgspec.Struct):
    """The place of an account. ``begun``: whether it is known what counts as new at all."""

    begun: bool = False
    notifications: Tail = msgspec.field(default_factory=Tail)
    statuses: Tail = msgspec.field(default_factory=Tail)
    known: dict[str, KnownStatus] = {}

    @property
    def is_long(self) -> bool:
        """Return whether much came by the stream since the lists were read."""
        return max(len(self.notifications.seen), len(self.statuses.seen)) > TAIL + MANY

    def knows(self, id: str, status: KnownStatus) -> None:
        """Keep a status, by its id at the server, and forget the oldest."""
        self.known.pop(id, None)
        self.known[id] = status
        while len(self.known) > KNOWN:
            del self.known[next(iter(self.known))]

    def stored(self) -> bytes:
        """Return the place as it is stored."""
        return msgspec.json.encode(self)


def read_place(stored: bytes) -> Place:
    """Return a place as it was stored. Raise ``Fatal`` for one that can't be read: to begin anew could lose some."""
    return decode_cursor(stored, Place, "cursor of the account") or Place()
