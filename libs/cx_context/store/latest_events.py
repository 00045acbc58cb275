"""Read the latest events that a customer owns, for the timeline and the paged history."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cx_context.store.ownership import Ownership
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.cooperative_chunks import cooperative_chunks
from cx_events.facts import Fact, Order
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros

_STREAMS_AT_ONCE = 500

_LEAST = -(2**62)

_MOST_DECODED = 250
"""Events that are decoded in the event loop; more are in a thread."""


async def read_latest_facts(
    tx: Tx,
    ids: IdSpace,
    own: Ownership,
    most: int,
    before: Micros | None = None,
    part_ids: Collection[NodeId] | None = None,
    known_at: Micros | None = None,
) -> list[Fact]:
    """At least the latest ``most`` of these facts (of each stream and borrowed side, ties included), none later than
    ``before``, none recorded after ``known_at``; of these ``part_ids`` alone, where they are given."""
    return await decode_facts(await read_latest_raws(tx, ids.tenant, own, most, before, part_ids, known_at), ids)


async def decode_facts(raws: Sequence[bytes], ids: IdSpace) -> list[Fact]:
    """Decode events, many of them in a thread: a long history takes up to a second, which nobody else should wait
    for."""
    if len(raws) > _MOST_DECODED:
        return await asyncio.to_thread(_decoded, raws, ids)
    return [fact async for some in cooperative_chunks(raws) for fact in _decoded(some, ids)]


def _decoded(raws: Sequence[bytes], ids: IdSpace) -> list[Fact]:
    return [Fact(decode_leniently(raw)[0], raw, ids) for raw in raws]


async def read_latest_raws(
    tx: Tx,
    tenant: str,
    own: Ownership,
    most: int,
    before: Micros | None = None,
    part_ids: Collection[NodeId] | None = None,
    known_at: Micros | None = None,
) -> list[bytes]:
    limit = "AND tenant = :tenant"
    values: dict[str, Any] = {"tenant": tenant}
    if before is not None:
        limit += " AND effective <= :before"
        values["before"] = before
    if known_at is not None:
        limit += " AND recorded <= :known_at"
        values["known_at"] = known_at
    included = await _included_raws(tx, own, most, limit, part_ids, values) if own.included else []
    if own.excluded:
        limit += " AND part_id <> ALL(:excluded)"
        values["excluded"] = list(own.excluded)
    if part_ids is not None:
        limit += " AND part_id = ANY(:part_ids)"
        values["part_ids"] = list(part_ids)
    if tx.for_update == "":
        return await _latest_in_file(tx, own.stream_ids, most, limit, values) + included
    rows = await tx.fetch(
        "SELECT latest.raw FROM unnest(:stream_ids::bytea[]) AS h(stream_id) CROSS JOIN LATERAL ("
        f"SELECT raw FROM events WHERE events.stream_id = h.stream_id {limit} "
        f"ORDER BY effective DESC FETCH FIRST {int(most)} ROWS WITH TIES) AS latest",
        stream_ids=list(own.stream_ids),
        most=most,
        **values,
    )
    return [bytes(row[0]) for row in rows] + included


async def _latest_in_file(
    tx: Tx, stream_ids: Sequence[NodeId], most: int, limit: str, values: Mapping[str, Any]
) -> list[bytes]:
    """SQLite has no LATERAL, and a window would read all that ever happened for one page. So of each stream the index
    tells since when its latest ``most`` happened, and only those are read."""
    found: list[bytes] = []
    for begin in range(0, len(stream_ids), _STREAMS_AT_ONCE):
        named = {
            f"stream_{_letters(at)}": stream_id
            for at, stream_id in enumerate(stream_ids[begin : begin + _STREAMS_AT_ONCE])
        }
        rows = await tx.fetch(
            f"WITH h (stream_id) AS (VALUES {', '.join(f'(:{name})' for name in named)}) "
            "SELECT e.raw FROM h CROSS JOIN events e ON e.stream_id = h.stream_id AND e.effective >= coalesce("
            f"(SELECT f.effective FROM events f WHERE f.stream_id = h.stream_id {limit} "
            "ORDER BY f.effective DESC LIMIT 1 OFFSET :skipped), :least) "
            f"WHERE TRUE {limit}",
            skipped=most - 1,
            least=_LEAST,
            **named,
            **values,
        )
        found += [bytes(row[0]) for row in rows]
    return found


def _letters(number: int) -> str:
    """Return a name for a parameter, which may hold letters alone."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


async def _included_raws(
    tx: Tx, own: Ownership, most: int, limit: str, part_ids: Collection[NodeId] | None, values: Mapping[str, Any]
) -> list[bytes]:
    """Read each included part by itself: a switchboard's stream may hold a hundred thousand events."""
    sides = [side for side in own.included if part_ids is None or side.part_id in part_ids]
    if not sides:
        return []
    if tx.for_update == "":
        rows = await tx.fetch(
            "SELECT raw FROM (SELECT raw, rank() OVER (PARTITION BY part_id ORDER BY effective DESC) AS place "
            f"FROM events WHERE stream_id = ANY(:stream_ids) AND part_id = ANY(:sides) {limit}) AS ranked "
            "WHERE place <= :most",
            stream_ids=list({side.stream_id for side in sides}),
            sides=[side.part_id for side in sides],
            most=most,
            **values,
        )
    else:
        rows = await tx.fetch(
            "SELECT latest.raw FROM unnest(:stream_ids::bytea[], :sides::bytea[], :since::bigint[], :until::bigint[]) "
            "AS s(stream_id, part_id, since, until) CROSS JOIN LATERAL (SELECT raw FROM events "
            "WHERE events.stream_id = s.stream_id AND events.part_id = s.part_id "
            f"AND effective BETWEEN s.since AND s.until {limit} "
            f"ORDER BY effective DESC FETCH FIRST {int(most)} ROWS WITH TIES) AS latest",
            stream_ids=[side.stream_id for side in sides],
            sides=[side.part_id for side in sides],
            since=[side.since for side in sides],
            until=[side.until for side in sides],
            **values,
        )
    return [bytes(row[0]) for row in rows]


async def read_facts_before(
    tx: Tx,
    ids: IdSpace,
    own: Ownership,
    most: int,
    before: Order | None = None,
    part_ids: Collection[NodeId] | None = None,
    until: Micros | None = None,
    known_at: Micros | None = None,
) -> list[Fact]:
    """The latest ``most`` of these facts that sort before ``before``, newest first: exactly those, also where
    many happened at one time. ``until``, ``known_at``: no fact happened or was recorded later."""
    found: list[Fact] = []
    included = {side.part_id for side in own.included}
    if before is not None:
        until = before[0] if until is None else min(until, before[0])
    while len(found) < most:
        read = await read_latest_facts(tx, ids, own, most, until, part_ids, known_at)
        by_place: dict[NodeId, list[Fact]] = {}
        for fact in read:
            by_place.setdefault(fact.part_id if fact.part_id in included else fact.stream_id, []).append(fact)
        # Of a place with so many there may be more: nothing below its last one is complete.
        floor = max(
            (min(fact.effective for fact in facts) for facts in by_place.values() if len(facts) >= most), default=None
        )
        found += [
            fact
            for fact in read
            if (before is None or fact.order < before) and (floor is None or fact.effective >= floor)
        ]
        if floor is None:
            break
        until = floor - 1
    found.sort(key=lambda fact: fact.order, reverse=True)
    return found[:most]
