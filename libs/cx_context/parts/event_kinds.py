"""Tell by an event's type what its place in a context is."""

from __future__ import annotations

from functools import lru_cache

from cx_events.activity import WRITTEN_TYPES
from cx_events.facts import DIRECTORY_FAMILY


@lru_cache(1024)
def makes_part(event_type: str) -> bool:
    """Return whether events of a type are folded into parts.

    Identity decisions are not: they say who is who, not what happened. So one that is withdrawn leaves no trace. What
    operators did to the hub is not, either, nor who agents and queues are: it happened to no customer.
    """
    if event_type.startswith(("cx.operations.", DIRECTORY_FAMILY)):
        return False
    return not event_type.startswith("cx.identity.") or event_type.endswith((".asserted.v1", ".verified.v1"))


ABOUT_CUSTOMERS = "cx.customer."
"""Begins the types by which other systems tell what they know about a customer. That happened in no contact."""

SPEECH_TYPES = frozenset(
    {*WRITTEN_TYPES, "cx.social.mention.v1", "cx.social.post.v1", "cx.social.comment.v1", "cx.social.review.v1"}
)
"""The types of events that are messages themselves."""
