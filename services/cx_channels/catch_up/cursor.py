"""Keep how far a connection's vendor was asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cx_channels.catch_up.fresh import digest_of
from cx_channels.catch_up.listing import Span
from cx_channels.kit.cursors import decode_cursor
from cx_events.timestamps import Micros

SECOND = 1_000_000
DAY = 86_400 * SECOND
MOST_HANDED = 5_000
"""Ids that are remembered, the latest of them."""


class Place(msgspec.Struct, omit_defaults=True):
    """All before ``asked_to`` was asked for; ``done``: lists that are further, in a round that was not finished.

    ``handed``: digests of what was handed on, with the time; µs since 1970.
    """

    asked_to: Micros
    done: dict[str, Micros] = {}
    handed: dict[str, Micros] = {}

    def span(self, name: str, until: Micros, overlap: float) -> Span:
        """Return what of a list is to be asked for."""
        return Span(max(self.asked_to, self.done.get(name, 0)) - int(overlap * SECOND), until)

    def note(self, ids: Iterable[str], now: Micros) -> None:
        """Remember what was handed on; the latest alone, since all of it is stored with each page of a long list."""
        self.handed |= {digest_of(id): now for id in ids}
        if len(self.handed) > MOST_HANDED:
            self.handed = dict(sorted(self.handed.items(), key=lambda item: item[1])[-MOST_HANDED:])

    def finish(self, until: Micros, now: Micros, kept: float) -> None:
        """All lists were read up to then. What was handed on is forgotten after ``kept`` seconds."""
        self.asked_to, self.done = until, {}
        self.handed = {digest: at for digest, at in self.handed.items() if at >= now - int(kept * SECOND)}

    def stored(self) -> bytes:
        return msgspec.json.encode(self)


def read_place(stored: bytes) -> Place | None:
    """Return a place as it was stored, None at the very start. Raise ``Fatal`` for one that can't be read."""
    return decode_cursor(stored, Place, "place of what was asked for")
