"""Describe requests, answers and operations: what a client does, as values."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec

from cx_events.json_types import Json

T = TypeVar("T")

Query = tuple[tuple[str, str], ...]
"""Fields of a query, in order; names may repeat."""


@dataclass(frozen=True, slots=True)
class Request:
    """``path``: from the hub's root. ``content``: None for no body."""

    method: str
    path: str
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers``: by names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    def json(self) -> Json:
        """Return the body if it is a JSON object, else an empty one."""
        try:
            found = msgspec.json.decode(self.content)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        return found if isinstance(found, dict) else {}


class NoAnswer(NamedTuple):
    """A network's failure: nobody knows whether the request arrived."""

    why: str


class Pause(NamedTuple):
    seconds: float


Operation: TypeAlias = Generator[Request | Pause, Answer | NoAnswer | None, T]
"""Yields a ``Request`` and is sent an ``Answer`` or ``NoAnswer``; yields a ``Pause`` and is sent None."""


def query_of(**fields: str | int | bool | None) -> Query:
    """Return the fields that are not None; a trailing ``_`` keeps a name from being Python's."""
    return tuple(
        (name.rstrip("_"), str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in fields.items()
        if value is not None
    )
