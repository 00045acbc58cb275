"""Tell how far lists are: they follow contexts within moments, and say so where they don't."""

from __future__ import annotations

from cx_context.store.listing_queue import Freshness
from cx_events.json_types import Json
from cx_events.timestamps import format_time


def lists_meta(found: Freshness) -> Json:
    """Return ``meta`` of a list."""
    current_to = format_time(int(found.current_to * 1_000_000)) if found.current_to else None
    return {"current_to": current_to, "complete": found.is_complete}
