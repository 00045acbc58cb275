"""The changes of a tenant's rules of identity, as applied."""

from __future__ import annotations

from cx_context.store.sql import Tx
from cx_events.timestamps import Micros


async def latest(tx: Tx, tenant: str) -> tuple[Micros, str]:
    """Return when the last change was recorded, in µs, and its name (``SOURCE#ID``), withdrawn or not; 0 and an empty
    name where there never was one."""
    rows = await tx.fetch(
        "SELECT recorded, source, id FROM rule_changes WHERE tenant = :tenant "
        "ORDER BY recorded DESC, source DESC, id DESC LIMIT 1",
        tenant=tenant,
    )
    return (int(rows[0][0]), f"{rows[0][1]}#{rows[0][2]}") if rows else (0, "")
