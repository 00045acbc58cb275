"""What the relay takes from the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from cx_context.store import writer
from cx_context.store.sql import Tx
from cx_events.ids import NodeId

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Change:
    """A customer whose context changed; ``now``: who answers for that id today, at ``version``."""

    tenant: str
    customer: NodeId
    now: NodeId
    version: int


async def take(tx: Tx, rows: int) -> list[Change]:
    """Delete up to ``rows`` rows, and tell each customer in them once. Rows that another relay has are passed over."""
    skip = "FOR UPDATE SKIP LOCKED" if tx.for_update else ""
    taken = await tx.fetch(f"SELECT id, tenant, body FROM outbox LIMIT {int(rows)} {skip}")
    if not taken:
        return []
    await tx.execute("DELETE FROM outbox WHERE id = ANY(:ids)", ids=[row[0] for row in taken])
    tenants = {
        bytes(body[at : at + ID_BYTES]): tenant for _, tenant, body in taken for at in range(0, len(body), ID_BYTES)
    }
    now: dict[NodeId, NodeId] = {}
    for tenant in sorted(set(tenants.values())):
        now |= await writer.customers_of(tx, tenant, [c for c, whose in tenants.items() if whose == tenant])
    versions = await writer.versions_of(tx, set(now.values()))
    return [Change(tenants[c], c, now[c], versions.get(now[c], 0)) for c in sorted(tenants)]


async def waiting(tx: Tx) -> int:
    """Rows that are not relayed yet."""
    return int((await tx.fetch("SELECT count(*) FROM outbox"))[0][0])
