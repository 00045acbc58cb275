"""Say what of a vendor's notification is kept beside its events, and bound how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cx_channels.provider import Ignored, Unmapped
from cx_events.dead_letters import NO_ADAPTER
from cx_events.envelope import Draft

Outcome = Draft | Ignored | Unmapped
"""What one part of a request becomes."""

MOST_OUTCOMES = 100
"""Of one notification. Vendors send one for each change, with the parts, tags and answers of that change."""


def no_adapter(kind: str, why: str, id: str, original: bytes) -> Unmapped:
    """Return what is kept of a notice of a kind that no adapter maps yet.

    ``kind``: as the provider's tables name it. ``why``: a sentence. ``id``: the same for each attempt to deliver the
    notice, another one for each notice. ``original``: what can be mapped again once there is an adapter.
    """
    return Unmapped(id, f"{NO_ADAPTER}: {kind}: {why}", original)


def bounded(
    outcomes: Iterable[Outcome], id: str | Callable[[], str], raw: bytes | Callable[[], bytes]
) -> Iterable[Outcome]:
    """Return the first ``MOST_OUTCOMES`` that are not ignored; where there are more, the notification is a dead letter,
    too. ``id``, ``raw``: the notification's own; what costs something is made where it is needed.

    Each event keeps the whole notification, so that many events of a long one would take quadratic time and space.
    """
    if isinstance(outcomes, tuple) and len(outcomes) <= MOST_OUTCOMES:
        return outcomes
    return _bounded(outcomes, id, raw)


def _bounded(
    outcomes: Iterable[Outcome], id: str | Callable[[], str], raw: bytes | Callable[[], bytes]
) -> Iterator[Outcome]:
    count = 0
    for outcome in outcomes:
        count += not isinstance(outcome, Ignored)
        if count > MOST_OUTCOMES:
            yield Unmapped(
                id if isinstance(id, str) else id(),
                f"too-many-events: more than {MOST_OUTCOMES} in one notification",
                raw if isinstance(raw, bytes) else raw(),
            )
            return
        yield outcome
