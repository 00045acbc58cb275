"""A context's body from what is stored, of which only that is worked out which was not worked out the last time.

A change touches one part and adds one event; the others, byte for byte as they were, need be neither decoded nor
rendered again. Of each customer is kept what went into the body that was rendered last, by all the content that it is a
function of, never by a name or a version of it:

- of an event its entry in the timeline, by the event's bytes;
- a decoded part, by its bytes;
- a conversation's summary, by its members' anchors, their parts' bytes, and why each is in it.
"""

from __future__ import annotations

from collections import OrderedDict
from operator import itemgetter
from typing import NamedTuple

from msgspec import Raw

from cx_context.finish import TIMELINE_SHOWN, Shown, assembled, encode_body, shown, timeline_entry
from cx_context.fold import makes_part
from cx_context.model import Part
from cx_context.store.reader import Whole
from cx_context.store.writer import decode_part
from cx_context.threading import AnchoredPart, Conversation
from cx_events.codec import decode_leniently
from cx_events.facts import Fact, Order
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros

PIECES_BYTES = 192 << 20

# Measured, each with the bytes that it is kept by: what a typical one takes in memory, and what a byte of it adds.
_ENTRY_TAKES, _ENTRY_GROWS = 1_000, 1
_PART_TAKES, _PART_GROWS = 4_000, 4
_SUMMARY_TAKES = 1_000


class _Entry(NamedTuple):
    """``shown``: None for an event that the timeline does not show."""

    order: Order
    shown: Raw | None


class _Pieces:
    """What went into one customer's body."""

    __slots__ = ("entries", "parts", "summaries", "takes")

    def __init__(self) -> None:
        self.entries: dict[bytes, _Entry] = {}
        self.parts: dict[bytes, Part] = {}
        self.summaries: dict[tuple[object, ...], Shown] = {}
        self.takes = 0


_NOTHING = _Pieces()


class Renderer:
    """``most_bytes``: about how much memory the pieces may take that are kept; those of the customers that were
    rendered longest ago go. No customer may have more than a sixteenth of it."""

    def __init__(self, most_bytes: int = PIECES_BYTES) -> None:
        self._most = most_bytes
        self.held = 0
        self._kept: OrderedDict[tuple[str, NodeId], _Pieces] = OrderedDict()

    def body(self, whole: Whole, window: Micros) -> bytes:
        """The bytes of ``context_body`` of all this."""
        key = (whole.ids.tenant, whole.found.customer)
        before = self._kept.pop(key, _NOTHING)
        self.held -= before.takes
        rendering = _Rendering(whole, before)
        body = rendering.body(window)
        now = rendering.now
        if now.takes <= self._most // 16:
            self._kept[key] = now
            self.held += now.takes
            while self.held > self._most:
                _, gone = self._kept.popitem(last=False)
                self.held -= gone.takes
        return body


class _Rendering:
    """``before``: the customer's pieces of the last time; ``now``: those of this time."""

    def __init__(self, whole: Whole, before: _Pieces) -> None:
        self._whole = whole
        self._before = before
        self._bodies = dict(whole.parts)
        self.now = _Pieces()

    def body(self, window: Micros) -> bytes:
        whole = self._whole
        anchored = [AnchoredPart(anchor, self._part(body)) for anchor, body in whole.parts]
        timeline = self._timeline(whole.raws, whole.ids)
        return encode_body(assembled(whole.found.customer, whole.members, anchored, window, timeline, self._summary))

    def _part(self, body: bytes) -> Part:
        """Nobody changes it."""
        part = self._before.parts.get(body)
        if part is None:
            part = decode_part(body)
        self.now.parts[body] = part
        self.now.takes += _PART_TAKES + _PART_GROWS * len(body)
        return part

    def _timeline(self, raws: list[bytes], ids: IdSpace) -> list[Raw]:
        known, entries, takes = self._before.entries, self.now.entries, 0
        for raw in raws:
            entry = known.get(raw)
            if entry is None:
                entry = _entry_of(Fact(decode_leniently(raw)[0], raw, ids))
            entries[raw] = entry
            takes += _ENTRY_TAKES + _ENTRY_GROWS * len(raw)
        self.now.takes += takes
        latest = sorted([each for each in entries.values() if each.shown is not None], key=_order_of, reverse=True)
        return [entry.shown for entry in latest[:TIMELINE_SHOWN] if entry.shown is not None]

    def _summary(self, conversation: Conversation) -> Shown:
        anchors = [anchor for member in conversation.members for _, anchor in member.anchors]
        key = (*anchors, *[self._bodies[anchor] for anchor in anchors], *conversation.joined)
        found = self._before.summaries.get(key)
        if found is None:
            found = _as_bytes(shown(conversation))
        self.now.summaries[key] = found
        self.now.takes += _SUMMARY_TAKES + 200 * len(anchors) + len(found.summary)
        return found


_order_of = itemgetter(0)


def _entry_of(fact: Fact) -> _Entry:
    shows = makes_part(fact.event.type)
    return _Entry(fact.order, Raw(encode_body(timeline_entry(fact))) if shows else None)


def _as_bytes(one: Shown) -> Shown:
    unresolved = Raw(encode_body(one.unresolved)) if isinstance(one.unresolved, dict) else one.unresolved
    summary = Raw(encode_body(one.summary)) if isinstance(one.summary, dict) else one.summary
    return one._replace(summary=summary, unresolved=unresolved)
