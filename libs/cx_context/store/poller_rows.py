"""Read and write what is kept of pollers and streams: each connection's cursor, its owner, and what that reported.

One process at a time runs a connection's poller, by a lease; its epoch fences whoever had it before: a cursor is moved
by its owner alone. Leases are by the database's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cx_context.store.operations_tables import POLLERS
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.errors import CxError

_SHAPE = shape_of(POLLERS)


class PollerLost(CxError):
    """Another process runs the poller now: drop what is kept of it."""


class Place(NamedTuple):
    """A poller that is ours. ``cursor``: what was accepted last, as the poller wrote it; empty at the very start."""

    cursor: bytes
    epoch: int


class Standing(NamedTuple):
    """A poller as operators see it. ``owner``: empty where no process runs it. ``report``: the owner's last, as JSON;
    empty before the first."""

    tenant: str
    connection: str
    owner: str
    report: bytes


async def announce(tx: Tx, tenants: Mapping[str, str]) -> None:
    """Make rows for connections that have none. ``tenants``: the tenant of each connection."""
    rows = [(connection, tenants[connection], b"", "", 0, 0.0, b"") for connection in sorted(tenants)]
    await tx.insert(_SHAPE, rows, "ON CONFLICT DO NOTHING")


async def take(tx: Tx, connections: Sequence[str], owner: str, seconds: float) -> dict[str, Place]:
    """Take every one of these connections that nobody has, renew the leases of ours, and return ours."""
    wanted = sorted(connections)
    await tx.fetch(
        f"SELECT connection FROM pollers WHERE connection = ANY(:wanted) ORDER BY connection {tx.for_update}",
        wanted=wanted,
    )
    await tx.execute(
        "UPDATE pollers SET owner = :owner, epoch = epoch + 1 "
        f"WHERE connection = ANY(:wanted) AND owner <> :owner AND leased_until < {tx.now}",
        owner=owner,
        wanted=wanted,
    )
    await tx.execute(
        f"UPDATE pollers SET leased_until = {tx.now} + :seconds WHERE owner = :owner AND connection = ANY(:wanted)",
        owner=owner,
        seconds=float(seconds),
        wanted=wanted,
    )
    rows = await tx.fetch(
        "SELECT connection, cursor, epoch FROM pollers WHERE owner = :owner AND connection = ANY(:wanted)",
        owner=owner,
        wanted=wanted,
    )
    return {connection: Place(bytes(cursor), epoch) for connection, cursor, epoch in rows}


async def leave(tx: Tx, owner: str) -> None:
    """Give all up at once, at a graceful stop."""
    await tx.execute("UPDATE pollers SET owner = '', leased_until = 0 WHERE owner = :owner", owner=owner)


async def move_cursor(tx: Tx, connection: str, owner: str, epoch: int, cursor: bytes) -> None:
    """Move a cursor on. Raise ``PollerLost`` unless the poller is ours, at that epoch."""
    moved = await tx.execute(
        "UPDATE pollers SET cursor = :cursor WHERE connection = :connection AND owner = :owner AND epoch = :epoch",
        cursor=cursor,
        connection=connection,
        owner=owner,
        epoch=epoch,
    )
    if not moved:
        raise PollerLost(f"{connection}: another process runs its poller")


async def cursors(tx: Tx, connections: Sequence[str]) -> dict[str, bytes]:
    """Return the cursors of those of some connections that have one, whoever owns them."""
    rows = await tx.fetch(
        "SELECT connection, cursor FROM pollers WHERE connection = ANY(:connections)", connections=list(connections)
    )
    return {connection: bytes(cursor) for connection, cursor in rows}


async def write_reports(tx: Tx, owner: str, reports: Mapping[str, bytes]) -> None:
    """Write what the owner has to tell of its connections; those that it lost are left as they are."""
    for connection, report in sorted(reports.items()):
        await tx.execute(
            "UPDATE pollers SET report = :report WHERE connection = :connection AND owner = :owner",
            report=report,
            connection=connection,
            owner=owner,
        )


async def standings(tx: Tx) -> dict[str, Standing]:
    """Return every poller's standing, by its connection."""
    rows = await tx.fetch(
        f"SELECT tenant, connection, CASE WHEN leased_until < {tx.now} THEN '' ELSE owner END, report "
        "FROM pollers ORDER BY connection"
    )
    return {row[1]: Standing(row[0], row[1], row[2], bytes(row[3])) for row in rows}
