"""Lists, times and numbers as Intercom writes them; what is of another shape counts as absent."""

from __future__ import annotations

import re
from typing import Any

from cx_channels.kit.json_values import Json, objects, text
from cx_events.errors import Refused
from cx_events.timestamps import Micros, parse_time

_WHOLE = re.compile(r"[0-9]{1,12}")
_YEAR_9999 = 253_370_764_800  # seconds; RFC 3339 has no room for what comes after
_LONGEST_SEQUENCE = 18  # digits


def listed(value: Any, *names: str) -> list[Json]:
    """The objects of a list, or of one that is wrapped: ``{"type": "contact.list", "contacts": [...]}``, in newer
    places ``{"type": "list", "data": [...]}``."""
    if isinstance(value, dict):
        return next((found for name in (*names, "data") if (found := objects(value.get(name)))), [])
    return objects(value)


def micros(value: Any) -> Micros | None:
    """A Unix time in seconds, as a number or a text, or RFC 3339: contacts of API 1.x write the latter."""
    written = text(value)
    if not _WHOLE.fullmatch(written):
        return _of_text(written) if written else None
    at = int(written)
    return at * 1_000_000 if 0 < at < _YEAR_9999 else None


def whole(value: Any) -> int | None:
    """A number that can order events: ids of parts grow with time."""
    written = text(value)
    return int(written) if written.isascii() and written.isdecimal() and len(written) <= _LONGEST_SEQUENCE else None


def _of_text(written: str) -> Micros | None:
    try:
        at = parse_time(written)
    except Refused:
        return None
    return at if 0 < at < _YEAR_9999 * 1_000_000 else None
