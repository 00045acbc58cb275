"""Read the time bounds of a request: ``as_of``, ``known_at``, or ``from`` and ``to``."""

from __future__ import annotations

from cx_context.store.time_bounds import TimeBounds
from cx_context_api.decisions import Clock
from cx_context_api.requests.queries import Query
from cx_events.errors import Refused
from cx_events.timestamps import Micros, format_time

CLOCK_SKEW = 60_000_000
"""How far a client's clock may be ahead of the hub's, in µs."""

FIELDS = ("as_of", "known_at")


def read_time_bounds(query: Query, now: Clock, names: tuple[str, str] = FIELDS) -> TimeBounds | None:
    """Return the bounds of a read of the past, None for a read of today.

    Raises ``Refused`` (400): ``bad-time``, ``future-moment``.
    """
    bounds = [query.moment(name) for name in names]
    if bounds == [None, None]:
        return None
    for name, bound in zip(names, bounds, strict=True):
        if bound is not None:
            _check_not_future(name, bound, now)
    return TimeBounds(*bounds)


def read_time_span(query: Query, now: Clock) -> tuple[TimeBounds, TimeBounds]:
    """Return the bounds of ``from`` and of ``to``, which ``by`` reads as ``as_of`` or as ``known_at``.

    Raises ``Refused`` (400): ``bad-query``, ``bad-time``, ``future-moment``.
    """
    by = query.text("by") or FIELDS[0]
    if by not in FIELDS:
        raise Refused("bad-query", f"by={by[:20]}: expected {' or '.join(FIELDS)}.", 400)
    start, end = query.moment("from"), query.moment("to")
    if start is None or end is None:
        raise Refused("bad-query", "Give both from and to.", 400)
    _check_not_future("from", start, now)
    _check_not_future("to", end, now)
    if start > end:
        raise Refused("bad-query", "from is later than to.", 400)
    if by == FIELDS[0]:
        return TimeBounds(as_of=start), TimeBounds(as_of=end)
    return TimeBounds(known_at=start), TimeBounds(known_at=end)


def _check_not_future(name: str, moment: Micros, now: Clock) -> None:
    if moment > now() + CLOCK_SKEW:
        detail = f"{name}: {format_time(moment)} is in the future; omit {name} to read today."
        raise Refused("future-moment", detail, 400)
