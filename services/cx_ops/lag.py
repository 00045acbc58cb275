"""Measure the consumer lag of the projectors."""

from __future__ import annotations

import asyncio
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
    ends = {Partition(topic, number): end for topic in TOPICS for number, end in (await log.end_offsets(topic)).items()}

    async def lag(partition: Partition, end: int) -> Lag:
        position, owner, _ = done.get(partition, (0, "", 0.0))
        behind = max(end - position, 0)
        seconds = await _age(log, partition, position) if behind else 0.0
        return Lag(*partition, behind, round(seconds, 1), position, end, owner or None)

    return await asyncio.gather(*(lag(partition, end) for partition, end in sorted(ends.items(), key=_by_topic)))


def _by_topic(item: tuple[Partition, int]) -> tuple[int, int]:
    return TOPICS.index(item[0].topic), item[0].number


async def _age(log: Log, partition: Partition, position: int) -> float:
    reader = log.reader()
    reader.assign({partition: position})
    try:
        records = await reader.read(1, wait=2.0)
    finally:
        await reader.close()
    return max(time.time() - records[0].timestamp / 1000, 0.0) if records else 0.0
