"""Read and write what is kept of a subscription: its place on each partition, the keys that wait, dead letters.

One process at a time works on a partition of a subscription, by a lease; its epoch fences whoever had it before. A
transaction that moves a place on begins with ``hold``. Times are the worker's clock, but for leases: the database's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cx_context.store.operations_tables import (
    SUBSCRIPTION_CURSORS,
    SUBSCRIPTION_LETTERS,
    SUBSCRIPTION_STOPS,
    SUBSCRIPTION_WAITING,
)
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.errors import CxError

_CURSORS, _WAITING = shape_of(SUBSCRIPTION_CURSORS), shape_of(SUBSCRIPTION_WAITING)
_LETTERS, _STOPS = shape_of(SUBSCRIPTION_LETTERS), shape_of(SUBSCRIPTION_STOPS)
_OF = "tenant = :tenant AND subscription = :subscription AND topic = :topic"


class SubscriptionLost(CxError):
    """Another process works on a partition of the subscription now: drop what is kept of it, and take anew."""


class Name(NamedTuple):
    """A subscription's name, and the topic that it reads."""

    tenant: str
    subscription: str
    topic: str


class Cursor(NamedTuple):
    """A place on a partition that is ours. ``next_offset``: the next record to look at."""

    next_offset: int
    epoch: int


class Waiting(NamedTuple):
    """A key whose records wait from ``next_offset`` on.

    ``failures``: attempts for the record there. ``first_failed``: when the first was; 0 without any.
    """

    number: int
    key: str
    next_offset: int
    failures: int = 0
    first_failed: float = 0.0
    next_at: float = 0.0
    reason: str = ""
    detail: str = ""


class Letter(NamedTuple):
    """A record that could not be delivered. ``wanted``: an operator asked to try it again."""

    number: int
    log_offset: int
    failures: int
    first_failed: float
    last_failed: float
    reason: str
    detail: str
    wanted: bool = False


class Stop(NamedTuple):
    """Why a subscription delivers nothing. ``reason``: ``paused`` or ``gone``. ``since``: s since 1970."""

    reason: str
    why: str
    writer: str
    since: float


class Standing(NamedTuple):
    """A partition of a subscription, as operators see it. ``owner``: empty where no process works on it."""

    number: int
    next_offset: int
    delivered: int
    owner: str


async def announce(tx: Tx, name: Name, starts: Mapping[int, int]) -> None:
    """Make rows for partitions that have none, at these offsets."""
    rows = [(*name, number, starts[number], 0, "", 0, 0.0) for number in sorted(starts)]
    await tx.insert(_CURSORS, rows, "ON CONFLICT DO NOTHING")


async def known(tx: Tx, name: Name) -> set[int]:
    """Return the partitions that have a row."""
    return {row[0] for row in await tx.fetch(f"SELECT number FROM subscription_cursors WHERE {_OF}", **name._asdict())}


async def take(tx: Tx, name: Name, owner: str, seconds: float) -> dict[int, Cursor]:
    """Take every partition that nobody has, renew the leases of ours, and return ours."""
    await tx.fetch(
        f"SELECT number FROM subscription_cursors WHERE {_OF} ORDER BY number {tx.for_update}", **name._asdict()
    )
    await tx.execute(
        "UPDATE subscription_cursors SET owner = :owner, epoch = epoch + 1 "
        f"WHERE {_OF} AND owner <> :owner AND leased_until < {tx.now}",
        owner=owner,
        **name._asdict(),
    )
    await tx.execute(
        f"UPDATE subscription_cursors SET leased_until = {tx.now} + :seconds WHERE {_OF} AND owner = :owner",
        owner=owner,
        seconds=float(seconds),
        **name._asdict(),
    )
    rows = await tx.fetch(
        f"SELECT number, next_offset, epoch FROM subscription_cursors WHERE {_OF} AND owner = :owner",
        owner=owner,
        **name._asdict(),
    )
    return {number: Cursor(next_offset, epoch) for number, next_offset, epoch in rows}


async def leave(tx: Tx, name: Name, owner: str) -> None:
    """Give all partitions up at once, at a graceful stop."""
    await tx.execute(
        f"UPDATE subscription_cursors SET owner = '', leased_until = 0 WHERE {_OF} AND owner = :owner",
        owner=owner,
        **name._asdict(),
    )


async def hold(tx: Tx, name: Name, owner: str, cursors: Mapping[int, Cursor]) -> None:
    """Lock the rows of these partitions; ``SubscriptionLost`` unless each is ours, at that epoch and offset."""
    rows = await tx.fetch(
        f"SELECT number, next_offset, epoch, owner FROM subscription_cursors WHERE {_OF} AND number = ANY(:numbers) "
        f"ORDER BY number {tx.for_update}",
        numbers=sorted(cursors),
        **name._asdict(),
    )
    found = {number: (Cursor(next_offset, epoch), has) for number, next_offset, epoch, has in rows}
    for number, cursor in cursors.items():
        if found.get(number) != (cursor, owner):
            raise SubscriptionLost(f"{name.subscription}: another process works on {name.topic}/{number}")


async def advance(tx: Tx, name: Name, moved: Mapping[int, tuple[int, int]]) -> None:
    """Move places on. ``moved``: by partition the next offset, and how many were delivered. After ``hold``."""
    for number, (next_offset, delivered) in sorted(moved.items()):
        await tx.execute(
            "UPDATE subscription_cursors SET next_offset = :next_offset, delivered = delivered + :delivered "
            f"WHERE {_OF} AND number = :number",
            next_offset=next_offset,
            delivered=delivered,
            number=number,
            **name._asdict(),
        )


