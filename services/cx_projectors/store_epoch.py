"""Open a store: announce it on the log, and give it the epoch that its versions begin with.

The topic ``cx.stores`` has one partition, and a store's epoch is one more than the offset of its record there: unique
and above all that came before, whichever processes race and whatever the broker no longer keeps.
"""

from __future__ import annotations

import os

import msgspec
import structlog

from cx_context.change_notifications import StoreOpened
from cx_context.store import Store, epochs
from cx_context.store.epochs import STORE_ID_BYTES, StoreEpoch
from cx_context.versions import LAST_EPOCH
from cx_events.errors import Fatal
from cx_events.log import STORES, Log, Record

KEY = b"stores"


async def open_store_epoch(store: Store, log: Log, *, begins: bool) -> int:
    """Give the store an epoch where it has none, and return its epoch. Called before anything is applied.

    ``begins``: the process is starting. A store that is not the one announced last is then announced again: operators
    have gone back to it, and its versions must rise above those that the other store served.

    Raises ``TryLater`` where the store or the log does not answer: an announcement that is not acknowledged may leave a
    gap in the epochs, which does no harm. Raises ``Fatal`` where a version has no room for another epoch, or the topic
    has several partitions.
    """
    async with store.reading() as tx:
        known = await epochs.stored(tx)
    if known is not None and not begins:
        return known.epoch
    last = await last_epoch(log)
    if known is not None and known.epoch >= last:
        return known.epoch
    async with store.writing() as tx:
        await epochs.lock(tx)
        known = await epochs.stored(tx)
        if known is not None and known.epoch >= last:
            return known.epoch
        id = known.store if known is not None else os.urandom(STORE_ID_BYTES)
        epoch = await _announce(log, id)
        await epochs.write(tx, StoreEpoch(id, epoch))
    structlog.get_logger("cx_projectors").info("the store is opened", store=id.hex(), epoch=epoch)
    return epoch


async def last_epoch(log: Log) -> int:
    """Return the epoch of the store that was announced last on this log; 0 before the first one.

    Raises ``TryLater``, and ``Fatal`` as ``open_store_epoch`` does."""
    ends = await log.end_offsets(STORES)
    if len(ends) != 1:
        raise Fatal(
            f"the topic {STORES} has {len(ends)} partitions and must have one, or the epochs of stores could fall: "
            "whoever made it by hand makes it again with one"
        )
    return ends[0]


async def _announce(log: Log, store: bytes) -> int:
    if (last := await last_epoch(log)) >= LAST_EPOCH:
        raise Fatal(
            f"{last} stores have been opened on this log, and versions have no room for another: something makes a new "
            "store again and again. Go back to a store that was opened before, or begin with an empty log"
        )
    (position,) = await log.append([Record(STORES, KEY, msgspec.json.encode(StoreOpened(store.hex())))])
    return position.offset + 1
