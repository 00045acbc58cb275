"""Whether a contact is live, since when its customer waits, and whether its conversation is open."""

from __future__ import annotations

from collections.abc import Iterable

from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_events.timestamps import Micros


def is_live(part: Part) -> bool:
    """An ended interaction stays ended unless an event resumes it."""
    return part.ended is None or (part.resumed is not None and part.resumed > part.ended[0])


def waiting_since(part: Part) -> Micros | None:
    """Since when the customer waits in an interaction that is live: the first thing said (or the queue) unanswered."""
    if not is_live(part):
        return None
    replied = max((at for at in (part.business_spoke, part.answered) if at is not None), default=None)
    waits = [at for at in (part.customer_spoke, part.queued) if at is not None and (replied is None or at > replied)]
    if not waits:
        return None
    for at, role, *_ in part.said:
        if role == "customer" and (replied is None or at > replied):
            waits.append(at)
    return min(waits)[0]


def conversation_state(members: Iterable[Part]) -> str:
    """``resolved`` if the latest resolve sorts after the latest customer message and reopening, else ``open``."""
    parts = list(members)
    resolved = [order_of(part, part.resolved[0]) for part in parts if part.resolved is not None]
    if not resolved:
        return "open"
    since = [order_of(part, at) for part in parts for at in (part.customer_spoke, part.reopened) if at is not None]
    return "resolved" if not since or max(resolved) > max(since) else "open"
