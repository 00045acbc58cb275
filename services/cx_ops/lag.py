"""Consumer lag of the projectors."""

from __future__ import annotations

import time

from msgspec import Struct

from cx_context.store import Store, offsets
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, Partition

TOPICS = (INTERACTIONS, DEAD_LETTERS)


class Lag(Struct, frozen=True):
    """One partition. ``events`` are not applied yet; ``seconds``: since the log took the first of them. ``position``:
    the next to apply; ``end``: where the log ends. ``owner``: the worker that has it now."""

    topic: str
    partition: int
    events: int
    seconds: float
    position: int
    end: int
    owner: str | None


async def lag_of(log: Log, store: Store) -> list[Lag]:
    """Return the lag of every partition that projectors apply. Raises ``TryLater`` where log or store do not answer."""
    async with store.reading() as tx:
        done = await offsets.progress(tx)
    found = []
    for topic in TOPICS:
        for number, end in sorted((await log.end_offsets(topic)).items()):
            position, owner, _ = done.get(Partition(topic, number), (0, "", 0.0))
            behind = max(end - position, 0)
            seconds = await _age(log, Partition(topic, number), position) if behind else 0.0
            found.append(Lag(topic, number, behind, round(seconds, 1), position, end, owner or None))
    return found


async def _age(log: Log, partition: Partition, position: int) -> float:
    reader = log.reader()
    reader.assign({partition: position})
    try:
        records = await reader.read(1, wait=2.0)
    finally:
        await reader.close()
    return max(time.time() - records[0].timestamp / 1000, 0.0) if records else 0.0
