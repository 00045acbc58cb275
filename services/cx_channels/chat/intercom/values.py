"""Read lists, times and numbers as Intercom writes them; a value of another shape counts as absent."""

from __future__ import annotations

from typing import Any

from cx_channels.kit.json_values import objects, text
from cx_channels.kit.times import YEAR_9999, is_unix_seconds, iso_time, unix_seconds
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_LONGEST_SEQUENCE = 18  # digits


def listed(value: Any, *names: str) -> list[Json]:
    """Return the objects of a list, also of a wrapped one: ``{"type": "contact.list", "contacts": [...]}``, in newer
    versions ``{"type": "list", "data": [...]}``."""
    if isinstance(value, dict):
        return next((found for name in (*names, "data") if (found := objects(value.get(name)))), [])
    return objects(value)


def micros(value: Any) -> Micros | None:
    """Return a time in microseconds, from Unix seconds (a number or text) or RFC 3339, which
    contacts of API 1.x have."""
    if is_unix_seconds(value):
        return unix_seconds(value)
    at = iso_time(text(value))
    return at if at is not None and at < YEAR_9999 else None


def whole(value: Any) -> int | None:
    """Return a number that can order events: ids of parts grow with time."""
    written = text(value)
    return int(written) if written.isascii() and written.isdecimal() and len(written) <= _LONGEST_SEQUENCE else None
