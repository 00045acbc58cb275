"""Write what a batch leaves for the relay, and take it there: the customers whose contexts changed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_context.routing_targets import RoutingTarget
from cx_context.store import tables
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId

OUTBOX = shape_of(tables.OUTBOX)
ID_BYTES = 16

Desks = Mapping[NodeId, Collection[RoutingTarget]]
"""By customer, whose desks a change of its context concerns."""

_Packed = dict[str, list[RoutingTarget]]
_decode = msgspec.msgpack.Decoder(_Packed).decode


class Change(Struct, frozen=True, gc=False):
    """A customer whose context changed; ``now``: who answers for that id today, at ``version``."""

    tenant: str
    customer: NodeId
    now: NodeId
    version: int
    desks: Sequence[RoutingTarget] = ()


class Taken(NamedTuple):
    """``rows``: how many were deleted. ``changes``: the customers in them, each once, sorted."""

    rows: int
    changes: Sequence[Change]


async def write(tx: Tx, tenant: str, customers: Sequence[NodeId], desks: Desks) -> None:
    """Write one row for a batch: the customers whose contexts changed."""
    if customers:
        packed = msgspec.msgpack.encode({id.hex(): list(found) for id, found in desks.items()}) if desks else b""
        await tx.insert(OUTBOX, [(os.urandom(ID_BYTES), tenant, b"".join(customers), packed)])


async def take(tx: Tx, rows: int) -> Taken:
    """Delete up to ``rows`` rows, and tell each customer in them once. Rows that another relay has are passed over.

    On PostgreSQL the transaction need not be durable when it is committed: rows that come back are relayed twice.
    """
    await tx.forget_durability()
    some = f"SELECT id FROM outbox LIMIT {int(rows)}"
    # As an array, or PostgreSQL may run it once for each row that it deletes.
    chosen = f"= ANY(ARRAY({some} FOR UPDATE SKIP LOCKED))" if tx.for_update else f"IN ({some})"
    taken = await tx.fetch(f"DELETE FROM outbox WHERE id {chosen} RETURNING tenant, body, desks")
    if not taken:
        return Taken(0, ())
    tenants = {
        bytes(body[at : at + ID_BYTES]): tenant for tenant, body, _ in taken for at in range(0, len(body), ID_BYTES)
    }
    desks = _joined(bytes(row[2]) for row in taken)
    now = {
        row[0]: (row[1], int(row[2]))
        for row in await tx.fetch(
            f"SELECT m.profile, m.customer, {FIRST_VERSION} + "
            "coalesce((SELECT sum(v.n) FROM versions v WHERE v.customer = m.customer), 0) "
            "FROM members m WHERE m.profile = ANY(:nodes) AND m.customer <> m.profile "
            f"UNION ALL SELECT v.customer, v.customer, {FIRST_VERSION} + sum(v.n) "
            "FROM versions v WHERE v.customer = ANY(:nodes) "
            "AND NOT EXISTS (SELECT 1 FROM members m WHERE m.profile = v.customer AND m.customer <> m.profile) "
            "GROUP BY v.customer",
            nodes=sorted(tenants),
        )
    }
    changes = [Change(tenants[c], c, *now.get(c, (c, 0)), sorted(desks.get(c.hex(), ()))) for c in sorted(tenants)]
    return Taken(len(taken), changes)


def customers_in(packed: bytes) -> set[NodeId]:
    """Return the customers of whom some desks were told, in a row's ``desks``. ``ValueError`` for what is none."""
    return {bytes.fromhex(name) for name in (_decode(packed) if packed else {})}


def _joined(packed: Iterable[bytes]) -> dict[str, set[RoutingTarget]]:
    joined: dict[str, set[RoutingTarget]] = {}
    for one in packed:
        for customer, found in (_decode(one) if one else {}).items():
            joined.setdefault(customer, set()).update(found)
    return joined


async def some_wait(tx: Tx) -> bool:
    """Return whether any row is not relayed yet."""
    return bool((await tx.fetch("SELECT EXISTS (SELECT 1 FROM outbox)"))[0][0])


async def waiting(tx: Tx) -> int:
    """Return the number of rows that are not relayed yet."""
    return int((await tx.fetch("SELECT count(*) FROM outbox"))[0][0])
