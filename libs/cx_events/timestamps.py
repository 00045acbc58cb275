"""Convert times: RFC 3339 text at the edges, integer microseconds since 1970-01-01T00:00:00Z inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cx_events.errors import Refused

Micros = int
"""Microseconds since the Unix epoch, UTC."""

BEGINNING_OF_TIME: Micros = -(1 << 63)
END_OF_TIME: Micros = (1 << 63) - 1
"""The least and the greatest time that a store's integer holds: before and after every event."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = -62_135_596_800_000_000
_LAST = 253_402_300_799_999_999

_MICROS_OF = (0, 100_000, 10_000, 1_000, 100, 10, 1)
"""Microseconds in one unit of the last digit of a fraction, by the number of its digits."""

# The form that we write ourselves, which is what the log holds; anything else takes the slower way below.
_is_canonical = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{6})?Z").fullmatch
_rfc3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-5][0-9]|60)(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-5][0-9])"
).fullmatch


def parse_time(text: str) -> Micros:
    """Return RFC 3339 text in microseconds; digits past the sixth of a second are cut off.

    Raises ``Refused("bad-time")`` for anything else, a time without an offset or outside of the years 1 to 9999 in UTC
    included. A leap second (``:60``, RFC 3339 section 5.7) counts as the last microsecond of its minute.
    """
    if len(text) == 27 and text[19] == "." and text[26] == "Z" and text[17] != "6":  # as the hub itself writes it
        fraction = text[20:26]
        return _second(text[:19]) + int(fraction) if fraction.isascii() and fraction.isdecimal() else _parse(text)
    if len(text) < 20 or text[-1] != "Z" or text[17] == "6":  # a leap second
        return _parse(text)
    if len(text) == 20:
        return _second(text[:19])
    fraction = text[20:-1]
    if text[19] != "." or not (fraction.isascii() and fraction.isdecimal()):
        return _parse(text)
    fraction = fraction[:6]
    return _second(text[:19]) + int(fraction) * _MICROS_OF[len(fraction)]


@lru_cache(1024)
def _second(text: str) -> Micros:
    """Return the time of a text without fraction and zone. Cached: events read together fall into few seconds."""
    return _parse(text + "Z")


def _parse(text: str) -> Micros:
    canonical = _is_canonical(text)
    try:
        since = datetime.fromisoformat(text if canonical else _canonical(text)) - _EPOCH
    except ValueError as error:
        raise Refused("bad-time", f"{text[:64]!r} is not a time: {error}") from None
    at = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if not canonical and not _FIRST <= at <= _LAST:
        raise Refused("bad-time", f"{text[:64]!r} is not in the years 1 to 9999 of UTC")
    return at


def _canonical(text: str) -> str:
    """Any RFC 3339 text in the one form that ``datetime`` reads alike in every version of Python."""
    match = _rfc3339(text)
    if match is None:
        raise Refused("bad-time", f"{text[:64]!r} is not an RFC 3339 time with an offset, like 2026-11-22T10:02:11Z")
    date, minute, second, fraction, offset = match.groups("")
    if second == "60":
        second, fraction = "59", "999999"
    return f"{date}T{minute}:{second}.{fraction[:6]:0<6}{offset.upper()}"


def format_time(at: Micros) -> str:
    """Microseconds to RFC 3339 in UTC: whole seconds short (``10:02:11Z``), otherwise six digits.

    Raises ``Refused("bad-time")`` outside of the years 1 to 9999, where RFC 3339 ends.
    """
    second, fraction = divmod(at, 1_000_000)
    return f"{_text_of(second)}.{fraction:06d}Z" if fraction else _text_of(second) + "Z"


def rewritten_time(text: str) -> str:
    """Return RFC 3339 text as ``format_time`` writes the time that ``parse_time`` reads from it. Raises as they do."""
    if len(text) == 27 and text[19] == "." and text[26] == "Z" and text[17] != "6":
        fraction = text[20:26]
        if fraction.isascii() and fraction.isdecimal() and fraction != "000000":
            return _rewritten_second(text[:19]) + text[19:]
    elif len(text) == 20 and text[19] == "Z" and text[17] != "6":
        return _rewritten_second(text[:19]) + "Z"
    return format_time(parse_time(text))


@lru_cache(1024)
def _rewritten_second(text: str) -> str:
    return _text_of(_second(text) // 1_000_000)


@lru_cache(8192)
def _text_of(second: int) -> str:
    """A second of UTC, without fraction and zone. A context shows the same moment in several places."""
    if not _FIRST <= second * 1_000_000 <= _LAST:
        raise Refused("bad-time", f"{second} s since 1970 is not in the years 1 to 9999 of UTC")
    return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat(timespec="seconds")
