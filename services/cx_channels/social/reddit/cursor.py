"""Keep what is known of Reddit's things, and tell what is new against it. Pure.

Neither ``after`` nor ``before`` is a place to go on at: the thing that they name may be deleted, and then a list ends
or is empty. So the place is a time for each list, and the things that were handed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from cx_channels.kit.cursors import decode_cursor
from cx_channels.kit.json_values import number, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.social.reddit.thing import Thing
from cx_events.json_types import Json

MOST_KNOWN = 10_000
"""Things that are known, the latest of them: ten lists of Reddit's depth."""


class Known(msgspec.Struct, array_like=True, omit_defaults=True):
    """A thing that was handed on. ``written``, ``edited``: s since 1970, 0 for never. ``root``: its conversation.
    ``turns``: how often it went or came back; odd where it is gone now."""

    written: int
    root: str = ""
    edited: int = 0
    turns: int = 0

    @property
    def is_gone(self) -> bool:
        return self.turns % 2 == 1


class Place(msgspec.Struct, omit_defaults=True):
    """``begin``: what was written before is not handed on. ``turn``: how many lists were read: the next is read first
    after a fault, else a fault that comes again would keep those behind it from ever being read. ``tops``: by list,
    when its newest thing was written. ``known``: by fullname."""

    begin: int
    turn: int = 0
    tops: dict[str, int] = {}
    known: dict[str, Known] = {}

    def stored(self) -> bytes:
        """Return the place as it is stored."""
        return msgspec.json.encode(self)

    def forget(self) -> None:
        """Leave out the oldest things above ``MOST_KNOWN``."""
        if len(self.known) > MOST_KNOWN:
            self.known = dict(self._latest(self.known.items(), MOST_KNOWN))

    def watched(self, most: int) -> list[str]:
        """Return the fullnames of the latest comments and posts, which can be edited and deleted."""
        public = [(name, known) for name, known in self.known.items() if name.startswith(("t1_", "t3_"))]
        return [name for name, _ in self._latest(public, most)]

    @staticmethod
    def _latest(known: Iterable[tuple[str, Known]], most: int) -> list[tuple[str, Known]]:
        return sorted(known, key=lambda item: (item[1].written, item[0]), reverse=True)[:most]


def read_place(stored: bytes) -> Place | None:
    """Return a place as it was stored, None at the very start. Raise ``Fatal`` for one that can't be read."""
    return decode_cursor(stored, Place, "place in Reddit's lists")


def written(thing: Thing) -> int:
    """Return when a thing was written, s since 1970, 0 where that can't be read."""
    return int(number(thing.data.get("created_utc")) or 0)


def news_of(place: Place, thing: Thing, is_lookup: bool) -> str | None:
    """Return what the hub has of a thing that is to be handed on, as ``mapping.KNOWN`` says it; None where it is not
    news. Mark it as known. ``is_lookup``: it was asked for by its name: a list comes from a cache, and may show for a
    while what is gone."""
    at, edited = written(thing), (thing.edited or 0) // 1_000_000
    known = place.known.get(thing.name)
    is_gone = bool(thing.absence)
    if known is None:
        if is_gone or (at and at < place.begin):
            return None  # nobody heard of it
        place.known[thing.name] = Known(at, thing.root, edited)
        return ""
    if known.is_gone and not is_lookup:
        return None
    if is_gone != known.is_gone:
        turns = known.turns + 1
        place.known[thing.name] = Known(known.written, known.root, edited, turns)
        return f"{'gone' if is_gone else 'back'}/{turns}"
    if edited > known.edited and not is_gone:
        place.known[thing.name] = Known(known.written, known.root, edited, known.turns)
        return "yes"
    return None


_NO_THINGS = frozenset({"more", "t2", "t5", "t6"})


def children_of(children: Iterable[object]) -> Iterator[Json]:
    """Yield a list's things, and the replies that came with them, each by itself. Left out is what is no thing."""
    for child in children:
        each = obj(child)
        data = obj(each.get("data"))
        if each and text(each.get("kind")) not in _NO_THINGS:
            yield {"kind": each.get("kind"), "data": {**data, "replies": ""}} if data else each
        replies = obj(obj(data.get("replies")).get("data")).get("children")
        if isinstance(replies, list):
            yield from children_of(replies)


def is_new_oddity(place: Place, body: bytes, now: int) -> bool:
    """Return whether something that has no name was not handed on yet, and mark it: it becomes a dead letter once."""
    key = f"?{sha256_hex(body)[:32]}"
    is_new = key not in place.known
    place.known.setdefault(key, Known(now))
    return is_new
