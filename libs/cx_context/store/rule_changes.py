"""The changes of a tenant's rules of identity, as applied."""

from __future__ import annotations

from cx_context.store.sql import Tx


async def latest(tx: Tx, tenant: str) -> str:
    """The name (``SOURCE#ID``) of the last recorded change, withdrawn or not; empty where there never was one."""
    rows = await tx.fetch(
        "SELECT source, id FROM rule_changes WHERE tenant = :tenant "
        "ORDER BY recorded DESC, source DESC, id DESC LIMIT 1",
        tenant=tenant,
    )
    return f"{rows[0][0]}#{rows[0][1]}" if rows else ""
