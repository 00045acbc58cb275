"""Read and write the tables ``events`` (every event once) and ``copies`` (copies of an event whose content differs)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from cx_context.fold_faults import is_left_out
from cx_context.store import tables
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

_EVENTS = shape_of(tables.EVENTS)

_COPIES = shape_of(tables.COPIES)

EventRow = tuple[bytes, str, NodeId, NodeId, int, int, str | None, bytes]
"""(key, tenant, stream, part id, effective, recorded, problem, raw)"""


async def insert_events(tx: Tx, rows: Sequence[EventRow]) -> set[bytes]:
    """Store each event whose key is new; the keys that were. ``rows`` in order of their keys."""
    return await tx.insert_new(_EVENTS, rows)


async def read_raws(tx: Tx, keys: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the bytes of the copies that count, by event key."""
    return {key: copy.raw for key, copy in (await read_stored_copies(tx, keys)).items()}


class StoredCopy(NamedTuple):
    """The copy of an event that counts. ``problem``: why no fold can use it, or None."""

    raw: bytes
    problem: str | None


async def read_stored_copies(tx: Tx, keys: Collection[bytes]) -> dict[bytes, StoredCopy]:
    """Return the copies that count, by event key; of a mail also by the key of each of its names."""
    if not keys:
        return {}
    rows = await tx.fetch(
        "SELECT key, raw, problem FROM events WHERE key = ANY(:keys) UNION ALL "
        "SELECT l.profile, e.raw, e.problem FROM link_events l JOIN events e ON e.key = l.key "
        "WHERE l.profile = ANY(:keys)",
        keys=list(keys),
    )
    return {key: StoredCopy(bytes(raw), problem) for key, raw, problem in rows}


async def read_event_keys(tx: Tx) -> set[bytes]:
    """Return the keys of all stored events: 16 bytes each in memory, for ``cx verify``."""
    return {row[0] for row in await tx.fetch("SELECT key FROM events")}


async def replace_event(tx: Tx, fact: Fact, stream_id: NodeId, problem: str | None) -> None:
    """Let another copy of an event count from now on."""
    await tx.execute(
        "UPDATE events SET stream_id = :stream_id, part_id = :part_id, effective = :effective, recorded = :recorded, "
        "problem = :problem, raw = :raw WHERE key = :key",
        stream_id=stream_id,
        part_id=fact.part_id,
        effective=fact.effective,
        recorded=fact.recorded,
        problem=problem,
        raw=fact.raw,
        key=fact.key,
    )


async def write_copies(tx: Tx, copies: Iterable[tuple[bytes, str, int, bytes]]) -> None:
    """Keep copies (key, tenant, recorded, raw) whose content differs: nothing that was sent is lost."""
    rows = {(row[0], row[1]): row for row in (stored_copy_row(*copy) for copy in copies)}
    await tx.insert(_COPIES, [row for _, row in sorted(rows.items())], "ON CONFLICT DO NOTHING")


async def read_other_copies(tx: Tx, keys: Collection[bytes]) -> dict[bytes, list[tuple[Micros, bytes]]]:
    """Return the kept copies of some events, by event key, each as (recorded, raw)."""
    rows = await tx.fetch("SELECT key, recorded, raw FROM copies WHERE key = ANY(:keys)", keys=list(keys))
    found: dict[bytes, list[tuple[Micros, bytes]]] = {}
    for key, recorded, raw in rows:
        found.setdefault(bytes(key), []).append((recorded, bytes(raw)))
    return found


def stored_copy_row(key: bytes, tenant: str, recorded: Micros, raw: bytes) -> tuple[bytes, bytes, str, Micros, bytes]:
    """Return the row of ``copies``."""
    return (key, blake2b(raw, digest_size=16).digest(), tenant, recorded, raw)


async def read_raws_of_part(tx: Tx, tenant: str, stream_id: NodeId, part_id: bytes) -> list[bytes]:
    """Return the stored events of one part."""
    rows = await tx.fetch(
        "SELECT raw FROM events WHERE stream_id = :stream_id AND part_id = :part_id AND tenant = :tenant",
        stream_id=stream_id,
        part_id=part_id,
        tenant=tenant,
    )
    return [bytes(row[0]) for row in rows]


async def read_some_raws_of_parts(tx: Tx, tenant: str, part_ids: Collection[bytes], most: int) -> list[bytes]:
    """Return up to ``most`` of the stored events of some parts."""
    rows = await tx.fetch(
        "SELECT e.raw FROM parts p JOIN events e ON e.stream_id = p.stream_id AND e.part_id = p.part_id "
        "WHERE p.part_id = ANY(:part_ids) AND p.tenant = :tenant LIMIT :most",
        part_ids=list(part_ids),
        tenant=tenant,
        most=most,
    )
    return [bytes(row[0]) for row in rows]


