"""Follow what either client hears: keep the channels that are there, and tell what was missed while away.

Asterisk keeps nothing for who is not connected. So the channels are asked for at each connect, and every few minutes,
since events go missing under load, too (AsterNET/AsterNET#190); what differs from what was heard is told as if it had
been: a channel's begin with the time that it has itself, and its end at the time of noticing, by the id that its own
end has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Request
from cx_channels.voice.asterisk.channel import Channel
from cx_channels.voice.asterisk.live import BEGINS, ENDS, KNOWN_HEADER, Live
from cx_events.timestamps import Micros, format_time


class Following:
    """The channels of one connection, from a cursor on. ``gone``: makes a delivery's body that says that a channel is
    lost."""

    def __init__(
        self,
        connection: Connection,
        ports: SourcePorts,
        live: Live,
        content_type: str,
        gone: Callable[[str, str], bytes],
    ) -> None:
        self.live = live
        self._connection = connection
        self._ports = ports
        self._content_type = content_type
        self._gone = gone
        self._began: set[str] = set()
        self._ended: set[str] = set()
        self._away_since: Micros | None = live.heard or None
        self._stamped: Micros = 0
        self._unheard = 0
        self._is_first = True

    def heard(
        self, body: bytes, kind: str, channels: Sequence[Channel | None], headers: Mapping[str, str] | None = None
    ) -> tuple[Delivery, bool]:
        """Return an event as it is handed on, and whether the cursor moves. ``kind``: in lower case."""
        own = channels[0] if channels else None
        if own is not None and kind in BEGINS:
            self._began.add(own.id)
        elif own is not None and kind in ENDS:
            self._ended.add(own.id)
        added, changed = self.live.note(kind, channels, self._connection)
        all_headers = {"content-type": self._content_type, **(headers or {})}
        if added:
            all_headers[KNOWN_HEADER] = msgspec.json.encode(added).decode()
        return Delivery(Request(body, FETCHED, headers=all_headers, received=self._ports.now())), changed

    def stamp(self) -> str:
        """Return the time of receipt, another one for each event: what has no time of its own is known by it."""
        self._stamped = max(self._ports.now(), self._stamped + 1)
        return format_time(self._stamped)

    def step(self, deliveries: Iterable[Delivery], changed: bool, lag: float | None = None, gap: str = "") -> Step:
        """Return a step, with the cursor where it moved."""
        if not changed:
            return Step(tuple(deliveries), None, lag, gap)
        self.live.heard = self._ports.now()
        return Step(tuple(deliveries), self.live.stored(), lag, gap)

    def ask(self) -> None:
        """The list is asked for now: what begins and ends from here on is not in it, or need not be."""
        self._began.clear()
        self._ended.clear()

    def is_unheard(self, id: str) -> bool:
        """Return whether a channel of the list began without our hearing it."""
        return id not in self.live.channels and id not in self._ended

    def begun(self, body: bytes, kind: str, channel: Channel) -> Step:
        """Return the begin of a channel that was not heard, as the list tells it."""
        self._unheard += 1
        delivery, changed = self.heard(body, kind, [channel])
        return self.step([delivery], changed)

    def compared(self, present: Iterable[str]) -> Step:
        """Return the ends that were not heard: of channels that are not in the list, which is whole now."""
        gone = self.live.missing({*present, *self._began})
        lost = []
        for id in gone:
            root = self.live.channels[id].root
            lost.append(self.heard(self._gone(id, root), "channellost", [Channel(id, root)])[0])
        return self.step(lost, bool(gone), None, self._gap(len(gone)))

    def _gap(self, ended: int) -> str:
        """Return what was missed, in a sentence: after each time away, and else only where something was."""
        since, self._away_since = self._away_since, None
        began, self._unheard = self._unheard, 0
        is_first, self._is_first = self._is_first, False
        if since is not None:
            return (
                f"nothing was heard for a while after {format_time(since)}, and Asterisk keeps nothing: "
                f"{began} channels began and {ended} ended meanwhile"
            )
        if not is_first and (began or ended):
            return f"events went missing: {began} channels began and {ended} ended unheard"
        return ""

    def lag(self, at: Micros | None) -> float | None:
        """Return the seconds since an event, None where it has no time."""
        return max(self._ports.now() - at, 0) / 1_000_000 if at is not None else None
