"""Tell a client the outcome of each event that it sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from cx_events.typos import Typo


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event of a batch that was refused. ``index``: its place in the batch."""

    index: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The outcome for each of a client's events; ``accepted`` holds (source, id) in order, ``typos`` what accepted
    events probably misspell, each with the event's index. ``events``: their bytes, of a dry run alone."""

    accepted: list[tuple[str, str]] = field(default_factory=list)
    rejected: list[RejectedEvent] = field(default_factory=list)
    typos: list[tuple[int, Typo]] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
