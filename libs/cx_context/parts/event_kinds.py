"""What an event's type says about its place in a context."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(1024)
def makes_part(event_type: str) -> bool:
    """Return whether events of a type are folded into parts.

    Identity decisions are not: they say who is who, not what happened. So one that is withdrawn leaves no trace.
    """
    return not event_type.startswith("cx.identity.") or event_type.endswith((".asserted.v1", ".verified.v1"))
