"""How much, how fast and how long: the bounds of this service in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from cx_runtime.http import BodyLimits

MAX_QUERY_FIELDS = 1000
"""Of one webhook's query string."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``body``: of events, and of webhooks whose provider sets no limit of its own. ``vcon_bytes``: of a vCon, whose
    recordings may stand in it."""

    body: BodyLimits = field(default_factory=BodyLimits)
    vcon_bytes: int = 8 << 20
