"""Hold a rendered context as it is sent."""

from __future__ import annotations

from typing import NamedTuple

from cx_events.ids import NodeId


class RenderedContext(NamedTuple):
    """A context's body as bytes.

    ``moved_at``: when a projector last moved on, in seconds since 1970. ``digest``: of the body's bytes, 16 hex digits.
    """

    customer: NodeId
    version: int
    moved_at: float
    body: bytes
    digest: str
