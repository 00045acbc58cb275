"""Tell of each connection what came last by it, and what of that could not be used last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cx_context.store import Store, dead_letters
from cx_context.store.dead_letters import LetterFilter
from cx_events.dead_letters import DeadLetter
from cx_events.facts import connection_source
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log
from cx_events.timestamps import format_time
from cx_ops.log_browsing.pages import PageLimits, read_page
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.log_browsing.seeking import Seek

MOST_SCANNED = 200_000
"""Records that are looked at, the latest first, before an older event is given up."""


class ConnectionTraffic(NamedTuple):
    """``last_event``: its time, type, source and id; ``last_error``: the latest dead letter that nobody discarded and
    that waits for no adapter. None for none."""

    last_event: Json | None
    last_error: Json | None

    @property
    def is_failing(self) -> bool:
        """Return whether what came last could not be used."""
        if self.last_error is None:
            return False
        return self.last_event is None or bool(self.last_error["time"] > self.last_event["time"])


class TrafficFound(NamedTuple):
    """``by_connection``: by the connection's id. ``looked_back_to``: events before that time were not looked for; empty
    where all were."""

    by_connection: Mapping[str, ConnectionTraffic]
    looked_back_to: str


async def read_traffic(
    log: Log,
    store: Store,
    connections: Mapping[str, str],
    most: int = MOST_SCANNED,
    *,
    seconds: float | None = None,
) -> TrafficFound:
    """Return what came last. ``connections``: the tenant of each id. ``seconds``: after which events are given up that
    were not found yet. Raises ``TryLater`` where a part is away."""
    events, looked_back_to = await _read_events(log, connections, most, seconds)
    errors: dict[str, Json] = {}
    async with store.reading() as tx:
        for id, tenant in connections.items():
            wanted = LetterFilter((tenant,), source=connection_source(tenant, id), state="failed")
            for letter in await dead_letters.listed(tx, wanted, most=1):
                errors[id] = _error(letter)
    return TrafficFound({id: ConnectionTraffic(events.get(id), errors.get(id)) for id in connections}, looked_back_to)


async def _read_events(
    log: Log, connections: Mapping[str, str], most: int, seconds: float | None
) -> tuple[dict[str, Json], str]:
    """Return the latest event of each connection, and how far back was looked."""
    missing = {connection_source(tenant, id): id for id, tenant in connections.items()}
    found: dict[str, Json] = {}
    looked_back_to = 0

    def is_latest(record: BrowsedRecord) -> bool:
        nonlocal looked_back_to
        looked_back_to = record.record.timestamp
        id = missing.pop(record.text("source"), None)
        if id is not None:
            found[id] = _event(record)
        return id is not None

    if not missing:
        return found, ""
    limits = PageLimits(len(missing), scanned=most, seconds=seconds)
    page = await read_page(log, INTERACTIONS, Seek("newest"), is_latest, limits)
    return found, "" if page.is_last or not missing else format_time(looked_back_to * 1000)


def _event(record: BrowsedRecord) -> Json:
    names = {"type": record.text("type"), "source": record.text("source"), "id": record.text("id")}
    return {"time": record.text("recordedtime"), **names}


def _error(letter: DeadLetter) -> Json:
    names = ("stage", "reason", "detail", "source", "id")
    return {"time": letter.recorded, **{name: getattr(letter, name) for name in names}}
