"""Read and write the waits of today, and which of them were found to be over their queue's bound.

``waits`` is made of the log like all lists, but for ``is_over``, by which what is to be looked at and what was found
lie apart in one index. ``overdue_waits`` says what was found, and stays over a rebuild: a wait is told once. A contact
has one row there for each queue, of its latest wait: one that began later is another wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from cx_context.listing.waits import ShownWait
from cx_context.store.listing_tables import WAITS as WAITS_TABLE
from cx_context.store.operations_tables import OVERDUE_WAITS
from cx_context.store.sql import Row, Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

MOST_OVER = 1_000
"""Waits of one reading by queue or customer, those that began first."""

WAITS = shape_of(WAITS_TABLE)
_OVERDUE = shape_of(OVERDUE_WAITS)
_COLUMNS = "w.contact, w.tenant, w.customer, w.conversation, w.queue, w.source, w.since, w.shown"
_UPSERT = (
    "ON CONFLICT (contact) DO UPDATE SET tenant = excluded.tenant, customer = excluded.customer, "
    "conversation = excluded.conversation, queue = excluded.queue, source = excluded.source, since = excluded.since, "
    "shown = excluded.shown, is_over = excluded.is_over"
)
_decode_shown = msgspec.msgpack.Decoder(ShownWait).decode


class Wait(NamedTuple):
    """A contact whose customer waits. ``queue``, ``source``: as a vendor named it."""

    contact: NodeId
    tenant: str
    customer: NodeId
    conversation: NodeId
    queue: str
    source: str
    since: Micros
    shown: ShownWait


class Place(NamedTuple):
    """The end of a page of waits."""

    since: Micros
    contact: NodeId


class OverWait(NamedTuple):
    """A wait that was found to be over its bound. ``told``: rises with each that is found."""

    wait: Wait
    told: int


class ToAnnounce(NamedTuple):
    """A notice that may not be on the log yet. ``told``: its number."""

    contact: NodeId
    told: int
    body: bytes


async def replace(tx: Tx, before: Collection[Row], now: Collection[Row]) -> None:
    """Let these rows be instead of those before. A wait that goes on in its queue stays over the bound where it was;
    one that is found to have begun earlier goes on, one that began later is another."""
    known = {row[0]: row for row in before}
    changed = []
    for row in now:
        was = known.get(row[0])
        if was is None or was[:-1] != row[:-1]:
            goes_on = was is not None and was[4:6] == row[4:6] and row[6] <= was[6]
            changed.append((*row[:-1], bool(was[-1]) if was is not None and goes_on else False))
    if gone := known.keys() - {row[0] for row in now}:
        await tx.execute("DELETE FROM waits WHERE contact = ANY(:contacts)", contacts=sorted(gone))
    await tx.insert(WAITS, sorted(changed, key=lambda row: row[0]), _UPSERT)


async def not_yet_over(
    tx: Tx, tenant: str, queues: Sequence[str], until: Micros, after: Place | None, most: int
) -> list[Wait]:
    """Return waits in queues of these vendors' ids that began by a moment and were not found to be over a bound, the
    first ones first, at most so many. ``after``: where the page before ended."""
    values: dict[str, object] = {"tenant": tenant, "queues": list(queues), "until": until}
    behind = ""
    if after is not None:
        behind = "AND (w.since, w.contact) > (:since, :contact) "
        values |= after._asdict()
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM waits w WHERE w.tenant = :tenant AND w.is_over = false AND w.queue = ANY(:queues) "
        f"AND w.since <= :until {behind}ORDER BY w.since, w.contact LIMIT {int(most)}",
        **values,
    )
    return [_wait(row) for row in rows]


async def find_over(tx: Tx, waits: Iterable[Wait]) -> list[Wait]:
    """Mark those of these waits that are so still as over their bound, and return those that were not found before."""
    asked = {wait.contact: wait for wait in waits}
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM waits w WHERE w.contact = ANY(:contacts) ORDER BY w.contact {tx.for_update}",
        contacts=sorted(asked),
    )
    found = [wait for wait in map(_wait, rows) if _is_same(wait, asked[wait.contact])]
    contacts = [wait.contact for wait in found]
    if not contacts:
        return []
    await tx.execute("UPDATE waits SET is_over = true WHERE contact = ANY(:contacts)", contacts=contacts)
    told = await tx.fetch(
        "SELECT contact, queue, source, since FROM overdue_waits WHERE contact = ANY(:contacts)", contacts=contacts
    )
    known = {(bytes(row[0]), row[1], row[2]): row[3] for row in told}
    return [wait for wait in found if wait.since > known.get((wait.contact, wait.queue, wait.source), -1)]


def _is_same(wait: Wait, asked: Wait) -> bool:
    return (wait.queue, wait.source, wait.since) == (asked.queue, asked.source, asked.since)


async def let_wait(tx: Tx, tenant: str, queues: Sequence[str], since: Micros) -> None:
    """Note that waits in queues of these vendors' ids that began after a moment are not over the bound: it was less."""
    await tx.execute(
        "UPDATE waits SET is_over = false WHERE tenant = :tenant AND is_over = true AND queue = ANY(:queues) "
        "AND since > :since",
        tenant=tenant,
        queues=list(queues),
        since=since,
    )


