"""Tell a log that was truncated, made anew or restored to an earlier point from one that a store is merely behind.

Behind: the log goes on after the store's offset. Another log: it ends before the offset, or begins after it, or the
last record that was applied is not the one that lies there now. Then nothing is applied: what lies at the offsets
would be skipped, or counted twice, and nobody would know.
"""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store import Store, dead_letters
from cx_context.store.events import read_raws
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.errors import Refused, TryLater
from cx_events.facts import key_of, replace_nul
from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_events.log.merged_reader import MergedReader
from cx_projectors.dead_letters import digest_of

_WHAT_TO_DO = (
    "Nothing is applied from it. Bring back the log that this store was filled from; or, where this log is right, fill "
    "an empty store from it (docs/operators.md, 'A log that is another one')"
)


class LogDiffers(TryLater):
    """The log is not the one that the store was filled from. It may be brought back, so the projector waits."""

    def __init__(self, what: str) -> None:
        super().__init__("log", f"{what}. {_WHAT_TO_DO}")


async def check_same_log(store: Store, log: Log, positions: Mapping[Partition, int]) -> None:
    """Raise ``LogDiffers`` where the log does not go on where the store is. ``positions``: next offsets to apply.

    Raises ``TryLater`` where log or store do not answer.
    """
    applied = {partition: offset for partition, offset in positions.items() if offset > 0}
    last: dict[Partition, int] = {}
    for topic in sorted({partition.topic for partition in applied}):
        ends, begins = await log.end_offsets(topic), await log.begin_offsets(topic)
        for partition, offset in applied.items():
            if partition.topic == topic:
                _check_bounds(partition, offset, begins.get(partition.number, 0), ends.get(partition.number, 0))
                if topic == INTERACTIONS and begins.get(partition.number, 0) < offset:
                    last[partition] = offset - 1
    reader = MergedReader(log, last, {partition: offset + 1 for partition, offset in last.items()})
    try:
        records = await reader.read(len(last), 1 << 40) if last else []
    finally:
        await reader.close()
    async with store.reading() as tx:
        for record in records:
            if not await _is_known(tx, record):
                raise LogDiffers(
                    f"{record.topic}/{record.partition} has another record at {record.offset} than the one that was "
                    "applied from there: the log was made anew, or restored from a backup and continued"
                )


def _check_bounds(partition: Partition, offset: int, begin: int, end: int) -> None:
    name = f"{partition.topic}/{partition.number}"
    if end < offset:
        raise LogDiffers(
            f"{name} ends at {end}, and {offset} of its records were applied: the log was truncated, made anew, or "
            "restored from an earlier backup"
        )
    if begin > offset:
        raise LogDiffers(f"{name} begins at {begin}, and the next record to apply is {offset}: those between are gone")


async def _is_known(tx: Tx, record: LogRecord) -> bool:
    """Return whether the store has what a record became: an event, or the dead letter of what is none."""
    try:
        event, _ = decode_leniently(record.value)
    except (Refused, RecursionError):
        return bool(await dead_letters.found(tx, digest_of(record.value)))
    try:
        key = key_of(replace_nul(event, record.value))
    except Refused:
        return bool(await dead_letters.found(tx, digest_of(record.value)))
    return bool(await read_raws(tx, [key]) or await dead_letters.found(tx, digest_of(record.value)))
