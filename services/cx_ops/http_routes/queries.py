"""Read a query strictly: refuse a parameter that is unknown, repeated or malformed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from cx_events.errors import Refused
from cx_events.timestamps import Micros
from cx_ops.moments import read_moment

MOST_FIELDS = 64
MOST_CHARACTERS = 64_000

T = TypeVar("T", bound=str)


PROSE = frozenset({"text", "why"})
"""Parameters in which a ``+`` is a space, as forms write it. In all others it is a ``+``, so that an offset from UTC
needs no escaping."""


class OpsQuery:
    """The fields of one query string."""

    def __init__(self, raw: bytes, *allowed: str) -> None:
        """Raises ``Refused`` (400): ``bad-query``, ``unknown-parameter``."""
        self._fields: dict[str, str] = {}
        pairs = [pair for pair in raw.split(b"&") if pair]
        if len(pairs) > MOST_FIELDS or len(raw) > MOST_CHARACTERS:
            raise Refused("bad-query", "the query is too long", 400)
        for pair in pairs:
            name, _, value = pair.partition(b"=")
            named = _text(name)
            self._add(named, _text(value.replace(b"+", b" ") if named in PROSE else value), allowed)

    def _add(self, name: str, value: str, allowed: Collection[str]) -> None:
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise Refused("unknown-parameter", f"unknown parameter {name[:64]!r}; this path takes: {known}", 400)
        if name in self._fields:
            raise Refused("bad-query", f"the parameter {name} is given twice", 400)
        self._fields[name] = value

    def text(self, name: str) -> str:
        """Return a parameter, empty where it is not given. No store of text takes NUL, so nothing is known by it."""
        found = self._fields.get(name, "")
        if "\0" in found:
            raise Refused("bad-query", f"the parameter {name} holds NUL", 400)
        return found

    def has(self, name: str) -> bool:
        return name in self._fields

    def number(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number, None where it is not given. Raises ``Refused("bad-query", 400)`` beyond the bounds."""
        text = self._fields.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 20) or not low <= int(text) <= high:
            raise Refused("bad-query", f"{name} is a number from {low} to {high}", 400)
        return int(text)

    def choice(self, name: str, choices: tuple[T, ...], default: T) -> T:
        """Return one of some words. Raises ``Refused("bad-query", 400)`` for another."""
        text = self._fields.get(name)
        if text is None:
            return default
        for each in choices:
            if text == each:
                return each
        raise Refused("bad-query", f"{name} is one of {', '.join(choices)}", 400)

    def moment(self, name: str) -> Micros | None:
        """Return a time in µs, None where it is not given. Raises ``Refused("bad-time", 400)``."""
        text = self._fields.get(name)
        return None if text is None else read_moment(text, name)


def _text(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("bad-query", "the query is not UTF-8", 400) from None
