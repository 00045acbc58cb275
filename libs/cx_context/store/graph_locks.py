"""Lock a tenant's identity graph: as a whole, or some customers of it.

Whoever holds the graph lock shared may attach new profiles to customers that it locked, by the row of the customer's
first profile, and nothing else. So while anybody holds it shared, every profile that others know stays with its
customer, and to lock that customer is to lock the profile. What moves a profile needs the graph lock exclusively.
"""

from __future__ import annotations

from collections.abc import Collection

from cx_context.store.port import tenant_lock
from cx_context.store.sql import Tx
from cx_events.ids import NodeId


def has_one_writer(tx: Tx) -> bool:
    """Return whether a transaction that writes is alone by itself, so that locks are all held."""
    return not tx.for_update


async def lock_graph(tx: Tx, tenant: str, *, exclusive: bool) -> None:
    """Lock a tenant's graph until the transaction ends, or to ``drop_locks``."""
    await tx.lock(tenant_lock("graph", tenant), exclusive=exclusive)


async def lock_customers(tx: Tx, customers: Collection[NodeId]) -> None:
    """Lock customers, in the one order in which all do. Each statement after it sees what others left of them."""
    if customers:
        await tx.fetch(
            f"SELECT p.id FROM profiles p WHERE p.id = ANY(:ids) ORDER BY p.id {tx.for_update}", ids=list(customers)
        )


async def mark_locks(tx: Tx) -> None:
    """Note what is held and written, for ``drop_locks``."""
    await tx.execute("SAVEPOINT locks")


async def drop_locks(tx: Tx) -> None:
    """Let go of the locks that were taken since ``mark_locks``, and take back what was written."""
    await tx.execute("ROLLBACK TO SAVEPOINT locks")
