"""Read parts as they were within time bounds.

A part whose facts all lie within is used as it is stored, one wholly outside is left out. Only a part that straddles
the bounds is folded again, from its own stored events (of a long part: one segment of it).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from cx_context.fold_faults import part_of
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import combine
from cx_context.parts.model import Part
from cx_context.store import segments
from cx_context.store.latest_events import decode_facts
from cx_context.store.ownership import Ownership
from cx_context.store.part_codec import (
    begin_of,
    begun_sql,
    decode_part,
    decode_span,
    unpack,
)
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import WITHIN, TimeBounds
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId


class PartsAsOf:
    """One tenant's parts within time bounds, read in one transaction."""

    def __init__(self, tx: Tx, ids: IdSpace, bounds: TimeBounds) -> None:
        self._tx = tx
        self.ids = ids
        self.tenant = ids.tenant
        self.bounds = bounds

    async def streams_with_facts(self, column: str, nodes: Collection[NodeId]) -> list[tuple[NodeId, NodeId]]:
        """Return (interaction, stream) of the parts that had a fact."""
        rows = await self._tx.fetch(
            f"SELECT interaction, stream_id, part_id, body FROM parts WHERE {column} = ANY(:nodes) "
            f"AND tenant = :tenant AND {begun_sql()}",
            nodes=list(nodes),
            tenant=self.tenant,
            last=begin_of(self.bounds.until),
        )
        found: list[tuple[NodeId, NodeId]] = []
        doubtful: dict[bytes, tuple[NodeId, NodeId]] = {}
        for interaction, stream_id, part_id, body in rows:
            span = decode_span(unpack(body))
            if self.bounds.may_hold(span):
                if self.bounds.is_cut_twice and not self.bounds.holds_all(span):
                    doubtful[part_id] = (interaction, stream_id)
                else:
                    found.append((interaction, stream_id))
        if doubtful:
            proved = await self._tx.fetch(
                "SELECT DISTINCT part_id FROM events "
                f"WHERE stream_id = ANY(:stream_ids) AND part_id = ANY(:part_ids) AND tenant = :tenant AND {WITHIN}",
                stream_ids=list({stream_id for _, stream_id in doubtful.values()}),
                part_ids=list(doubtful),
                tenant=self.tenant,
                **self.bounds.parameters,
            )
            found += [doubtful[bytes(row[0])] for row in proved]
        return found

    async def read(
        self, own: Ownership, decode: Callable[[bytes], Part]
    ) -> tuple[list[KeyedPart], dict[bytes, bytes], list[KeyedPart]]:
        """Read an ownership's parts: those that lie within as they are stored, their bodies by part id, and what is
        within of the others."""
        rows = await self._tx.fetch(
            "SELECT part_id, stream_id, body FROM parts WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant "
            f"AND {begun_sql()}",
            stream_ids=list(own.stream_ids),
            tenant=self.tenant,
            last=begin_of(self.bounds.until),
        )
        if own.excluded:
            rows = [row for row in rows if row[0] not in own.excluded]
        if own.included:
            included = await self._tx.fetch(
                "SELECT part_id, stream_id, body FROM parts WHERE part_id = ANY(:part_ids) AND tenant = :tenant "
                f"AND {begun_sql()}",
                part_ids=[side.part_id for side in own.included],
                tenant=self.tenant,
                last=begin_of(self.bounds.until),
            )
            rows = [*rows, *included]
        until, known_until = self.bounds.until, self.bounds.known_until
        within: list[KeyedPart] = []
        bodies: dict[bytes, bytes] = {}
        straddling: dict[bytes, tuple[NodeId, Part]] = {}
        for part_id, stream_id, body in rows:
            part = decode(body)
            if part.until <= until and part.last_recorded <= known_until:
                within.append(KeyedPart(part_id, part))
                bodies[part_id] = body
            elif part.first_recorded <= known_until:
                straddling[part_id] = stream_id, part
        return within, bodies, await self._cut(straddling) if straddling else []

    async def _cut(self, straddling: Mapping[bytes, tuple[NodeId, Part]]) -> list[KeyedPart]:
        """Return what is within of parts that straddle the bounds."""
        sums: dict[bytes, list[Part]] = {part_id: [] for part_id in straddling}
        short = {part_id: place for part_id, place in straddling.items() if place[1].facts <= segments.SEGMENT_FACTS}
        for part_id, part in (await self._folded(short)).items():
            sums[part_id].append(part)
        for part_id, (stream_id, span) in straddling.items():
            if part_id not in short:
                sums[part_id] += await self._segments(part_id, stream_id, span)
        return [KeyedPart(part_id, combine(found)) for part_id, found in sums.items() if found]

    async def _segments(self, part_id: bytes, stream_id: NodeId, span: Part) -> list[Part]:
        """Return what is within of a long part."""
        rows = await self._tx.fetch(
            f"SELECT body FROM segments WHERE part_id = :part_id AND {begun_sql()} ORDER BY since",
            part_id=part_id,
            last=begin_of(self.bounds.until),
        )
        whole = []
        for (body,) in rows:
            segment = decode_part(body)
            if self.bounds.holds_all(segment):
                whole.append(segment)
            elif self.bounds.may_hold(segment):
                whole += (await self._folded({part_id: (stream_id, segment)})).values()
        return whole if rows else list((await self._folded({part_id: (stream_id, span)})).values())

    async def _folded(self, places: Mapping[bytes, tuple[NodeId, Part]]) -> dict[bytes, Part]:
        """Fold the facts of each part that are within, from the stored events."""
        if not places:
            return {}
        rows = await self._tx.fetch(
            "SELECT raw FROM events WHERE stream_id = ANY(:stream_ids) AND part_id = ANY(:part_ids) "
            f"AND tenant = :tenant AND effective >= :since AND effective <= :last AND {WITHIN}",
            stream_ids=list({stream_id for stream_id, _ in places.values()}),
            part_ids=list(places),
            tenant=self.tenant,
            since=min(span.since for _, span in places.values()),
            last=max(span.until for _, span in places.values()),
            **self.bounds.parameters,
        )
        facts: dict[bytes, list[Fact]] = {}
        for fact in await decode_facts([bytes(row[0]) for row in rows], self.ids):
            facts.setdefault(fact.part_id, []).append(fact)
        return {part_id: part_of(group) for part_id, group in facts.items()}
