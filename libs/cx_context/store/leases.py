"""Lease partitions to workers: leases with an epoch, in the same database as the state.

Kafka's own group protocol rebalances in the background and knows nothing of our transactions; a lease is checked inside
them (see docs/decisions/0002-partition-leases.md). Times are the database's clock, in seconds.

A worker calls ``take`` every third of a lease; it tells what the worker owns now, after renewing, taking what is free
and giving up what is more than its share. A batch calls ``hold`` first in its transaction, and moves its ``offsets``
last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cx_context.store.port import tenant_lock
from cx_context.store.sql import Tx
from cx_events.errors import CxError
from cx_events.log import Partition

REPLACE_LOCK = tenant_lock("refold", "")
"""Every batch holds it shared, and takes it first; whoever must be the only writer needs it exclusively."""


class Fenced(CxError):
    """This worker lost the partition, or its epoch moved: drop all that was kept of it, and take anew."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A partition that this worker owns: the next offset to apply, and the epoch of the ownership."""

    next_offset: int
    epoch: int


def advanced(owned: Mapping[Partition, Lease], offsets: Mapping[Partition, int]) -> dict[Partition, Lease]:
    """Return the leases of the partitions of these offsets as they are once a batch has moved on to them."""
    return {partition: Lease(offset, owned[partition].epoch) for partition, offset in offsets.items()}


async def take(tx: Tx, worker: str, seconds: float) -> dict[Partition, Lease]:
    """Renew, give up what is beyond our share, take what is free. What we own now."""
    await tx.execute(
        "INSERT INTO workers (id, seen_until) VALUES (:worker, " + tx.now + " + :seconds) "
        "ON CONFLICT (id) DO UPDATE SET seen_until = excluded.seen_until",
        worker=worker,
        seconds=float(seconds),
    )
    await tx.execute(f"DELETE FROM workers WHERE seen_until < {tx.now} - 60")
    live = (await tx.fetch(f"SELECT count(*) FROM workers WHERE seen_until >= {tx.now}"))[0][0]
    surplus, wanted = _changes(await read_leases(tx), worker, max(live, 1))
    if surplus or wanted:
        surplus, wanted = _changes(await read_leases(tx, tx.for_update), worker, max(live, 1))
    for partition, owner in [*((each, "") for each in surplus), *((each, worker) for each in wanted)]:
        await tx.execute(
            "UPDATE partitions SET owner = :owner, leased_until = 0, epoch = epoch + 1 "
            "WHERE topic = :topic AND number = :number",
            owner=owner,
            topic=partition.topic,
            number=partition.number,
        )
    await tx.fetch(
        f"SELECT number FROM partitions WHERE owner = :worker ORDER BY topic, number {tx.for_update}", worker=worker
    )
    await tx.execute(
        "UPDATE partitions SET leased_until = " + tx.now + " + :seconds WHERE owner = :worker",
        worker=worker,
        seconds=float(seconds),
    )
    return await owned(tx, worker)


async def live_workers(tx: Tx) -> list[str]:
    """Return the workers that are at work, by what they said last."""
    return [id for (id,) in await tx.fetch(f"SELECT id FROM workers WHERE seen_until >= {tx.now} ORDER BY id")]


async def read_leases(tx: Tx, for_update: str = "") -> list[LeaseRow]:
    """Read who owns which partition. Locked only where something is to change hands, since a row is its owner's for the
    length of a batch."""
    rows = await tx.fetch(
        f"SELECT topic, number, owner, leased_until >= {tx.now} FROM partitions ORDER BY topic, number {for_update}"
    )
    return [LeaseRow(*row) for row in rows]


class LeaseRow(NamedTuple):
    """A row of ``partitions``. ``valid``: the lease has not run out. ``owner`` is empty where there is none."""

    topic: str
    number: int
    owner: str
    valid: bool


