"""Read one tenant as it was within time bounds: its graph, and what a customer's facts up to then add up to.

Every answer equals that of a hub fed only the events within the bounds, by the definition; nothing is folded from the
start. Of stored events only the latest are read, for the timeline, besides those of parts that straddle the bounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from cx_context.parts.header import PartHeaders
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.sections.assured_read import assured_part_ids, isolate_profile, keep_parts
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.timeline import TIMELINE_SHOWN
from cx_context.store.as_of_graph import AsOfGraph
from cx_context.store.events import read_raws
from cx_context.store.latest_events import decode_facts, read_facts_before, read_latest_facts
from cx_context.store.ownership import Ownership, ownership_of
from cx_context.store.part_codec import (
    decode_header,
    decode_part,
    decode_words,
)
from cx_context.store.time_bounds import WITHIN, TimeBounds
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.facts import Fact, Order
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.first_mentions import NAMED


class Snapshot(AsOfGraph):
    """One tenant at one moment, read in one transaction.

    ``directory``: today's, also of the past: who somebody is does not change with time.
    """

    directory: Directory = NO_DIRECTORY

    async def parts(self, own: Ownership) -> list[KeyedPart]:
        within, _, cut = await self._parts.read(own, decode_part)
        return within + cut

    async def outlines(self, own: Ownership) -> PartHeaders:
        """Return the headers of parts, which cost less to read than ``parts``."""
        within, bodies, cut = await self._parts.read(own, decode_header)
        made = dict(cut)
        return PartHeaders(
            within + cut, lambda part_id: made[part_id] if part_id in made else decode_words(bodies[part_id])
        )

    async def latest(
        self, own: Ownership, most: int = TIMELINE_SHOWN, part_ids: Collection[NodeId] | None = None
    ) -> list[Fact]:
        return await read_latest_facts(
            self._tx, self.ids, own, most, before=self.bounds.until, part_ids=part_ids, known_at=self.bounds.known_at
        )

    async def facts_before(
        self, own: Ownership, most: int, before: Order | None, part_ids: Collection[NodeId] | None
    ) -> list[Fact]:
        """Return what ``latest_events.read_facts_before`` does."""
        moment = self.bounds
        return await read_facts_before(self._tx, self.ids, own, most, before, part_ids, moment.until, moment.known_at)

    async def facts(self, own: Ownership, most: int) -> list[Fact] | None:
        """Return all facts of an ownership; None if there are more than ``most``."""
        rows = await self._raws(
            own.stream_ids, most, "part_id <> ALL(:excluded)" if own.excluded else "TRUE", excluded=list(own.excluded)
        )
        if own.included:
            stream_ids, part_ids = {side.stream_id for side in own.included}, [side.part_id for side in own.included]
            rows += await self._raws(stream_ids, most, "part_id = ANY(:part_ids)", part_ids=part_ids)
        if len(rows) > most:
            return None
        return await decode_facts(rows, self.ids)

    async def _raws(self, stream_ids: Collection[NodeId], most: int, condition: str, **values: object) -> list[bytes]:
        """Return one more than ``most`` where there are more."""
        rows = await self._tx.fetch(
            f"SELECT raw FROM events WHERE stream_id = ANY(:stream_ids) AND {condition} AND tenant = :tenant "
            f"AND {WITHIN} LIMIT :most",
            stream_ids=list(stream_ids),
            tenant=self.tenant,
            most=most + 1,
            **self.bounds.parameters,
            **values,
        )
        return [bytes(row[0]) for row in rows]

    async def first_sightings(self, profiles: Collection[NodeId]) -> dict[NodeId, bytes]:
        """Return the key of the event that named each profile first."""
        rows = await self._tx.fetch(
            f"SELECT a, key, recorded, source, id FROM sightings WHERE kind = {NAMED} AND a = ANY(:ids) "
            f"AND tenant = :tenant AND {WITHIN}",
            ids=list(profiles),
            tenant=self.tenant,
            **self.bounds.parameters,
        )
        ordered = sorted(rows, key=lambda row: tuple(row[2:]), reverse=True)
        return {bytes(row[0]): bytes(row[1]) for row in ordered}

    async def events(self, keys: Collection[bytes]) -> list[Fact]:
        """Return stored events by key."""
        raws = await read_raws(self._tx, keys)
        return await decode_facts(list(raws.values()), self.ids)

    async def identity_events(
        self, profiles: Collection[NodeId], nodes: Collection[NodeId], after: TimeBounds, most: int
    ) -> list[Fact]:
        """Return the events after ``after`` that say who these profiles are and who owns these interactions: first
        mentions of edges, decisions, attributions, rules."""
        values = {
            "nodes": list(profiles), "interactions": list(nodes), "tenant": self.tenant,
            "before": after.until, "told": after.known_until, **self.bounds.parameters,
        }  # fmt: skip
        beyond = f"tenant = :tenant AND {WITHIN} AND NOT (effective <= :before AND recorded <= :told)"
        keys: set[bytes] = set()
        for table, condition in (
            ("sightings", f"kind > {NAMED} AND a = ANY(:nodes) AND b = ANY(:nodes)"),
            ("decisions", "(a = ANY(:nodes) OR b = ANY(:nodes) OR kind = 'withdraw')"),
            ("attributions", "(profile = ANY(:nodes) OR interaction = ANY(:interactions))"),
            ("rule_changes", "rules <> ''"),
        ):
            rows = await self._tx.fetch(
                f"SELECT key FROM {table} WHERE {condition} AND {beyond} LIMIT {most}", **values
            )
            keys.update(bytes(row[0]) for row in rows)
        found = await self.events(keys)
        return sorted(found, key=lambda fact: fact.order, reverse=True)[:most]

    async def load(self, customer: NodeId, *, outlined: bool = False) -> CustomerFacts:
        """Load all that a customer's body was made of; ``outlined`` costs less where it is made once."""
        members = await self.members_of(customer)
        own = await ownership_of(self, customer, [member.id for member in members])
        parts, whole = await self.outlines(own) if outlined else (await self.parts(own), None)
        lifetimes, claims = (await self.rules()).proof_lifetime, await self.claims_of(members)
        found = customer, members, parts, await self.latest(own), whole, claims, lifetimes
        return CustomerFacts(*found, directory=self.directory)

    async def assured(self, known: CustomerFacts, window: Micros, alone: NodeId | None = None) -> CustomerFacts:
        """Return a loaded customer without what only claims tie to it (``cx_context.sections.assured_read``).
        ``alone``: as in ``context_inputs.read_inputs_and_assured``."""
        if alone is not None:
            known = replace(known, members=isolate_profile(known.members, alone))
        kept = await asyncio.to_thread(assured_part_ids, known.parts, known.members, window)
        own = await ownership_of(self, known.customer, [member.id for member in known.members])
        return keep_parts(known, kept, await self.latest(own, part_ids=kept) if kept else [])
