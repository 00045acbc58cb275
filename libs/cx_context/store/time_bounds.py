"""Represent a moment of the past as bounds on effective and recorded times."""

from __future__ import annotations

from dataclasses import dataclass

from cx_context.parts.model import Part
from cx_context.store.part_codec import (
    PartSpan,
)
from cx_events.facts import Fact
from cx_events.timestamps import END_OF_TIME, Micros


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """A moment of the past. ``as_of``: what had happened by then; ``known_at``: what the hub had been told by then.
    None is no bound."""

    as_of: Micros | None = None
    known_at: Micros | None = None

    @property
    def until(self) -> Micros:
        """Return the greatest effective time within: nothing happens after it is recorded."""
        return min(self.as_of if self.as_of is not None else END_OF_TIME, self.known_until)

    @property
    def known_until(self) -> Micros:
        """Return the greatest recorded time within."""
        return self.known_at if self.known_at is not None else END_OF_TIME

    @property
    def parameters(self) -> dict[str, Micros]:
        return {"until": self.until, "known_until": self.known_until}

    def holds(self, fact: Fact) -> bool:
        return fact.effective <= self.until and fact.recorded <= self.known_until

    def holds_all(self, part: Part | PartSpan) -> bool:
        return part.until <= self.until and part.last_recorded <= self.known_until

    def may_hold(self, part: Part | PartSpan) -> bool:
        """Return False where no fact of the part can be within."""
        return part.since <= self.until and part.first_recorded <= self.known_until

    @property
    def is_cut_twice(self) -> bool:
        """Return whether a part may have facts within each bound and none within both."""
        return self.as_of is not None and self.known_at is not None


NO_BOUNDS = TimeBounds()

WITHIN = "effective <= :until AND recorded <= :known_until"
"""SQL: a row within time bounds; its parameters are ``TimeBounds.parameters``."""
