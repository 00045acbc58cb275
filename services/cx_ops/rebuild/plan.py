"""Estimate how much a rebuild has to do, how long it may take, how much room it needs, and what is locked when."""

from __future__ import annotations

from msgspec import Struct

from cx_context.store import Store, shadow
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log

ASSUMED_RATE = 3_000.0
"""Events a second of one worker, where nothing better is known."""

LOCKS = (
    "while the shadow is filled and compared: none; readers, followers and projectors go on",
    "at the switch, projectors: they wait while the last events are applied and compared, seconds at most",
    "at the switch, readers: on PostgreSQL every table of the store for some tenths of a second; on SQLite none",
)


class Plan(Struct, frozen=True):
    """``events``: records to apply. ``seconds``: about how long filling takes at ``rate`` events a second. ``bytes``:
    what the second set of tables takes on the store's disk; as much again while SQLite exchanges. ``locks``: sentences.
    """

    events: int
    rate: float
    seconds: float
    bytes: int
    locks: tuple[str, ...] = LOCKS


async def plan_of(store: Store, log: Log, *, rate: float | None, known_rate: float = 0.0) -> Plan:
    """Return a plan; changes nothing. ``rate``: the limit that the operator sets; ``known_rate``: that of an earlier
    rebuild."""
    events = 0
    for topic in (INTERACTIONS, DEAD_LETTERS):
        events += sum((await log.end_offsets(topic)).values())
    expected = min(rate or float("inf"), known_rate or ASSUMED_RATE)
    return Plan(events, round(expected, 1), round(events / expected, 1), await shadow.bytes_of(store))
