"""Check a store's epoch against the log, for ``cx verify``.

Once anything was applied, the one row of ``store_epoch`` must hold the store's id, and one more than the offset of a
record on ``cx.stores`` that names that id. What the broker no longer keeps is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from cx_context.change_notifications import StoreOpened
from cx_context.store.epochs import StoreEpoch
from cx_context.versions import LAST_EPOCH
from cx_events.errors import Fatal
from cx_events.log import STORES, Log, Partition

_decode = msgspec.json.Decoder(StoreOpened).decode


class Announcement(NamedTuple):
    """The record to which a store's epoch points. ``end``: the topic's end. ``store``: the id that the record names,
    empty for one that can't be read; None where there is no record, or none any more."""

    end: int
    store: str | None


async def epoch_faults(found: StoreEpoch | None, log: Log, *, applied: bool) -> Sequence[str]:
    """Return what is wrong with a store's row of ``store_epoch``, as sentences. ``applied``: whether anything was
    applied to the store. Raises ``TryLater`` where the log does not answer."""
    if found is None:
        return ["store_epoch: the row is missing"] if applied else []
    return list(faults_of(found, await announcement_of(log, found.epoch)))


def faults_of(found: StoreEpoch, announced: Announcement) -> Sequence[str]:
    """Return what is wrong with a row of ``store_epoch``, given what the log says there."""
    store, epoch = found
    if not 0 < epoch <= LAST_EPOCH:
        return [f"store_epoch: the epoch {epoch} is not one of 1 to {LAST_EPOCH}"]
    if epoch > announced.end:
        return [f"store_epoch: the epoch {epoch} was never given; {STORES} ends at {announced.end}"]
    if announced.store is not None and announced.store != store.hex():
        return [
            f"store_epoch: the epoch {epoch} was given to store {announced.store or 'unknown'}, not to {store.hex()}"
        ]
    return []


async def announcement_of(log: Log, epoch: int) -> Announcement:
    """Read the record that gave an epoch. Raises ``TryLater`` where the log does not answer."""
    end = (await log.end_offsets(STORES)).get(0, 0)
    if not 0 < epoch <= end:
        return Announcement(end, None)
    reader = log.reader()
    try:
        reader.assign({Partition(STORES, 0): epoch - 1})
        records = await reader.read(1, wait=5.0)
    except Fatal:  # the place lies before all that the broker still keeps
        records = []
    finally:
        await reader.close()
    given = [record for record in records if record.offset == epoch - 1]
    return Announcement(end, _store_in(given[0].value) if given else None)


def _store_in(value: bytes) -> str:
    try:
        return _decode(value).store
    except msgspec.DecodeError:
        return ""
