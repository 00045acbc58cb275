"""Read a query strictly: refuse a parameter that is unknown, repeated or malformed."""

from __future__ import annotations

from typing import TypeVar

from cx_events.errors import Refused
from cx_events.timestamps import Micros
from cx_ops.moments import read_moment
from cx_runtime.query_fields import read_fields

MOST_CHARACTERS = 64_000

T = TypeVar("T", bound=str)


PROSE = frozenset({"text", "where", "why"})
"""Parameters in which a ``+`` is a space, as forms write it."""


def read_reason(why: str) -> str:
    """Return why an operator acts, trimmed. Raises ``Refused("no-reason", 400)`` where nothing is said."""
    if not why.strip():
        raise Refused("no-reason", "say why: an event tells of it", 400)
    return why.strip()


class OpsQuery:
    """The fields of one query string."""

    def __init__(self, raw: bytes, *allowed: str) -> None:
        """Raises ``Refused`` (400): ``bad-query``, ``unknown-parameter``."""
        if len(raw) > MOST_CHARACTERS:
            raise Refused("bad-query", "the query is too long", 400)
        fields = read_fields(raw, allowed, prose=PROSE)
        self._fields = {name: value for name, (value,) in fields.items()}

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
