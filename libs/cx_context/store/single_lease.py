"""Lease work that one process does for all: keeping lists, watching waits. Its table has one row."""

from __future__ import annotations

from typing import Literal

from cx_context.store.sql import Tx

LeaseTable = Literal["listing_lease", "overdue_lease"]

_ONLY = 1


async def take(tx: Tx, table: LeaseTable, owner: str, seconds: float) -> bool:
    """Take or renew the lease; return whether it is ours. Others wait at the row until this transaction ends."""
    await tx.execute(
        f"INSERT INTO {table} (one, owner, leased_until) VALUES (:one, '', 0) ON CONFLICT (one) DO NOTHING", one=_ONLY
    )
    changed = await tx.execute(
        f"UPDATE {table} SET owner = :owner, leased_until = {tx.now} + :seconds "
        f"WHERE one = :one AND (owner = :owner OR leased_until < {tx.now})",
        owner=owner,
        seconds=float(seconds),
        one=_ONLY,
    )
    return changed > 0


async def leave(tx: Tx, table: LeaseTable, owner: str) -> None:
    """Let another process go on at once."""
    await tx.execute(f"UPDATE {table} SET owner = '', leased_until = 0 WHERE owner = :owner", owner=owner)
