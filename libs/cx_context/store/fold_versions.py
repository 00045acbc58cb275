"""Read and write the table ``fold_versions``: by which versions of the fold a store's parts were made.

The table changes places with the parts: in a shadow there is what filled it.
"""

from __future__ import annotations

from cx_context.fold_version import FOLD_VERSION, UNKNOWN
from cx_context.store.sql import Tx


async def note_fold_version(tx: Tx) -> None:
    """Note that this code writes parts from now on. Parts that nobody noted before are of the version ``UNKNOWN``."""
    known = await read_fold_versions(tx)
    if FOLD_VERSION in known:
        return
    if not known and await tx.fetch("SELECT 1 FROM parts LIMIT 1"):
        await _insert(tx, UNKNOWN)
    await _insert(tx, FOLD_VERSION)


async def read_fold_versions(tx: Tx) -> list[int]:
    """Return the versions, the oldest first; none before anything was applied."""
    return [int(row[0]) for row in await tx.fetch("SELECT version FROM fold_versions ORDER BY version")]


async def _insert(tx: Tx, version: int) -> None:
    await tx.execute(
        f"INSERT INTO fold_versions (version, since) VALUES (:version, {tx.now}) ON CONFLICT (version) DO NOTHING",
        version=version,
    )