async def read_some_raws_of_stream(tx: Tx, tenant: str, stream_id: NodeId, most: int) -> list[bytes]:
    """Return up to ``most`` of the stored events of a stream."""
    rows = await tx.fetch(
        "SELECT raw FROM events WHERE stream_id = :stream_id AND tenant = :tenant LIMIT :most",
        stream_id=stream_id,
        tenant=tenant,
        most=most,
    )
    return [bytes(row[0]) for row in rows]


async def read_stream_raws(tx: Tx, tenant: str, stream_ids: Collection[NodeId]) -> list[tuple[bytes, str | None]]:
    """Return all stored events of some streams, each with its problem, if it has one."""
    if not stream_ids:
        return []
    rows = await tx.fetch(
        "SELECT raw, problem FROM events WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant",
        stream_ids=list(stream_ids),
        tenant=tenant,
    )
    return [(bytes(raw), problem) for raw, problem in rows]


async def read_stream_keys(tx: Tx, tenant: str, stream_ids: Collection[NodeId]) -> list[bytes]:
    """Return the keys of all stored events of some streams."""
    rows = await tx.fetch(
        "SELECT key FROM events WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant",
        stream_ids=list(stream_ids),
        tenant=tenant,
    )
    return sorted(bytes(key) for (key,) in rows)


async def read_streams_recorded_since(tx: Tx, tenant: str, since: Micros) -> list[NodeId]:
    """Return the streams at which an event lies that was recorded then or later. Reads all of the tenant's events."""
    rows = await tx.fetch(
        "SELECT DISTINCT stream_id FROM events WHERE tenant = :tenant AND recorded >= :since",
        tenant=tenant,
        since=since,
    )
    return sorted(bytes(row[0]) for row in rows)


async def read_streams_of_nobody(tx: Tx, tenant: str) -> list[NodeId]:
    """Return the streams at which events lie that are no profile's, that of the tenant's decisions among them."""
    rows = await tx.fetch(
        "SELECT DISTINCT e.stream_id FROM events e LEFT JOIN profiles p ON p.id = e.stream_id "
        "WHERE e.tenant = :tenant AND p.id IS NULL",
        tenant=tenant,
    )
    return sorted(bytes(row[0]) for row in rows)


async def read_raws_naming(
    tx: Tx, tenant: str, stream_ids: Collection[NodeId], profiles: Collection[NodeId]
) -> list[bytes]:
    """Return the stored events of these streams, and those from elsewhere that name one of the profiles."""
    rows = list(
        await tx.fetch(
            "SELECT key, raw, problem FROM events WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant",
            stream_ids=list(stream_ids),
            tenant=tenant,
        )
    )
    rows += await tx.fetch(
        "SELECT e.key, e.raw, e.problem FROM link_events l JOIN events e ON e.key = l.key "
        "WHERE l.profile = ANY(:profiles) AND e.tenant = :tenant",
        profiles=list(profiles),
        tenant=tenant,
    )
    return [bytes(raw) for raw in {key: raw for key, raw, problem in rows if not is_left_out(problem)}.values()]


class AppliedEvent(NamedTuple):
    """The stream at which an applied event lies, and whether it has a problem: no fold can use it."""

    stream_id: NodeId
    is_problem: bool


async def read_applied(tx: Tx, keys: Collection[bytes]) -> dict[bytes, AppliedEvent]:
    """Return those of some events that are applied, by key, or by the key of a mail's name.

    A key stands for its tenant, too."""
    rows = await tx.fetch(
        "SELECT key, stream_id, problem IS NOT NULL FROM events WHERE key = ANY(:keys) UNION ALL "
        "SELECT l.profile, e.stream_id, e.problem IS NOT NULL FROM link_events l JOIN events e ON e.key = l.key "
        "WHERE l.profile = ANY(:keys)",
        keys=list(keys),
    )
    return {bytes(key): AppliedEvent(bytes(stream_id), bool(problem)) for key, stream_id, problem in rows}


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that was applied. ``problem``: why no fold can use it, or None."""

    stream_id: NodeId
    problem: str | None
    raw: bytes


async def read_event(tx: Tx, tenant: str, key: bytes) -> StoredEvent | None:
    """Return an applied event, or None while it is not applied. ``key``: the event's, or that of a mail's name."""
    rows = await tx.fetch(
        "SELECT stream_id, problem, raw FROM events WHERE key = :key AND tenant = :tenant UNION ALL "
        "SELECT stream_id, problem, raw FROM (SELECT e.stream_id, e.problem, e.raw FROM link_events l "
        "JOIN events e ON e.key = l.key WHERE l.profile = :key AND e.tenant = :tenant ORDER BY l.key LIMIT 1) named",
        key=key,
        tenant=tenant,
    )
    return StoredEvent(bytes(rows[0][0]), rows[0][1], bytes(rows[0][2])) if rows else None
