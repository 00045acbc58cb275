"""Cut long parts by effective time, so that a moment of the past needs one segment's events and not all.

A part's segments add up to it; each holds about ``SEGMENT_FACTS`` of its facts, all those of one instant together. Live
traffic grows the last one; a late fact changes the one that it falls into, and one that grew too long is cut in two
from its stored events. Only a part of many facts has any: mostly none does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from cx_context.fold import new_part
from cx_context.fold_faults import Add, in_place, part_of
from cx_context.parts.model import Part
from cx_context.store import tables
from cx_context.store.part_codec import decode_part, encode_part
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.codec import decode_leniently
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import BEGINNING_OF_TIME, END_OF_TIME, Micros

SEGMENTS = shape_of(tables.SEGMENTS)

SEGMENT_FACTS = 512
"""A part of more facts has segments, of so many each."""

Segment = tuple[Micros, Part]
"""The least effective time that it may hold (the next one's is its end), and the sum of its facts."""


def cut(facts: Iterable[Fact], since: Micros) -> list[Segment]:
    """Cut facts into segments, the first of which begins at ``since``."""
    groups: list[list[Fact]] = []
    for fact in sorted(facts, key=lambda fact: fact.effective):
        if groups and (len(groups[-1]) < SEGMENT_FACTS or groups[-1][-1].effective == fact.effective):
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return [(group[0].effective if at else since, part_of(group)) for at, group in enumerate(groups)]


async def rebuild(tx: Tx, ids: IdSpace, stream_id: NodeId, part_id: bytes) -> Segment | None:
    """Write all segments of a part anew from its stored events, and return the last one."""
    await forget(tx, part_id)
    segments = cut(await _facts(tx, ids, stream_id, part_id, BEGINNING_OF_TIME, END_OF_TIME), BEGINNING_OF_TIME)
    await _write(tx, [(part_id, *segment) for segment in segments])
    return segments[-1] if segments else None


async def forget(tx: Tx, part_id: bytes) -> None:
    await tx.execute("DELETE FROM segments WHERE part_id = :part_id", part_id=part_id)


async def add(
    tx: Tx, ids: IdSpace, new: Mapping[bytes, Sequence[Fact]], tails: dict[bytes, Segment], how: Add = in_place
) -> None:
    """New facts of long parts, by part id; they are stored already. ``tails``: last segments, as their only writer
    remembers them. ``how``: a fact is added to a part."""
    changed: list[tuple[bytes, Micros, Part]] = []
    for part_id, group in new.items():
        facts = sorted(group, key=lambda fact: fact.effective)
        tail = tails.get(part_id)
        if tail is not None and facts[0].effective >= tail[0]:
            segments = [tail]
        else:
            segments = await _from(tx, part_id, facts[0].effective)
            if not segments:
                last = await rebuild(tx, ids, facts[0].stream_id, part_id)
                if last is not None:
                    tails[part_id] = last
                continue
        touched, tails[part_id] = await _grow(tx, ids, part_id, segments, facts, how)
        changed += [(part_id, *segment) for segment in touched]
    await _write(tx, changed)


async def _grow(
    tx: Tx, ids: IdSpace, part_id: bytes, segments: list[Segment], facts: Sequence[Fact], how: Add
) -> tuple[list[Segment], Segment]:
    """Return the segments that these facts changed, and the last one. ``segments``: the last ones of a part."""
    touched: dict[Micros, Part] = {}
    for fact in facts:
        at = bisect_right(segments, fact.effective, key=lambda segment: segment[0]) - 1
        since, part = segments[at]
        if at == len(segments) - 1 and part.facts >= SEGMENT_FACTS and fact.effective > part.until:
            since, part = fact.effective, new_part(fact)
            segments.append((since, part))
        else:
            part = how(part, fact)
            segments[at] = (since, part)
        touched[since] = part
    found: list[Segment] = []
    for since, part in touched.items():
        if part.facts <= 2 * SEGMENT_FACTS or part.since == part.until:
            found.append((since, part))
            continue
        at = bisect_right(segments, since, key=lambda segment: segment[0]) - 1
        end = segments[at + 1][0] - 1 if at + 1 < len(segments) else END_OF_TIME
        pieces = cut(await _facts(tx, ids, facts[0].stream_id, part_id, since, end), since)
        segments[at : at + 1] = pieces
        found += pieces
    return found, segments[-1]


async def _from(tx: Tx, part_id: bytes, effective: Micros) -> list[Segment]:
    """Return the segment that holds an instant, and all later ones."""
    rows = await tx.fetch(
        "SELECT since, body FROM segments WHERE part_id = :part_id AND since >= "
        "(SELECT max(since) FROM segments WHERE part_id = :part_id AND since <= :effective) ORDER BY since",
        part_id=part_id,
        effective=effective,
    )
    return [(since, decode_part(body)) for since, body in rows]


async def _facts(tx: Tx, ids: IdSpace, stream_id: NodeId, part_id: bytes, since: Micros, until: Micros) -> list[Fact]:
    rows = await tx.fetch(
        "SELECT raw FROM events WHERE stream_id = :stream_id AND part_id = :part_id AND tenant = :tenant "
        "AND effective >= :since AND effective <= :until",
        stream_id=stream_id,
        part_id=part_id,
        tenant=ids.tenant,
        since=since,
        until=until,
    )
    return [Fact(decode_leniently(raw)[0], raw, ids) for raw in (bytes(row[0]) for row in rows)]


async def _write(tx: Tx, rows: Iterable[tuple[bytes, Micros, Part]]) -> None:
    packed = sorted((part_id, since, encode_part(part)) for part_id, since, part in rows)
    await tx.insert(SEGMENTS, packed, "ON CONFLICT (part_id, since) DO UPDATE SET body = excluded.body")
