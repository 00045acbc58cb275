"""Read a query strictly: refuse a parameter that is unknown, repeated or malformed."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from cx_events.client_attributes import MAX_NAME
from cx_events.errors import Refused
from cx_events.timestamps import Micros, parse_time
from cx_runtime.query_fields import read_fields

MAX_WAIT = 30.0
DEFAULT_WAIT = 2.0
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_AT_LEAST = 20
MAX_INTERACTION = 512
PAGING = ("cursor", "limit")
_DURATION = re.compile(r"([0-9]{1,9})(ms|s)")
_WHOLE = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class EventName(NamedTuple):
    """An event's name; as text ``SOURCE#ID``."""

    source: str
    id: str

    def __str__(self) -> str:
        return f"{self.source}#{self.id}"


class Query:
    """The fields of one query string. ``+`` is read as ``+``, so that a telephone number needs no escaping."""

    def __init__(self, raw: bytes, allowed: Collection[str], repeatable: Collection[str] = ()) -> None:
        """Raises ``Refused`` (400): ``bad-query``, ``unknown-parameter``."""
        self._fields = read_fields(raw, allowed, repeatable=repeatable)

    def text(self, name: str) -> str | None:
        found = self._fields.get(name)
        return found[0] if found else None

    def texts(self, name: str) -> list[str]:
        """Return all values of a parameter that may be repeated."""
        return list(self._fields.get(name, ()))

    def whole(self, name: str, most: int) -> int | None:
        """Return a number from 1 to ``most``, None where there is none. Raises ``Refused("bad-limit", 400)``."""
        text = self.text(name)
        if text is None:
            return None
        if _WHOLE.fullmatch(text) is None or not 1 <= int(text) <= most:
            raise Refused("bad-limit", f"{name}={text[:20]}: expected 1 to {most}", 400)
        return int(text)

    def event(self) -> EventName:
        """Return the event that ``source`` and ``id`` name.

        Raises ``Refused`` (400): ``bad-query``, ``bad-event-name``.
        """
        source, id = self.text("source"), self.text("id")
        if source is None or id is None:
            raise Refused("bad-query", "Name the event by both source=S and id=I.", 400)
        return _checked(EventName(source, id))

    def limit(self) -> int:
        """Return the number of items of a page. Raises ``Refused("bad-limit", 400)``."""
        return self.whole("limit", MAX_LIMIT) or DEFAULT_LIMIT

    def flag(self, name: str) -> bool:
        text = self.text(name)
        if text not in (None, "true", "false"):
            raise Refused("bad-query", f"{name}={text[:20]}: expected true or false", 400)
        return text == "true"

    def at_least(self) -> list[EventName]:
        names = self._fields.get("at_least", [])
        if len(names) > MAX_AT_LEAST:
            raise Refused("bad-query", f"at_least is given more than {MAX_AT_LEAST} times.", 400)
        return [event_name(text) for text in names]

    def wait(self) -> float:
        """Return seconds to wait: ``wait``; without it ``DEFAULT_WAIT`` if there is an ``at_least``, else 0."""
        text = self.text("wait")
        if text is None:
            return DEFAULT_WAIT if "at_least" in self._fields else 0.0
        match = _DURATION.fullmatch(text)
        if match is None:
            raise Refused("bad-duration", f"wait={text[:20]}: expected a duration like 2s or 500ms", 400)
        return min(int(match[1]) / (1000 if match[2] == "ms" else 1), MAX_WAIT)

    def moment(self, name: str) -> Micros | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse_time(text)
        except Refused as error:
            raise Refused("bad-time", f"{name}: {error.detail}", 400) from None


def event_name(text: str) -> EventName:
    """Parse ``SOURCE#ID``. Raises ``Refused("bad-event-name", 400)``."""
    source, _, id = text.partition("#")
    return _checked(EventName(source, id))


def _checked(name: EventName) -> EventName:
    text = str(name)
    fits = 0 < len(name.source) <= MAX_NAME and 0 < len(name.id) <= MAX_NAME
    if not fits or _CONTROL.search(text) is not None:
        raise Refused(
            "bad-event-name", f"{text[:64]!r} is no event name: expected SOURCE#ID (write # as %23 in a query).", 400
        )
    return name