def _changes(all_leases: Iterable[LeaseRow], worker: str, live: int) -> tuple[list[Partition], list[Partition]]:
    """Return the partitions that a worker should give up and those it should take, to have its share of each topic: one
    topic may be all the work there is."""
    by_topic: dict[str, list[LeaseRow]] = defaultdict(list)
    for lease in all_leases:
        by_topic[lease.topic].append(lease)
    surplus: list[Partition] = []
    wanted: list[Partition] = []
    for topic, all_of_topic in by_topic.items():
        share = -(-len(all_of_topic) // live)
        mine = [Partition(topic, each.number) for each in all_of_topic if each.owner == worker]
        free = [Partition(topic, each.number) for each in all_of_topic if each.owner != worker and not each.valid]
        surplus += mine[share:]
        wanted += free[: max(share - len(mine), 0)]
    return surplus, wanted


async def owned(tx: Tx, worker: str) -> dict[Partition, Lease]:
    """Return what a worker owns."""
    rows = await tx.fetch(
        "SELECT topic, number, next_offset, epoch FROM partitions WHERE owner = :worker", worker=worker
    )
    return {Partition(topic, number): Lease(next_offset, epoch) for topic, number, next_offset, epoch in rows}


async def leave(tx: Tx, worker: str) -> None:
    """Give everything up at once, at a graceful stop."""
    await lock_all(tx)
    await tx.execute(
        "UPDATE partitions SET owner = '', leased_until = 0, epoch = epoch + 1 WHERE owner = :worker", worker=worker
    )
    await tx.execute("DELETE FROM workers WHERE id = :worker", worker=worker)


async def hold(tx: Tx, worker: str, leases: Mapping[Partition, Lease]) -> None:
    """Lock the rows of these partitions, in order; ``Fenced`` unless each is ours, at that epoch and offset."""
    if not leases:
        return
    topics = {partition.topic for partition in leases}
    found: dict[Partition, tuple[int, int, str]] = {}
    for topic in sorted(topics):
        rows = await tx.fetch(
            "SELECT number, next_offset, epoch, owner FROM partitions WHERE topic = :topic AND number = ANY(:numbers) "
            "ORDER BY number " + tx.for_update,
            topic=topic,
            numbers=sorted(p.number for p in leases if p.topic == topic),
        )
        found |= {Partition(topic, number): (next_offset, epoch, owner) for number, next_offset, epoch, owner in rows}
    for partition, each in leases.items():
        if found.get(partition) != (each.next_offset, each.epoch, worker):
            raise Fenced(
                f"{partition.topic}/{partition.number} is at {found.get(partition)}, not at {each} of {worker}"
            )


async def lock_all(tx: Tx) -> None:
    """Lock the row of every partition, in the one order in which all do; before a statement that writes several."""
    await tx.fetch("SELECT number FROM partitions ORDER BY topic, number " + tx.for_update)


async def pause_all(tx: Tx) -> None:
    """Let no batch begin, and no lease be taken or renewed, before this transaction ends; wait for batches under way.
    Readers go on."""
    await tx.lock(REPLACE_LOCK, exclusive=True)
    if tx.for_update:
        # The table, not its rows: who waited for a row would hold a lock on the table, and be in an exchange's way.
        await tx.execute("LOCK TABLE partitions IN EXCLUSIVE MODE")


async def seize(tx: Tx, worker: str, partitions: Iterable[Partition]) -> dict[Partition, Lease]:
    """Take these partitions, whoever has them. Return all that the worker owns."""
    await lock_all(tx)
    for partition in sorted(partitions):
        await tx.execute(
            "UPDATE partitions SET owner = :worker, leased_until = 0, epoch = epoch + 1 "
            "WHERE topic = :topic AND number = :number",
            worker=worker,
            topic=partition.topic,
            number=partition.number,
        )
    return await owned(tx, worker)


async def fence_all(tx: Tx) -> None:
    """Make every owner of a partition drop what it keeps in memory and take anew. After ``lock_all``."""
    await tx.execute("UPDATE partitions SET epoch = epoch + 1")
