"""Queue the changes that batches leave for the lists; lease that work to one process, and note how far lists are
filled.

A batch writes one row, as it does for the relay. Whoever holds the lease reads rows, writes lists again as they are
then, and deletes the rows in the same transaction: a customer that many rows name is written once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from cx_context.store import listing_tables
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_context.store.tables import NO_ID
from cx_events.errors import CxError
from cx_events.ids import NodeId

ID_BYTES = 16
FIRST_ID = NO_ID
PHASES = ("profiles", "streams", "events", "done")
"""The phases of a fill, in this order."""
DONE = PHASES[-1]

_WAITING = shape_of(listing_tables.LISTING_WAITING)
_FILLS = shape_of(listing_tables.LISTING_FILLS)


class LeaseLost(CxError):
    """Another process keeps the lists now."""


class WaitingRow(NamedTuple):
    """A batch's changes. ``since``: when, in seconds since 1970."""

    id: bytes
    tenant: str
    since: float
    customers: Sequence[NodeId]
    events: Sequence[bytes]


class Fill(NamedTuple):
    """The progress of filling a tenant's lists: a phase, and the last id of it that is written."""

    tenant: str
    made_with: str
    phase: str
    filled_to: bytes


async def write(tx: Tx, tenant: str, customers: Collection[NodeId], events: Collection[bytes] = ()) -> None:
    """Leave the customers whose contexts changed, and the events whose words did."""
    if customers or events:
        row = (os.urandom(ID_BYTES), tenant, time.time(), b"".join(sorted(customers)), b"".join(sorted(events)))
        await tx.insert(_WAITING, [row])


async def read(tx: Tx, but: Collection[bytes], most: int) -> list[WaitingRow]:
    """Return up to ``most`` rows, the oldest first, that are not among those known already."""
    rows = await tx.fetch(
        "SELECT id, tenant, since, customers, events FROM listing_waiting "
        f"{'WHERE id <> ALL(:but) ' if but else ''}ORDER BY since, id LIMIT {int(most)}",
        **({"but": sorted(but)} if but else {}),
    )
    return [WaitingRow(bytes(row[0]), row[1], float(row[2]), ids_in(row[3]), ids_in(row[4])) for row in rows]


async def some_wait(tx: Tx) -> bool:
    """Return whether any batch left something."""
    return bool((await tx.fetch("SELECT EXISTS (SELECT 1 FROM listing_waiting)"))[0][0])


async def delete(tx: Tx, ids: Collection[bytes]) -> None:
    """Delete rows whose customers and events are written."""
    if ids:
        await tx.execute("DELETE FROM listing_waiting WHERE id = ANY(:ids)", ids=sorted(ids))


class Freshness(NamedTuple):
    """The state of a tenant's lists. ``current_to``: all that was applied by then is in them, in seconds since 1970; 0
    where nothing ever was applied. ``is_complete``: all that was there before the lists is in them, too."""

    current_to: float
    is_complete: bool


FRESHNESS = (
    "(SELECT min(since) FROM listing_waiting WHERE tenant = :tenant) AS since, "
    "(SELECT coalesce(max(moved_at), 0) FROM partitions) AS moved_at, "
    "(SELECT phase FROM listing_fills WHERE tenant = :tenant) AS phase"
)
"""The columns of a SELECT that tell how far a tenant's lists are (``freshness_of``), beside what is read of them."""


async def read_freshness(tx: Tx, tenant: str) -> Freshness:
    """Return how far a tenant's lists are."""
    return freshness_of(*(await tx.fetch(f"SELECT {FRESHNESS}", tenant=tenant))[0])


def freshness_of(since: float | None, moved_at: float, phase: str | None) -> Freshness:
    """Return what ``FRESHNESS`` tells."""
    return Freshness(moved_at if since is None else min(since, moved_at), phase == DONE)


def ids_in(packed: bytes) -> list[bytes]:
    """Return ids that stand one behind the other."""
    packed = bytes(packed)
    return [packed[at : at + ID_BYTES] for at in range(0, len(packed), ID_BYTES)]


async def fills(tx: Tx) -> dict[str, Fill]:
    """Return how far each tenant's lists are filled."""
    rows = await tx.fetch("SELECT tenant, made_with, phase, filled_to FROM listing_fills")
    return {row[0]: Fill(row[0], row[1], row[2], bytes(row[3])) for row in rows}


async def save_fill(tx: Tx, fill: Fill) -> None:
    """Write how far a tenant's lists are filled."""
    await tx.insert(
        _FILLS,
        [tuple(fill)],
        "ON CONFLICT (tenant) DO UPDATE SET made_with = excluded.made_with, phase = excluded.phase, "
        "filled_to = excluded.filled_to",
    )


async def forget_filled(tx: Tx, tenant: str) -> None:
    """Delete what waits of a tenant of whose lists nothing is written: the fill that begins in this transaction writes
    all of it."""
    written = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table.name} WHERE tenant = :tenant)"
        for table in (listing_tables.LISTED_CUSTOMERS, listing_tables.LISTED_CONVERSATIONS, listing_tables.SAID)
    )
    await tx.execute(f"DELETE FROM listing_waiting WHERE tenant = :tenant AND NOT ({written})", tenant=tenant)


async def forget_fill(tx: Tx, tenant: str) -> None:
    """Let a tenant's lists be filled anew, once somebody knows the tenant."""
    await tx.execute("DELETE FROM listing_fills WHERE tenant = :tenant", tenant=tenant)


_PAGES = {
    "profiles": "SELECT id FROM profiles p WHERE tenant = :tenant AND id > :after AND NOT EXISTS "
    "(SELECT 1 FROM members m WHERE m.profile = p.id AND m.customer <> p.id) ORDER BY id",
    "streams": "SELECT DISTINCT stream_id FROM parts WHERE tenant = :tenant AND stream_id > :after AND NOT EXISTS "
    "(SELECT 1 FROM profiles p WHERE p.id = parts.stream_id) ORDER BY stream_id",
    "events": "SELECT key FROM events WHERE tenant = :tenant AND key > :after ORDER BY key",
}


async def page_of(tx: Tx, fill: Fill, most: int) -> list[bytes]:
    """Return the next ids of a fill's phase, at most so many."""
    rows = await tx.fetch(f"{_PAGES[fill.phase]} LIMIT {int(most)}", tenant=fill.tenant, after=fill.filled_to)
    return [bytes(row[0]) for row in rows]


def is_done(fill: Fill | None, made_with: str) -> bool:
    """Return whether a tenant's lists are filled, with these terms."""
    return fill is not None and fill.phase == DONE and fill.made_with == made_with


def next_phase(phase: str) -> str:
    """Return the phase after one that is done."""
    return PHASES[PHASES.index(phase) + 1]


async def unlisted(tx: Tx) -> set[bytes]:
    """Return every customer and event that waits."""
    rows = await tx.fetch("SELECT customers, events FROM listing_waiting")
    return {id for row in rows for packed in row for id in ids_in(packed)}
