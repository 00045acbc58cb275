"""Make drafts of events: what the mapping of every vendor needs, whatever the notice says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Unmapped
from cx_events.envelope import Channel, Data, Draft
from cx_events.timestamps import Micros

_LISTED = (list, tuple)


def make_draft(
    connection: Connection,
    channel: Channel,
    event_type: str,
    id: str,
    *,
    raw: bytes | Raw,
    root: str = "",
    time: Micros | None = None,
    sequence: int | None = None,
    **data: Any,
) -> Draft:
    """Return the draft of one event.

    ``id``: made of the vendor's own ids. ``raw``: what the vendor sent of it, as JSON on one line. ``root``: what tells
    the interaction within the connection, "" for an event of none. ``data``: the other fields of ``Data``.
    """
    return complete_draft(connection, channel, event_type, id, Data(**data), raw, root, time, sequence)


def complete_draft(
    connection: Connection,
    channel: Channel,
    event_type: str,
    id: str,
    data: Data,
    raw: bytes | Raw,
    root: str = "",
    time: Micros | None = None,
    sequence: int | None = None,
) -> Draft:
    """Return the draft of one event as ``make_draft`` does, from ``data`` that lack only channel, interaction and raw:
    those are set on it. Half the cost, since no names are passed on.
    """
    data.channel = channel
    if root:
        data.interaction = f"{connection.id}/{root}"
    data.raw = Raw(raw) if isinstance(raw, bytes) else raw
    return Draft(type=event_type, id=id, time=time, sequence=sequence, data=data)


def sort_outcomes(outcomes: Iterable[Outcome]) -> Mapped:
    """Return what the parts of one request became, each kind of outcome in its order."""
    if isinstance(outcomes, _LISTED) and len(outcomes) == 1:
        return _of_one(outcomes[0])
    drafts: list[Draft] = []
    ignored: list[Ignored] = []
    unmapped: list[Unmapped] = []
    for outcome in outcomes:
        if isinstance(outcome, Draft):
            drafts.append(outcome)
        elif isinstance(outcome, Ignored):
            ignored.append(outcome)
        else:
            unmapped.append(outcome)
    return Mapped(tuple(drafts), tuple(ignored), tuple(unmapped))


def _of_one(outcome: Outcome) -> Mapped:
    """Return what a request of one part became, as most are: a third of the cost of sorting."""
    if isinstance(outcome, Draft):
        return Mapped((outcome,))
    return Mapped(ignored=(outcome,)) if isinstance(outcome, Ignored) else Mapped(unmapped=(outcome,))