async def next_told(tx: Tx, now: Micros) -> int:
    """Return a number above all that were given: the time, where clocks did not go back."""
    rows = await tx.fetch(
        "SELECT max(told) FROM (SELECT max(told) AS told FROM overdue_waits WHERE announced = true "
        "UNION ALL SELECT max(told) FROM overdue_waits WHERE announced = false) AS found"
    )
    return max(now, (rows[0][0] or 0) + 1)


async def write_found(tx: Tx, found: Iterable[tuple[Wait, int, bytes]]) -> None:
    """Write waits that were found, each with its number and the notice to announce."""
    rows = [
        (wait.contact, wait.queue, wait.source, wait.tenant, wait.since, told, body, False)
        for wait, told, body in sorted(found)
    ]
    await tx.insert(
        _OVERDUE,
        rows,
        "ON CONFLICT (contact, queue, source) DO UPDATE SET since = excluded.since, told = excluded.told, "
        "body = excluded.body, announced = excluded.announced",
    )


async def to_announce(tx: Tx, most: int) -> list[ToAnnounce]:
    """Return notices that may not be on the log yet, in order of their numbers."""
    rows = await tx.fetch(
        f"SELECT contact, told, body FROM overdue_waits WHERE announced = false ORDER BY told LIMIT {int(most)}"
    )
    return [ToAnnounce(bytes(row[0]), row[1], bytes(row[2])) for row in rows]


async def note_announced(tx: Tx, told: int) -> None:
    """Note that all notices up to this number are on the log, and keep nothing of what they say."""
    await tx.execute(
        "UPDATE overdue_waits SET announced = true, body = :empty WHERE announced = false AND told <= :told",
        empty=b"",
        told=told,
    )


async def forget_ended(tx: Tx, before: Micros) -> int:
    """Delete what was found before a moment of contacts that wait no more; return how much."""
    return await tx.execute(
        "DELETE FROM overdue_waits WHERE announced = true AND told < :before "
        "AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.contact = overdue_waits.contact)",
        before=before,
    )


async def over_in_queues(tx: Tx, tenant: str, queues: Sequence[str]) -> list[OverWait]:
    """Return the waits in queues of these vendors' ids that were found to be over their bound, the first ones first."""
    return await _over(tx, "w.queue = ANY(:queues)", tenant, queues=list(queues))


async def over_of_customers(tx: Tx, tenant: str, customers: Collection[NodeId]) -> list[OverWait]:
    """Return the waits of some customers that were found to be over their bound, the first ones first."""
    return await _over(tx, "w.customer = ANY(:customers)", tenant, customers=sorted(customers)) if customers else []


async def _over(tx: Tx, condition: str, tenant: str, **values: object) -> list[OverWait]:
    rows = await tx.fetch(
        f"SELECT {_COLUMNS}, o.told FROM waits w JOIN overdue_waits o "
        "ON o.contact = w.contact AND o.queue = w.queue AND o.source = w.source "
        f"WHERE w.tenant = :tenant AND w.is_over = true AND {condition} ORDER BY w.since, w.contact LIMIT {MOST_OVER}",
        tenant=tenant,
        **values,
    )
    return [OverWait(_wait(row[:-1]), row[-1]) for row in rows]


async def waits_of(tx: Tx, tenant: str, customers: Collection[NodeId]) -> list[Wait]:
    """Return all waits of some customers."""
    if not customers:
        return []
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM waits w WHERE w.customer = ANY(:customers) AND w.tenant = :tenant "
        "ORDER BY w.since, w.contact",
        customers=sorted(customers),
        tenant=tenant,
    )
    return [_wait(row) for row in rows]


class OverCount(NamedTuple):
    """A count of the waits of a queue, as a vendor names it, that are over its bound; ``since``: of the longest."""

    tenant: str
    queue: str
    source: str
    waits: int
    since: Micros


async def count_over(tx: Tx, tenants: Sequence[str]) -> list[OverCount]:
    """Return the queues of some tenants of which waits are over the bound."""
    rows = await tx.fetch(
        "SELECT tenant, queue, source, count(*), min(since) FROM waits WHERE tenant = ANY(:tenants) "
        "AND is_over = true GROUP BY tenant, queue, source ORDER BY tenant, queue, source",
        tenants=list(tenants),
    )
    return [OverCount(*row) for row in rows]


def _wait(row: Row) -> Wait:
    contact, tenant, customer, conversation, queue, source, since, shown = row
    return Wait(
        bytes(contact), tenant, bytes(customer), bytes(conversation), queue, source, since, _decode_shown(shown)
    )
