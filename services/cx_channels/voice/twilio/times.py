"""Twilio's times: RFC 2822 with liberties, or RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cx_events.errors import Refused
from cx_events.timestamps import Micros, parse_time

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Days and months occur under other names than the standard's ("Thurs, 20 July"): the day adds nothing, and of the month
# three letters are enough.
_RFC2822 = re.compile(
    r"(?:[A-Za-z]+,?\s+)?(\d{1,2})\s+([A-Za-z]{3})[A-Za-z]*\.?\s+(\d{4})\s+(\d\d):(\d\d):(\d\d)\s*(\S*)", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_UTC_NAMES = frozenset({"", "z", "utc", "gmt", "ut", "etc/utc", "etc/gmt"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LAST: Micros = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""RFC 3339 has no room for what comes after."""


def read_time(text: str) -> Micros | None:
    """``Sun, 25 Mar 2018 09:53:19 +0000``, also with ``Etc/UTC`` or no zone at the end, or RFC 3339; else None."""
    match = _RFC2822.fullmatch(text.strip())
    if match is None:
        try:
            return parse_time(text.strip())
        except Refused:
            return None
    day, month, year, hour, minute, second, zone = match.groups()
    offset = _offset(zone)
    if offset is None or month.lower() not in _MONTHS:
        return None
    try:
        moment = datetime(
            int(year), _MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        at = (moment - _EPOCH - offset) // timedelta(microseconds=1)
        return at if at <= LAST else None
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta | None:
    if zone.lower() in _UTC_NAMES:
        return timedelta()
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset
