"""Read and write the store's epoch: what its versions begin with (``cx_context.versions``).

It is one more than the offset of the record on ``cx.stores`` by which the store announced itself, and stands in the one
row of ``store_epoch``. No row: no projector has opened the store yet, and nothing is served from it. See
docs/decisions/0022-epochs.md.
"""

from __future__ import annotations

from typing import NamedTuple

from cx_context.store.port import tenant_lock
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_context.store.tables import STORE_EPOCH
from cx_context.versions import COUNT_BITS

STORE_ID_BYTES = 16
ONLY = 1
"""The key of the one row."""

_LOCK = tenant_lock("epoch", "")

FIRST_VERSION = f"(SELECT coalesce(max(epoch), 0) * {1 << COUNT_BITS} FROM store_epoch)"
"""SQL: the least version of the store's epoch; 0 where it has none. A customer's version is this plus its count, from
the same statement, so that both are of one store."""


class StoreEpoch(NamedTuple):
    """``store``: a random id of 16 bytes, by which the store announces itself. ``epoch``: at least 1."""

    store: bytes
    epoch: int


async def stored(tx: Tx) -> StoreEpoch | None:
    """Return the store's id and epoch, or None before a projector has opened it."""
    rows = await tx.fetch("SELECT store, epoch FROM store_epoch WHERE one = :one", one=ONLY)
    return StoreEpoch(bytes(rows[0][0]), int(rows[0][1])) if rows else None


async def lock(tx: Tx) -> None:
    """Let no other transaction give the store an epoch before this one ends."""
    await tx.lock(_LOCK, exclusive=True)


async def write(tx: Tx, found: StoreEpoch) -> None:
    """Set the store's id and epoch; after ``lock``."""
    await tx.insert(
        shape_of(STORE_EPOCH),
        [(ONLY, found.store, found.epoch)],
        "ON CONFLICT (one) DO UPDATE SET store = excluded.store, epoch = excluded.epoch",
    )
