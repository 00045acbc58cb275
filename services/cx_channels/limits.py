"""Set the limits of this service: sizes, rates and times."""

from __future__ import annotations

from dataclasses import dataclass, field

from cx_runtime.http import BodyLimits

MAX_QUERY_FIELDS = 1000
"""The most fields in one webhook's query string."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of requests.

    ``body``: that of events, and of webhooks whose provider has no limit of its own. ``vcon_bytes``: that of a vCon,
    which may contain recordings.
    """

    body: BodyLimits = field(default_factory=BodyLimits)
    vcon_bytes: int = 8 << 20
