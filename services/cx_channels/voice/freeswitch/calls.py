"""Keep the calls that a switch has under way, as far as heard: in the cursor, since the event socket repeats nothing.
Pure.

A call that is not listed any more is only suspected: the list lags behind events by a second or so. One that is missing
in the next list, too, is gone, and nobody heard its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cx_channels.kit.cursors import decode_cursor
from cx_channels.kit.json_values import text
from cx_channels.voice.freeswitch.leg import leg_of_event
from cx_events.json_types import Json

MOST_CALLS = 5000
"""Calls that are followed; of more, an end that nobody heard is not told."""
MOST_ENDED = 5000
"""Ended channels that are remembered, since a list may still name them."""
AWAY = "gone while the event socket was away"
RESTARTED = "FreeSWITCH was started anew"
UNHEARD = "gone, and its end was not heard"

_KEPT = (
    *("Unique-ID", "Channel-Call-UUID", "Call-Direction", "Channel-Name", "Caller-Orig-Caller-ID-Number"),
    *("Caller-Orig-Caller-ID-Name", "Caller-Caller-ID-Number", "Caller-Caller-ID-Name", "Caller-Destination-Number"),
    *("Caller-Context", "Caller-Channel-Created-Time", "Caller-Privacy-Hide-Number", "variable_sip_authorized"),
    *("variable_user_name", "variable_dialed_user", "variable_sip_gateway_name", "variable_sip_verstat"),
    *("variable_sip_verstat_detailed",),
)
"""Headers of a call's begin by which its end can be told."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """``core``: the switch's run. ``heard``: the latest time of its own, in µs as written. ``calls``: by UUID."""

    core: str = ""
    heard: str = ""
    calls: dict[str, dict[str, str]] = {}


class Calls:
    """The calls of one switch, and the legs that belong to them."""

    def __init__(self, stored: bytes) -> None:
        """``stored``: a cursor. Raise ``Fatal`` for one that can't be read: calls would never end."""
        self._cursor = decode_cursor(stored, Cursor, "cursor of the switch") or Cursor()
        self._legs: set[str] = set()
        self._ended: dict[str, None] = {}
        self._suspected: dict[str, str] = {}
        self._stored = frozenset(self._cursor.calls)
        self._was_away = bool(self._cursor.calls)
        self._left_at = self._cursor.heard

    def __len__(self) -> int:
        return len(self._cursor.calls)

    @property
    def has_suspects(self) -> bool:
        """Return whether a call may be gone."""
        return bool(self._suspected)

    @property
    def heard(self) -> str:
        """Return the latest time of the switch's own that was heard, in µs as written."""
        return self._cursor.heard

    def stored(self) -> bytes:
        """Return the cursor."""
        return msgspec.json.encode(self._cursor)

    def runs_as(self, core: str) -> Iterator[Json]:
        """Yield a notice for each call that a former run of the switch had: one that began since we listen is not."""
        former, self._cursor.core = self._cursor.core, core
        if former and former != core:
            for uuid in [each for each in self._cursor.calls if each in self._stored]:
                yield self._gone(uuid, self._left_at, RESTARTED)
            self._legs.clear()
            self._suspected.clear()

    def take(self, headers: Mapping[str, object]) -> bool:
        """Note an event; return whether calls changed."""
        at = text(headers.get("Event-Date-Timestamp"))
        if (len(at), at) > (len(self._cursor.heard), self._cursor.heard):
            self._cursor.heard = at
        name, uuid = text(headers.get("Event-Name")), text(headers.get("Unique-ID"))
        if name in ("CHANNEL_CREATE", "CHANNEL_DATA"):
            return self._begin(headers, uuid)
        if name == "CHANNEL_HANGUP_COMPLETE":
            return self._end(uuid)
        if name == "CHANNEL_UUID":
            return self._end(text(headers.get("Old-Unique-ID"))) | self._begin(headers, uuid)
        return False

    def compare(self, listed: Iterable[str]) -> tuple[list[str], list[Json]]:
        """Return the channels of a list that are not known, and a notice for each call that is gone."""
        there = set(listed)
        unknown = [each for each in there if each not in self._cursor.calls and each not in self._legs]
        unknown = sorted(each for each in unknown if each not in self._ended)
        missing = [each for each in self._cursor.calls if each not in there]
        why = AWAY if self._was_away else UNHEARD
        gone = [self._gone(each, self._suspected[each], why) for each in missing if each in self._suspected]
        heard = self._left_at if self._was_away else self._cursor.heard
        self._suspected = {each: self._suspected.get(each, heard) for each in missing if each in self._cursor.calls}
        self._was_away = self._was_away and bool(self._suspected)
        self._legs &= there
        return unknown, gone

    def _begin(self, headers: Mapping[str, object], uuid: str) -> bool:
        if not uuid or uuid in self._ended or uuid in self._cursor.calls:
            return False
        if leg_of_event(headers).is_second or len(self._cursor.calls) >= MOST_CALLS:
            self._legs.add(uuid)
            return False
        self._cursor.calls[uuid] = {name: found[:300] for name in _KEPT if (found := text(headers.get(name)))}
        return True

    def _end(self, uuid: str) -> bool:
        self._legs.discard(uuid)
        self._suspected.pop(uuid, None)
        self._ended[uuid] = None
        while len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]
        return self._cursor.calls.pop(uuid, None) is not None

    def _gone(self, uuid: str, heard: str, why: str) -> Json:
        kept = self._cursor.calls[uuid]
        self._end(uuid)
        return {
            "Event-Name": "THROUGHLINE_GONE",
            **kept,
            "Event-Date-Timestamp": heard,
            "Gone-Because": why,
            "Gone-Until": self._cursor.heard,
        }
