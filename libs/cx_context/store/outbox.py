"""What a batch leaves for the relay, and what the relay takes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from cx_context.desks import Desk
from cx_context.store import tables, writer
from cx_context.store.sql import Tx
from cx_context.store.tables import shape_of
from cx_events.ids import NodeId

OUTBOX = shape_of(tables.OUTBOX)
ID_BYTES = 16

Desks = Mapping[NodeId, Collection[Desk]]
"""By customer, whose desks a change of its context concerns."""

_Packed = dict[str, list[Desk]]
_decode = msgspec.msgpack.Decoder(_Packed).decode


@dataclass(frozen=True, slots=True)
class Change:
    """A customer whose context changed; ``now``: who answers for that id today, at ``version``."""

    tenant: str
    customer: NodeId
    now: NodeId
    version: int
    desks: Sequence[Desk] = ()


async def write(tx: Tx, tenant: str, customers: Sequence[NodeId], desks: Desks) -> None:
    """One row a batch: whose context changed."""
    if customers:
        packed = msgspec.msgpack.encode({id.hex(): list(found) for id, found in desks.items()}) if desks else b""
        await tx.insert(OUTBOX, [(os.urandom(ID_BYTES), tenant, b"".join(customers), packed)])


async def take(tx: Tx, rows: int) -> list[Change]:
    """Delete up to ``rows`` rows, and tell each customer in them once. Rows that another relay has are passed over."""
    skip = "FOR UPDATE SKIP LOCKED" if tx.for_update else ""
    taken = await tx.fetch(f"SELECT id, tenant, body, desks FROM outbox LIMIT {int(rows)} {skip}")
    if not taken:
        return []
    await tx.execute("DELETE FROM outbox WHERE id = ANY(:ids)", ids=[row[0] for row in taken])
    tenants = {
        bytes(body[at : at + ID_BYTES]): tenant for _, tenant, body, _ in taken for at in range(0, len(body), ID_BYTES)
    }
    desks = _joined(bytes(row[3]) for row in taken)
    now: dict[NodeId, NodeId] = {}
    for tenant in sorted(set(tenants.values())):
        now |= await writer.customers_of(tx, tenant, [c for c, whose in tenants.items() if whose == tenant])
    versions = await writer.versions_of(tx, set(now.values()))
    return [
        Change(tenants[c], c, now[c], versions.get(now[c], 0), sorted(desks.get(c.hex(), ()))) for c in sorted(tenants)
    ]


def _joined(packed: Iterable[bytes]) -> dict[str, set[Desk]]:
    joined: dict[str, set[Desk]] = {}
    for one in packed:
        for customer, found in (_decode(one) if one else {}).items():
            joined.setdefault(customer, set()).update(found)
    return joined


async def waiting(tx: Tx) -> int:
    """Rows that are not relayed yet."""
    return int((await tx.fetch("SELECT count(*) FROM outbox"))[0][0])
