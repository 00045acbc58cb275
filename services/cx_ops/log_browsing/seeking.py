"""Find where in a topic to begin: by offset, by time, at either end, or where a page ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cx_events.errors import Refused
from cx_events.log import Log
from cx_ops.log_browsing.walk import Order
from cx_ops.log_browsing.windows import Window


@dataclass(frozen=True, slots=True)
class Seek:
    """A place to read from, and in which order.

    ``partition``: this one alone. ``offset``: begin with this record of it. ``since``, ``until``: only records that the
    log stored at ``since`` or later, and before ``until``, in ms since 1970. ``places``: go on where a page ended.
    """

    order: Order = "newest"
    partition: int | None = None
    offset: int | None = None
    since: int | None = None
    until: int | None = None
    places: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """``windows``: the offsets to read, by partition. ``ends``: where the log ended when it was asked, by partition."""

    windows: Mapping[int, Window]
    ends: Mapping[int, int]


async def find_range(log: Log, topic: str, seek: Seek) -> Range:
    """Return the offsets that a seek asks for.

    Raises ``Refused``: ``unknown-topic`` (404), ``unknown-partition`` (404), ``no-such-offset`` (400), ``bad-range``
    (400). ``TryLater`` where the log does not answer.
    """
    if seek.offset is not None and seek.partition is None:
        raise Refused("bad-range", "an offset needs a partition: each partition counts its own", 400)
    if seek.since is not None and seek.until is not None and seek.since >= seek.until:
        raise Refused("bad-range", "since is not before until", 400)
    ends = await log.end_offsets(topic)
    begins = await log.begin_offsets(topic)
    wanted = _wanted(topic, ends, seek.partition)
    since = await log.offsets_at(topic, seek.since) if seek.since is not None else {}
    until = await log.offsets_at(topic, seek.until) if seek.until is not None else {}
    windows = {}
    for number in wanted:
        begin, end = begins[number], ends[number]
        if seek.offset is not None and not begin <= seek.offset < end:
            held = f"holds {begin} to {end - 1}" if begin < end else "is empty"
            raise Refused("no-such-offset", f"{topic}/{number} has no offset {seek.offset}; it {held}", 400)
        window = Window(max(begin, since.get(number, begin)), min(end, until.get(number, end)))
        windows[number] = _narrowed(window, seek, number)
    return Range(windows, {number: ends[number] for number in wanted})


def _wanted(topic: str, ends: Mapping[int, int], partition: int | None) -> list[int]:
    if partition is None:
        return sorted(ends)
    if partition not in ends:
        raise Refused(
            "unknown-partition", f"{topic} has no partition {partition}; it has 0 to {max(ends, default=0)}", 404
        )
    return [partition]


def _narrowed(window: Window, seek: Seek, number: int) -> Window:
    """Return what is left of a window where reading begins at an offset or goes on at a place."""
    low, high = window
    if seek.offset is not None:
        low, high = (low, min(high, seek.offset + 1)) if seek.order == "newest" else (max(low, seek.offset), high)
    if seek.places is not None:
        # A partition that a page did not know came later: all of it is new.
        if seek.order == "newest":
            high = min(high, seek.places.get(number, low))
        else:
            low = max(low, seek.places.get(number, low))
    return Window(low, max(low, high))
