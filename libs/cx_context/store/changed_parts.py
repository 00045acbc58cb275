"""Read of thousands of parts those alone that have changed since an earlier reading (PostgreSQL).

A row holds the id of the transaction that wrote it (``xmin``). A snapshot shows what was written by transactions that
had ended when it was taken. So a row that is older than the oldest transaction under way then was read as it is now. No
column need be kept for that, nor an index: who asks pays for a look at each of the customer's rows, a tenth of reading
them.

A rebuild exchanges the table for another, whose rows may be older than the reading and other than what it read: so a
reading counts for one table, too.

Ids of transactions are of one server, and come round after four billion. So a reading counts for the server that it was
made at, as long as it runs, and for half as long as an id stays the older one. Where one comes round earlier a row
that has not changed counts as changed, never the reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cx_context.store.ownership import Ownership
from cx_context.store.sql import Tx
from cx_events.ids import NodeId

_MOST_TRANSACTIONS = 1 << 30

_READING = (
    "SELECT pg_postmaster_start_time()::text, (SELECT oid::text FROM pg_database WHERE datname = current_database()), "
    "to_regclass('parts')::oid::text, pg_snapshot_xmin(pg_current_snapshot())::text"
)

_CHANGED = (
    "SELECT count(*), array_agg(part_id) FILTER (WHERE age(xmin) <= age(:horizon::text::xid)), "
    "array_agg(body) FILTER (WHERE age(xmin) <= age(:horizon::text::xid)) "
    "FROM parts WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant"
)


class PartsReading(NamedTuple):
    """A reading of a customer's parts. ``server``: when it started, its database and table. ``horizon``: the id of a
    transaction; all before it had ended. ``places``: where the customer's parts lay (``Ownership.places``)."""

    server: tuple[str, str, str]
    horizon: int
    places: frozenset[NodeId]

    def reaches(self, later: PartsReading) -> bool:
        """Return whether a later reading may be of those parts alone that have changed since this one."""
        is_near = 0 <= later.horizon - self.horizon < _MOST_TRANSACTIONS
        return self.server == later.server and self.places == later.places and is_near


async def read_reading(tx: Tx, own: Ownership) -> PartsReading | None:
    """Return what parts that are read in this transaction are read by; None where they can't be told from others."""
    if not tx.for_update or own.excluded or own.included:
        return None
    started, database, table, horizon = (await tx.fetch(_READING))[0]
    return PartsReading((started, database, table), int(horizon), frozenset(own.places))


async def read_changed_bodies(
    tx: Tx, tenant: str, own: Ownership, since: PartsReading
) -> tuple[list[tuple[NodeId, bytes]], int]:
    """Return at least those parts that are new or changed since a reading, as (part id, body), and how many parts the
    customer has."""
    horizon = str(since.horizon % (1 << 32))
    rows: Sequence[Sequence[object]] = await tx.fetch(
        _CHANGED, horizon=horizon, stream_ids=list(own.stream_ids), tenant=tenant
    )
    count, part_ids, bodies = rows[0]
    assert isinstance(count, int)
    return [*zip(part_ids, bodies, strict=True)] if part_ids else [], count  # type: ignore[call-overload]
