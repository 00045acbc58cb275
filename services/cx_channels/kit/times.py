"""Read times as vendors write them, in microseconds since 1970 (UTC). What can't be read as a time is ``None``.

``Unix`` times are read as a number or as text that is one. The times of mail headers are read in ``kit/mail``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cx_channels.kit.json_values import number, text
from cx_events.errors import Refused
from cx_events.timestamps import Micros, parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_CACHED = 1024
"""Times that are cached: those of requests that come together fall into few seconds."""

LAST: Micros = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The last second that RFC 3339 can write."""

YEAR_9999: Micros = 253_370_764_800_000_000
"""The begin of the last year that RFC 3339 can write. Vendors write times in it for "never"."""

_MOST_DIGITS, _MOST_DIGITS_OF_LESS = 12, 18
"""Of a time in seconds; of one in seconds or less."""
_SECONDS_BELOW = 100_000_000_000
_MILLISECONDS_BELOW = 100_000_000_000_000

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Days and months occur under other names than the standard's ("Thurs, 20 July"): the day adds nothing, and of the month
# three letters are enough.
_RFC2822 = re.compile(
    r"(?:[A-Za-z]+,?\s+)?(\d{1,2})\s+([A-Za-z]{3})[A-Za-z]*\.?\s+(\d{4})\s+(\d\d):(\d\d):(\d\d)\s*(\S*)", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_UTC_NAMES = frozenset({"", "z", "utc", "gmt", "ut", "etc/utc", "etc/gmt"})


def is_unix_seconds(value: Any) -> bool:
    """Return whether a value is written as a whole number of seconds, whatever its size."""
    return _is_whole(text(value), _MOST_DIGITS)


def unix_seconds(value: Any) -> Micros | None:
    """Read a Unix time in whole seconds, after 1970 and before the year 9999."""
    at = (value if type(value) is int else _whole(value, _MOST_DIGITS)) * _SECOND
    return at if 0 < at < YEAR_9999 else None


def _whole(value: Any, most: int) -> int:
    """Return the whole number that a text is; 0 for anything else."""
    # As _is_whole asks, without a call: each event has a time.
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= most:
        return int(value)
    return 0


def _is_whole(written: str, most: int) -> bool:
    return written.isascii() and written.isdecimal() and len(written) <= most


def unix_time(value: Any) -> Micros | None:
    """Read a Unix time in seconds, milliseconds or microseconds, told apart by its size.

    For vendors that mix them (Meta writes seconds in feeds, milliseconds in messages, and both at entries).
    """
    at = value if type(value) is int else _whole(value, _MOST_DIGITS_OF_LESS)
    if at < _SECONDS_BELOW:
        at *= _SECOND
    elif at < _MILLISECONDS_BELOW:
        at *= 1000
    return at if 0 < at < YEAR_9999 else None


def fractional_seconds(value: Any) -> Micros | None:
    """Read a Unix time in seconds with a fraction, as a number or as text: ``1534108637.153125``.

    A double has a quarter of a microsecond there, so rounding finds the microsecond that was written.
    """
    found = number(value)
    at = round(found * _SECOND) if found is not None else 0
    return at if 0 < at < YEAR_9999 else None


def iso_time(written: str) -> Micros | None:
    """Read an ISO 8601 time (RFC 3339, with any number of digits of a second) after 1970.

    Earlier ones tell nothing: some vendors write the year 1 for "unknown".
    """
    if not written:
        return None
    try:
        at = parse_time(written)
    except Refused:
        return None
    return at if at > 0 else None


@lru_cache(_CACHED)
def rfc2822_time(written: str) -> Micros | None:
    """Read ``Sun, 25 Mar 2018 09:53:19 +0000``, also with ``Etc/UTC`` or no zone at the end, or an RFC 3339 time."""
    match = _RFC2822.fullmatch(written.strip())
    if match is None:
        try:
            return parse_time(written.strip())
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
