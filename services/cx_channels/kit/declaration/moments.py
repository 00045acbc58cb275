"""Read times as a declaration says that the vendor writes them: ``time: $.at`` or ``{at: $.at, format: F, zone: Z}``.

``format``: ``auto`` (RFC 3339 and other ISO 8601 times, RFC 2822, Unix times in seconds, milliseconds or microseconds
told apart by their size), one of these alone, or a pattern of ``strptime``. ``zone``: an IANA name or an offset, for
times that name none; a local time that comes twice in a year is its first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from cx_channels.kit.declaration.expressions import compile_value, is_operation
from cx_channels.kit.declaration.mistakes import Place, listed
from cx_channels.kit.declaration.scope import Read, Scope, Unusable
from cx_channels.kit.json_values import number, text
from cx_channels.kit.times import YEAR_9999, iso_time, rfc2822_time, unix_time
from cx_events.timestamps import Micros

MOST_CHARACTERS = 64
UNITS: Mapping[str, int] = {"unix_seconds": 1_000_000, "unix_milliseconds": 1_000, "unix_microseconds": 1}
FORMATS = ("auto", "iso", "rfc2822", *UNITS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-5][0-9])")
_TRIED = datetime(2026, 3, 9, 17, 5, 7, tzinfo=UTC)
_ISO_PATTERNS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
"""Read as ISO 8601, ten times as fast."""

_MEMBERS = ("at", "format", "zone")

Parse = Callable[[Any], Micros | None]
"""Reads a value; None: it is no such time."""


def compile_time(given: Any, place: Place) -> Read:
    """Return what reads a time in microseconds. It raises ``Unusable("bad-time")`` for what is there and is no time."""
    if not isinstance(given, Mapping) or is_operation(given):
        return _checked(compile_value(given, place).read, _auto(None), place.text)
    members = place.members(given, _MEMBERS)
    if "at" not in members:
        place.wrong("'at' is missing: the value that is the time")
    zone = _zone(place.text_at(members, "zone"), place.at("zone"))
    written = place.text_at(members, "format", "auto")
    parse = _parser(written, zone, place.at("format"))
    if zone is not None and written in UNITS:
        place.at("zone").wrong("a Unix time has no zone")
    return _checked(compile_value(members.get("at"), place.at("at")).read, parse, place.text)


def _checked(read: Read, parse: Parse, place: str) -> Read:
    def read_time(s: Scope) -> Micros | None:
        value = read(s)
        if value is None or value == "":
            return None
        at = parse(value)
        if at is None or at >= YEAR_9999:
            shown = text(value)[:MOST_CHARACTERS] or type(value).__name__
            raise Unusable("bad-time", f"{place}: {shown!r} is not a time as declared")
        return at if at > 0 else None  # the year 1 and 1970 are "unknown" at many vendors

    return read_time


def _zone(name: str, place: Place) -> tzinfo | None:
    if not name:
        return None
    offset = _OFFSET.fullmatch(name)
    try:
        if offset is None:
            return ZoneInfo(name)
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-away if offset[1] == "-" else away)
    except (ValueError, OSError, LookupError):
        place.wrong(f"{name[:64]!r} is neither a zone like Europe/Lisbon nor an offset like +05:30")
        return None


def _parser(written: str, zone: tzinfo | None, place: Place) -> Parse:
    if written in UNITS:
        factor = UNITS[written]
        return lambda value: _unix(value, factor)
    if written == "auto":
        return _auto(zone)
    if written == "iso":
        return lambda value: _iso(value, zone) if isinstance(value, str) else None
    if written == "rfc2822":
        return lambda value: rfc2822_time(value) if isinstance(value, str) and _is_short(value) else None
    if written in _ISO_PATTERNS:
        return lambda value: _iso(text(value), zone)
    if "%" in written and _can_read_itself(written):
        return lambda value: _by_pattern(text(value), written, zone)
    place.wrong(f"{written[:64]!r} is none of {listed(FORMATS)}, nor a pattern like %d/%m/%Y %H:%M:%S")
    return lambda _value: None


def _can_read_itself(pattern: str) -> bool:
    try:
        datetime.strptime(_TRIED.strftime(pattern), pattern)
    except (ValueError, re.error, IndexError):
        return False
    return True


def _auto(zone: tzinfo | None) -> Parse:
    def parse(value: Any) -> Micros | None:
        if isinstance(value, str) and not value.isdecimal():
            return _iso(value, zone) if value[:1].isdecimal() and "-" in value else _fraction_or_mail(value)
        at = unix_time(value)
        return at if at is not None or isinstance(value, str) else _unix(value, _SECOND)

    return parse


def _fraction_or_mail(value: str) -> Micros | None:
    at = _unix(value, _SECOND)
    return at if at is not None or not _is_short(value) else rfc2822_time(value)


def _unix(value: Any, factor: int) -> Micros | None:
    found = number(value)
    return None if found is None or found < 0 or found * factor >= YEAR_9999 else round(found * factor)


def _iso(value: str, zone: tzinfo | None) -> Micros | None:
    if not _is_short(value):
        return None
    if value[-5:-4] in ("+", "-") and ":" in value and value[-4:].isdecimal():  # +0000, which RFC 3339 lacks
        value = f"{value[:-2]}:{value[-2:]}"
    if zone is None or value[-1:] in ("Z", "z") or value[-6:-5] in ("+", "-"):
        at = iso_time(value)
        if at is not None:
            return at
    try:
        return _micros(datetime.fromisoformat(value.strip()), zone)
    except ValueError:
        return None


def _by_pattern(value: str, pattern: str, zone: tzinfo | None) -> Micros | None:
    if not _is_short(value):
        return None
    try:
        return _micros(datetime.strptime(value.strip(), pattern), zone)
    except (ValueError, OverflowError):
        return None


def _micros(moment: datetime, zone: tzinfo | None) -> Micros | None:
    if moment.tzinfo is None:
        if zone is None:
            return None
        moment = moment.replace(tzinfo=zone)
    try:
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except OverflowError:
        return None


def _is_short(value: str) -> bool:
    return len(value) <= MOST_CHARACTERS
