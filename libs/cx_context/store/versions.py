"""Read and write the table ``versions``: how often each customer's context has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cx_context.store import tables
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId

_VERSIONS = shape_of(tables.VERSIONS)

REFOLD_STRIPE = -1
"""The stripe of a customer's version that only holders of the exclusive refold lock write."""


async def raise_versions(tx: Tx, rises: Mapping[NodeId, int], stripe: int) -> None:
    """Raise how often each customer has changed by so many, on a stripe that this transaction alone writes."""
    rows = [(customer, stripe, by) for customer, by in sorted(rises.items())]
    await tx.insert(_VERSIONS, rows, "ON CONFLICT (customer, stripe) DO UPDATE SET n = versions.n + excluded.n")


async def versions_of(tx: Tx, customers: Collection[NodeId]) -> dict[NodeId, int]:
    """Return how often each customer has changed, the sum of its stripes; 0 is left out. What readers are told stands
    above that by the store's epoch (``epochs.FIRST_VERSION``)."""
    if not customers:
        return {}
    rows = await tx.fetch(
        "SELECT customer, sum(n) FROM versions WHERE customer = ANY(:nodes) GROUP BY customer", nodes=list(customers)
    )
    return {row[0]: int(row[1]) for row in rows}


async def all_versions(tx: Tx) -> dict[NodeId, int]:
    """Return how often each customer has changed: about 150 bytes of memory for each."""
    return {
        bytes(row[0]): int(row[1]) for row in await tx.fetch("SELECT customer, sum(n) FROM versions GROUP BY customer")
    }


async def rises_to_level(tx: Tx, groups: Iterable[Collection[NodeId]]) -> dict[NodeId, int]:
    """By how much each id of a group must rise to stand above all that any of them ever showed: they change places.
    Exclusive graph lock."""
    wanted = [set(group) for group in groups]
    now = await versions_of(tx, {node for group in wanted for node in group})
    rises: dict[NodeId, int] = {}
    for group in wanted:
        top = max(now.get(node, 0) for node in group) + 1
        for node in group:
            rises[node] = max(rises.get(node, 0), top - now.get(node, 0))
    return rises


async def version_of(tx: Tx, customer: NodeId) -> int:
    """Return the version of a customer's context (``cx_context.versions``); of epoch 0 before the store has one."""
    rows = await tx.fetch(
        f"SELECT {FIRST_VERSION} + coalesce(sum(n), 0) FROM versions WHERE customer = :customer", customer=customer
    )
    return int(rows[0][0])
