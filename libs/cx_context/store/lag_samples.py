"""Keep how far each partition was, minute by minute for a day, and what each worker said of itself last.

Some rows a minute for the whole hub, whatever the traffic: of several workers the first one of a minute writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from cx_context.store.operations_tables import LAG_SAMPLES, WORKER_REPORTS
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.log import Partition

MINUTES_KEPT = 1440
_DAY = 86_400


class LagSample(NamedTuple):
    """``minute``: since 1970, by the database's clock. ``end_offset``: where the log ended then."""

    minute: int
    topic: str
    number: int
    next_offset: int
    end_offset: int


class WorkerReport(Struct, frozen=True):
    """``since``: when the state began; ``error_at``: when the last error was, 0 for never; both in seconds since 1970.
    ``is_live``: the worker renewed its leases lately."""

    worker: str
    version: str
    state: str
    since: float
    error: str
    error_at: float
    is_live: bool


async def write_samples(tx: Tx, done: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
    """Write this minute's rows unless they are there, and delete those older than a day."""
    minute = int((await tx.fetch(f"SELECT {tx.now}"))[0][0] // 60)
    rows = [(minute, p.topic, p.number, done.get(p, 0), end) for p, end in sorted(ends.items())]
    await tx.insert(shape_of(LAG_SAMPLES), rows, "ON CONFLICT DO NOTHING")
    await tx.execute("DELETE FROM lag_samples WHERE minute <= :last", last=minute - MINUTES_KEPT)


async def read_samples(tx: Tx, minutes: int) -> list[LagSample]:
    """Return the samples of the latest minutes, oldest first."""
    rows = await tx.fetch(
        "SELECT minute, topic, number, next_offset, end_offset FROM lag_samples "
        f"WHERE minute > {tx.now} / 60 - :minutes ORDER BY minute, topic, number",
        minutes=float(minutes),
    )
    return [LagSample(*row) for row in rows]


async def write_report(tx: Tx, worker: str, version: str, state: str, error: str) -> None:
    """Write what a worker says of itself. An empty ``error`` leaves the last one as it is."""
    ((now,),) = await tx.fetch(f"SELECT {tx.now}")
    await tx.insert(
        shape_of(WORKER_REPORTS),
        [(worker, version, state, float(now), error, float(now) if error else 0.0)],
        "ON CONFLICT (worker) DO UPDATE SET version = excluded.version, "
        "since = CASE WHEN worker_reports.state = excluded.state THEN worker_reports.since ELSE excluded.since END, "
        "state = excluded.state, "
        "error = CASE WHEN excluded.error = '' THEN worker_reports.error ELSE excluded.error END, "
        "error_at = CASE WHEN excluded.error = '' THEN worker_reports.error_at ELSE excluded.error_at END",
    )
    await tx.execute(
        "DELETE FROM worker_reports WHERE since < :old AND worker NOT IN (SELECT id FROM workers)", old=now - _DAY
    )


async def delete_report(tx: Tx, worker: str) -> None:
    """Forget a worker that has left."""
    await tx.execute("DELETE FROM worker_reports WHERE worker = :worker", worker=worker)


async def read_reports(tx: Tx) -> list[WorkerReport]:
    """Return what each worker said last; one that died without leaving stays for a day."""
    rows = await tx.fetch(
        "SELECT r.worker, r.version, r.state, r.since, r.error, r.error_at, "
        f"coalesce(w.seen_until, 0) >= {tx.now} FROM worker_reports r LEFT JOIN workers w ON w.id = r.worker "
        "ORDER BY r.worker"
    )
    return [
        WorkerReport(worker, version, state, since, error, error_at, bool(live))
        for worker, version, state, since, error, error_at, live in rows
    ]


def partitions_of(samples: Iterable[LagSample]) -> dict[Partition, list[LagSample]]:
    """Return the samples by partition, each in its order."""
    found: dict[Partition, list[LagSample]] = {}
    for each in samples:
        found.setdefault(Partition(each.topic, each.number), []).append(each)
    return found
