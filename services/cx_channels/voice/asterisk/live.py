"""Keep the channels that are there now, as far as the events told: what one event alone does not say of a call. Pure.

The client adds it to an event that it hands on (``KNOWN_HEADER``), and stores it as its cursor: Asterisk keeps nothing
for who was away, so after a pause the channels that are gone are told by comparing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cx_channels.kit.cursors import decode_cursor
from cx_channels.provider import Connection
from cx_channels.voice.asterisk.channel import Channel
from cx_channels.voice.asterisk.rules import is_outside
from cx_events.timestamps import Micros

KNOWN_HEADER = "x-asterisk-known"
"""JSON: for channels of the event, by id, ``[root, flags]``."""

OUT, LEFT, INSIDE = 1, 2, 4
"""We placed it; its caller gave up waiting; the call began at a telephone of ours."""

MOST_CHANNELS = 20_000
"""That are kept; of others nothing is added, and their end is not missed."""

BEGINS = frozenset({"newchannel", "coreshowchannel", "channelcreated", "channellisted", "stasisstart"})
ENDS = frozenset({"hangup", "channeldestroyed", "channellost"})
_LEAVES = frozenset({"queuecallerabandon"})


class Known(msgspec.Struct, array_like=True, gc=False):
    """A channel. ``root``: the Linkedid that it had first, which names the call's interaction for good."""

    root: str
    flags: int = 0


class Live(msgspec.Struct, omit_defaults=True):
    """``heard``: when something came last, as far as it is stored."""

    channels: dict[str, Known] = {}
    heard: Micros = 0

    def stored(self) -> bytes:
        """Return it as a cursor."""
        return msgspec.json.encode(self)

    def note(
        self, kind: str, channels: Iterable[Channel | None], connection: Connection
    ) -> tuple[dict[str, Known], bool]:
        """Take an event in: its kind in lower case, and the channels that it names, its own first.

        Return what is to be added to it, and whether the cursor changed.
        """
        named = [each for each in channels if each is not None]
        changed = False
        if named and kind in BEGINS and named[0].id not in self.channels and len(self.channels) < MOST_CHANNELS:
            self.channels[named[0].id] = self._first_seen(named[0], connection)
            changed = True
        elif named and kind in _LEAVES and named[0].id in self.channels:
            self.channels[named[0].id].flags |= LEFT
            changed = True
        added = {each.id: found for each in named if (found := self._about(each)) is not None}
        if named and kind in ENDS:
            changed = self.channels.pop(named[0].id, None) is not None or changed
        return added, changed

    def _first_seen(self, channel: Channel, connection: Connection) -> Known:
        root = channel.linked or channel.id
        flags = 0
        if root == channel.id:
            flags |= OUT if channel.state.lower() == "down" else 0
            flags |= INSIDE if not channel.is_local and not is_outside(channel, connection) else 0
        return Known(root, flags)

    def _about(self, channel: Channel) -> Known | None:
        found = self.channels.get(channel.id)
        if found is None:
            return None
        root = self.channels.get(found.root)
        flags = found.flags | ((root.flags & INSIDE) if root is not None else 0)
        return Known(found.root, flags) if flags or found.root != (channel.linked or channel.id) else None

    def missing(self, present: Iterable[str]) -> list[str]:
        """Return the channels that are not among those present, those of other calls' legs first."""
        there = set(present)
        gone = [id for id in self.channels if id not in there]
        return sorted(gone, key=lambda each: self.channels[each].root == each)


def read_live(stored: bytes) -> Live:
    """Return the channels of a cursor. Raise ``Fatal`` for one that can't be read: calls would never end."""
    return decode_cursor(stored, Live, "cursor of the telephone system") or Live()


_NOTHING: Mapping[str, Known] = {}


def known_of(headers: Mapping[str, str]) -> Mapping[str, Known]:
    """Return what the client added to an event; nothing where there is none, or none that can be read."""
    added = headers.get(KNOWN_HEADER)
    if not added:
        return _NOTHING
    try:
        return msgspec.json.decode(added, type=dict[str, Known])
    except msgspec.MsgspecError:
        return _NOTHING