async def waiting(tx: Tx, name: Name, numbers: Sequence[int]) -> list[Waiting]:
    """Return the keys that wait in these partitions, the longest first."""
    rows = await tx.fetch(
        "SELECT number, key, next_offset, failures, first_failed, next_at, reason, detail FROM subscription_waiting "
        f"WHERE {_OF} AND number = ANY(:numbers) ORDER BY number, next_offset",
        numbers=list(numbers),
        **name._asdict(),
    )
    return [Waiting(*row) for row in rows]


async def write_waiting(tx: Tx, name: Name, rows: Iterable[Waiting], gone: Iterable[tuple[int, str]] = ()) -> None:
    """Write rows, and delete those of (partition, key) that wait no more. After ``hold``."""
    for number, key in sorted(gone):
        await tx.execute(
            f"DELETE FROM subscription_waiting WHERE {_OF} AND number = :number AND key = :key",
            number=number,
            key=key,
            **name._asdict(),
        )
    await tx.insert(
        _WAITING,
        [(*name, *row) for row in sorted(rows)],
        "ON CONFLICT (tenant, subscription, topic, number, key) DO UPDATE SET next_offset = excluded.next_offset, "
        "failures = excluded.failures, first_failed = excluded.first_failed, next_at = excluded.next_at, "
        "reason = excluded.reason, detail = excluded.detail",
    )


async def make_due(tx: Tx, name: Name) -> int:
    """Let everything that waits be tried again at once; return how many keys wait."""
    return await tx.execute(f"UPDATE subscription_waiting SET next_at = 0 WHERE {_OF}", **name._asdict())


async def due_keys(tx: Tx, name: Name) -> list[tuple[int, str]]:
    """Return (partition, key) of those that were made due."""
    rows = await tx.fetch(f"SELECT number, key FROM subscription_waiting WHERE {_OF} AND next_at = 0", **name._asdict())
    return [(row[0], row[1]) for row in rows]


async def write_letters(tx: Tx, name: Name, rows: Iterable[Letter]) -> None:
    """Write dead letters, over those of the same records."""
    await tx.insert(
        _LETTERS,
        [(*name, *row) for row in sorted(rows)],
        "ON CONFLICT (tenant, subscription, topic, number, log_offset) DO UPDATE SET failures = excluded.failures, "
        "last_failed = excluded.last_failed, reason = excluded.reason, detail = excluded.detail, "
        "wanted = excluded.wanted",
    )


async def letters(tx: Tx, name: Name, most: int) -> list[Letter]:
    """Return the dead letters, the earliest first."""
    return await _letters(tx, name, "", most)


async def wanted_letters(tx: Tx, name: Name, numbers: Sequence[int], most: int) -> list[Letter]:
    """Return the dead letters of these partitions that are to be tried again."""
    return await _letters(tx, name, "AND wanted AND number = ANY(:numbers)", most, numbers=list(numbers))


async def _letters(tx: Tx, name: Name, condition: str, most: int, **values: object) -> list[Letter]:
    rows = await tx.fetch(
        "SELECT number, log_offset, failures, first_failed, last_failed, reason, detail, wanted "
        f"FROM subscription_letters WHERE {_OF} {condition} ORDER BY number, log_offset LIMIT {int(most)}",
        **values,
        **name._asdict(),
    )
    return [Letter(*row)._replace(wanted=bool(row[7])) for row in rows]


async def count_letters(tx: Tx, name: Name) -> int:
    """Return how many dead letters there are."""
    return int((await tx.fetch(f"SELECT count(*) FROM subscription_letters WHERE {_OF}", **name._asdict()))[0][0])


async def want_letters(tx: Tx, name: Name) -> int:
    """Ask for all dead letters to be tried again; return how many."""
    return await tx.execute(f"UPDATE subscription_letters SET wanted = true WHERE {_OF}", **name._asdict())


async def delete_letter(tx: Tx, name: Name, letter: Letter) -> None:
    """Delete the dead letter of a record that was delivered after all."""
    await tx.execute(
        f"DELETE FROM subscription_letters WHERE {_OF} AND number = :number AND log_offset = :log_offset",
        number=letter.number,
        log_offset=letter.log_offset,
        **name._asdict(),
    )


async def stop_of(tx: Tx, name: Name) -> Stop | None:
    """Return why a subscription delivers nothing, or None."""
    rows = await tx.fetch(
        "SELECT reason, why, writer, since FROM subscription_stops "
        "WHERE tenant = :tenant AND subscription = :subscription",
        tenant=name.tenant,
        subscription=name.subscription,
    )
    return Stop(*rows[0]) if rows else None


async def write_stop(tx: Tx, name: Name, stop: Stop) -> None:
    """Stop a subscription; what was said before stays."""
    await tx.insert(_STOPS, [(name.tenant, name.subscription, *stop)], "ON CONFLICT DO NOTHING")


async def delete_stop(tx: Tx, name: Name) -> bool:
    """Let a subscription go on; return whether it was stopped."""
    changed = await tx.execute(
        "DELETE FROM subscription_stops WHERE tenant = :tenant AND subscription = :subscription",
        tenant=name.tenant,
        subscription=name.subscription,
    )
    return changed > 0


async def standings(tx: Tx, name: Name) -> list[Standing]:
    """Return each partition's place, in order."""
    rows = await tx.fetch(
        f"SELECT number, next_offset, delivered, CASE WHEN leased_until < {tx.now} THEN '' ELSE owner END "
        f"FROM subscription_cursors WHERE {_OF} ORDER BY number",
        **name._asdict(),
    )
    return [Standing(*row) for row in rows]
