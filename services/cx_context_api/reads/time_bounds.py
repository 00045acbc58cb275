"""Read the time bounds of a request: ``as_of``, ``known_at``, or ``from`` and ``to``."""

from __future__ import annotations

from cx_context.store.as_of import TimeBounds
from cx_context_api.decisions import Clock
from cx_context_api.requests.queries import Query
from cx_events.errors import Refused
from cx_events.timestamps import Micros, format_time

SKEW = 60_000_000
"""How far a client's clock may be ahead of ours, in µs."""


FIELDS = ("as_of", "known_at")


def read_time_bounds(query: Query, now: Clock, names: tuple[str, str] = FIELDS) -> TimeBounds | None:
    """Return what is asked of the past, None for today. ``Refused("bad-time", "future-moment", 400)``."""
    bounds = [query.moment(name) for name in names]
    if bounds == [None, None]:
        return None
    for name, bound in zip(names, bounds, strict=True):
        if bound is not None:
            check_not_future(name, bound, now)
    return TimeBounds(*bounds)


def read_time_span(query: Query, now: Clock) -> tuple[TimeBounds, TimeBounds]:
    """Return ``from`` and ``to``, ``by`` when things happened or by when the hub heard. ``Refused`` (400)
    ``bad-query``, ``bad-time``, ``future-moment``."""
    by = query.text("by") or FIELDS[0]
    if by not in FIELDS:
        raise Refused("bad-query", f"by={by[:20]}: expected {' or '.join(FIELDS)}", 400)
    one, other = query.moment("from"), query.moment("to")
    if one is None or other is None:
        raise Refused("bad-query", "from and to: two moments are expected", 400)
    check_not_future("from", one, now)
    check_not_future("to", other, now)
    if one > other:
        raise Refused("bad-query", "from is later than to", 400)
    if by == FIELDS[0]:
        return TimeBounds(as_of=one), TimeBounds(as_of=other)
    return TimeBounds(known_at=one), TimeBounds(known_at=other)


def check_not_future(name: str, moment: Micros, now: Clock) -> None:
    if moment > now() + SKEW:
        detail = f"{name}: {format_time(moment)} has not come yet; leave it out to read today"
        raise Refused("future-moment", detail, 400)
