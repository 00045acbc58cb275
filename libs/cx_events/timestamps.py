"""Times: RFC 3339 text at the edges, integer microseconds since 1970-01-01T00:00:00Z inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cx_events.errors import Refused

Micros = int
"""Microseconds since the Unix epoch, UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def parse_time(text: str) -> Micros:
    """RFC 3339 text to microseconds; digits past the sixth of a second are cut off.

    Raises ``Refused("bad-time")`` for anything else, a time without an offset included. A leap second (``:60``,
    RFC 3339 section 5.7) counts as the last microsecond of its minute.
    """
    if _RFC3339.fullmatch(text) is None:
        raise Refused("bad-time", f"{text[:64]!r} is not an RFC 3339 time with an offset, like 2026-11-22T10:02:11Z")
    if text[17:19] == "60":
        text = f"{text[:17]}59.999999{text[-1] if text[-1] in 'Zz' else text[-6:]}"
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise Refused("bad-time", f"{text[:64]!r} is not a time: {error}") from None


def format_time(at: Micros) -> str:
    """Microseconds to RFC 3339 in UTC: whole seconds short (``10:02:11Z``), otherwise six digits."""
    moment = _EPOCH + timedelta(microseconds=at)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds" if at % 1_000_000 else "seconds") + "Z"
