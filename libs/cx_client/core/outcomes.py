"""Tell the outcomes of sending events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cx_events.json_types import Json


class EventName(NamedTuple):
    """The name by which an event is known: ``SOURCE#ID`` as text."""

    source: str
    id: str

    def __str__(self) -> str:
        return f"{self.source}#{self.id}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that the hub refused, or that is no JSON. ``index``: its place among those that were given."""

    index: int
    event: Json
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Warned:
    """An event that was accepted and probably holds a typo at ``place``; ``nearest``: the known word."""

    index: int
    place: str
    nearest: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of a sending: an event is either accepted (it is durable) or rejected. ``stored``: of a dry run, the
    events as they would be stored."""

    accepted: tuple[EventName, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[Warned, ...] = ()
    stored: tuple[Json, ...] = ()
