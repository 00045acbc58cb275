"""The past, read near what is kept: who was who at a moment, and what their facts up to then add up to.

A moment is a bound on what had happened (effective time), on what we had been told (recorded time), or on both. Every
answer equals that of a hub fed only the events within the bounds, by the definition; nothing is folded from the start:

- a part whose facts all lie within is used as it is, one wholly outside left out, and only one that straddles the
  moment is folded again, from its own stored events (of a long part: one segment of it);
- who was who is resolved over the sightings within (``cx_identity.first_mentions``), the decisions and rules of then,
  as far as the asked profile's neighbourhood reaches;
- of stored events otherwise only the latest are read, for the timeline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cx_context.definition import Owners, owners_of
from cx_context.fold_faults import part_of
from cx_context.parts.header import PartHeaders
from cx_context.parts.merge import combine
from cx_context.parts.model import Part
from cx_context.parts.places import KeyedPart
from cx_context.sections.assured import assured_part_ids, isolate_profile, keep_parts
from cx_context.sections.candidates import RefusedClaim, RefusedClaims, unsettled_claims
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.sections.timeline import TIMELINE_SHOWN
from cx_context.sections.vouchers import LastHeard, last_writer
from cx_context.store import segments
from cx_context.store.attributions import attributions_where, nodes_attributed_to, standings_of
from cx_context.store.decisions import decisions_where
from cx_context.store.events import read_raws
from cx_context.store.first_mentions import OF_EDGES, read_row
from cx_context.store.graph import profile_from_row
from cx_context.store.identifier_activity import EVER, contacts_at
from cx_context.store.latest_events import decode_facts, read_facts_before, read_latest_facts
from cx_context.store.members import SOME_SHARED_SQL
from cx_context.store.ownership import Ownership, held, included_part
from cx_context.store.part_codec import (
    PartSpan,
    begin_of,
    begun_sql,
    decode_header,
    decode_part,
    decode_span,
    decode_words,
    unpack,
)
from cx_context.store.rule_changes import rules_change_from_row
from cx_context.store.sql import Tx
from cx_events.facts import Fact, Order
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros
from cx_identity.affected_scope import AffectedScope
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.candidate_ranking import IdentifierActivity
from cx_identity.candidates import SETTLING_KINDS
from cx_identity.first_mentions import ATTESTED, NAMED, Mention, edge_of
from cx_identity.graph_slice import GraphSlice
from cx_identity.model import Decision, Edge, Graph, Profile
from cx_identity.outcome import JoinReason, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules, rules_in_force
from cx_identity.unmerge import withdrawn_decisions


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """``as_of``: what had happened by then; ``known_at``: what we had been told by then. None is no bound."""

    as_of: Micros | None = None
    known_at: Micros | None = None

    @property
    def until(self) -> Micros:
        """The greatest effective time within: nothing happens after it is recorded."""
        return min(self.as_of if self.as_of is not None else EVER, self.heard)

    @property
    def heard(self) -> Micros:
        return self.known_at if self.known_at is not None else EVER

    def holds(self, fact: Fact) -> bool:
        return fact.effective <= self.until and fact.recorded <= self.heard

    def holds_all(self, part: Part | PartSpan) -> bool:
        return part.until <= self.until and part.last_recorded <= self.heard

    def may_hold(self, part: Part | PartSpan) -> bool:
        """False where no fact of the part can be within."""
        return part.since <= self.until and part.first_recorded <= self.heard

    @property
    def is_cut_twice(self) -> bool:
        """Only then may a part have facts within each bound and none within both."""
        return self.as_of is not None and self.known_at is not None


NO_BOUNDS = TimeBounds()
MOST_ROUNDS = 64
"""Of reading what surrounds some profiles. A chain of claims has a round for each of its links; from there on the whole
graph of the tenant costs less."""

_WITHIN = "effective <= :until AND recorded <= :heard"


class Snapshot:
    """One tenant at one moment, read in one transaction. ``base``: the rules in force before any were recorded."""

    def __init__(self, tx: Tx, ids: IdSpace, base: Rules, moment: TimeBounds) -> None:
        self.moment = moment
        self._tx = tx
        self.ids = ids
        self.tenant = ids.tenant
        self._base = base
        self._bounds = {"until": moment.until, "heard": moment.heard}
        self._rules: Rules | None = None
        self._withdrawals: list[Decision] | None = None
        self._customer_of: dict[NodeId, NodeId] = {}
        self._profiles: dict[NodeId, Profile] = {}
        self._joined: dict[NodeId, JoinReason] = {}
        self._claimed: set[NodeId] = set()
        self._ambiguous: set[NodeId] = set()
        self._claims: dict[tuple[NodeId, NodeId], RefusedClaim] = {}
        self._shared: set[NodeId] = set()
        self._nobody: set[NodeId] = set()

    # Who was who.

    async def rules(self) -> Rules:
        if self._rules is None:
            rows = await self._tx.fetch(
                f"SELECT key, recorded, source, id, rules FROM rule_changes WHERE tenant = :tenant AND {_WITHIN}",
                tenant=self.tenant,
                **self._bounds,
            )
            changes = [rules_change_from_row(row) for row in rows]
            self._rules = rules_in_force(changes, await self.withdrawals() if rows else (), self._base)
        return self._rules

    async def withdrawals(self) -> list[Decision]:
        if self._withdrawals is None:
            self._withdrawals = await self._decisions("kind = 'withdraw'")
        return self._withdrawals

    async def _decisions(self, condition: str, **values: object) -> list[Decision]:
        return await decisions_where(
            self._tx, f"{condition} AND tenant = :tenant AND {_WITHIN}", tenant=self.tenant, **self._bounds, **values
        )

    async def scope(self, nodes: Iterable[NodeId]) -> AffectedScope:
        """All that had a say in whose these profiles were."""
        rules = await self.rules()
        nodes = set(nodes)
        scope = AffectedScope(nodes, rules, follow_claims=True)
        rounds = 0
        while wanted := scope.profiles_to_read():
            if rounds == MOST_ROUNDS:
                return await self._whole_scope(nodes, rules)
            scope.add(await self._slice(wanted))
            rounds += 1
        return scope

    async def _slice(self, wanted: frozenset[NodeId]) -> GraphSlice:
        edges = await self.edges_at(wanted)
        profiles = await self.profiles(wanted | {edge.a for edge in edges} | {edge.b for edge in edges})
        decisions: dict[bytes, Decision] = {}
        for end in ("a", "b"):
            found = await self._decisions(f"{end} = ANY(:nodes)", nodes=list(wanted))
            decisions.update((decision.key, decision) for decision in found)
        named = [*decisions.values(), *await self.withdrawals()] if decisions else []
        return GraphSlice(profiles=profiles, edges=edges, decisions=named)

    async def edges_at(self, nodes: Collection[NodeId]) -> list[Edge]:
        """All edges that touched these nodes."""
        columns = "s.kind, s.a, s.b, s.key, s.effective, s.recorded, s.source, s.id, s.rule"
        within = f"s.{OF_EDGES} AND s.effective <= :until AND s.recorded <= :heard AND e.tenant = :tenant"
        return await self._edges(
            f"SELECT {columns} FROM edges e JOIN sightings s ON s.a = e.a AND s.b = e.b "
            f"WHERE e.a = ANY(:nodes) AND {within} UNION ALL "
            f"SELECT {columns} FROM edges e JOIN sightings s ON s.a = e.a AND s.b = e.b "
            f"WHERE e.b = ANY(:nodes) AND {within}",
            nodes=list(nodes),
        )

    async def _edges(self, sql: str, **values: object) -> list[Edge]:
        rows = await self._tx.fetch(sql, tenant=self.tenant, **self._bounds, **values)
        found: dict[tuple[NodeId, NodeId], dict[int, list[Mention]]] = {}
        for row in rows:
            (kind, a, b), one = read_row(row)
            found.setdefault((a, b), {}).setdefault(kind, []).append(one)
        return [edge_of(a, b, seen) for (a, b), seen in found.items()]

    async def profiles(self, ids: Collection[NodeId]) -> dict[NodeId, Profile]:
        """Those that some fact within names."""
        return await self._profiles_where("p.id = ANY(:ids)", ids=list(ids)) if ids else {}

    async def _profiles_where(self, condition: str, **values: object) -> dict[NodeId, Profile]:
        rows = await self._tx.fetch(
            "SELECT p.id, p.kind, p.scope, p.value, "
            f"min(CASE WHEN s.kind = {NAMED} THEN s.recorded END), max(s.kind) = {ATTESTED} FROM profiles p "
            f"JOIN sightings s ON s.a = p.id AND s.b = p.id AND s.kind IN ({NAMED}, {ATTESTED}) "
            f"WHERE {condition} AND p.tenant = :tenant AND s.effective <= :until AND s.recorded <= :heard "
            "GROUP BY p.id, p.kind, p.scope, p.value",
            tenant=self.tenant,
            **self._bounds,
            **values,
        )
        return {row[0]: profile_from_row(row) for row in rows}

    async def _whole_scope(self, nodes: Collection[NodeId], rules: Rules) -> AffectedScope:
        """Return a scope of all that hangs together with these profiles, however far, of the tenant's whole graph."""
        columns = "kind, a, b, key, effective, recorded, source, id, rule"
        edges = await self._edges(
            f"SELECT {columns} FROM sightings WHERE {OF_EDGES} AND tenant = :tenant AND {_WITHIN}"
        )
        whole = GraphSlice(await self._profiles_where("TRUE"), edges, await self._decisions("TRUE"))
        scope = AffectedScope(_together(nodes, whole), rules, follow_claims=True)
        while scope.profiles_to_read():
            scope.add(whole)
        return scope

    async def explained(self, nodes: Collection[NodeId]) -> tuple[Graph, Resolution]:
        """The surroundings of these profiles, and what they came to."""
        scope = await self.scope(nodes)
        return scope.surroundings(), self._keep(scope, await self.rules())

    def _keep(self, scope: AffectedScope, rules: Rules) -> Resolution:
        graph = scope.graph()
        resolution = resolve(graph, rules)
        self._customer_of |= resolution.customer_of
        self._joined |= resolution.join_reasons
        self._ambiguous |= resolution.ambiguous
        self._claimed |= resolution.claimed
        self._profiles |= graph.profiles
        self._shared |= resolution.shared.counting_all
        around = scope.surroundings()
        for claim in unsettled_claims(around, resolution, rules, around.shared):
            self._claims[claim.identifier.id, claim.other.id] = claim
        return resolution

    async def customers_of(self, nodes: Collection[NodeId]) -> dict[NodeId, NodeId]:
        """Of each that was a profile its customer."""
        unknown = set(nodes) - self._customer_of.keys() - self._nobody
        if unknown:
            self._keep(await self.scope(unknown), await self.rules())
            self._nobody |= unknown - self._customer_of.keys()
        return {node: self._customer_of[node] for node in nodes if node in self._customer_of}

    async def is_ambiguous(self, profile: NodeId) -> bool:
        """Whether several people might have had it, and nothing proved or asserted whose it was."""
        await self.customers_of([profile])
        return profile in self._ambiguous

    async def members_of(self, customer: NodeId) -> list[Member]:
        """The profiles of a customer; none where it was an interaction that stands alone."""
        await self.customers_of([customer])
        found = []
        for id, whose in self._customer_of.items():
            if whose == customer:
                profile, joined = self._profiles[id], self._joined.get(id)
                why = None
                if joined is not None:
                    why = (joined.rule, "#".join(joined.evidence), joined.confidence, joined.via)
                claimed = id in self._claimed
                found.append(
                    Member(id, profile.kind, profile.scope, profile.value, profile.first_recorded, why, claimed)
                )
        return found

    async def claims_of(self, members: Iterable[Member]) -> RefusedClaims:
        """The claims that joined nobody with an end among a customer's profiles, and that nobody had settled."""
        own = {member.id for member in members}
        claims = {pair: claim for pair, claim in self._claims.items() if not own.isdisjoint(pair)}
        # What a shared end beyond these profiles settles is not resolved with them.
        ends = {end for pair, claim in claims.items() if claim.reason == "shared" for end in pair} - own
        settled = await self.settled_among(ends)
        await self.customers_of(settled)
        settled &= self._shared
        found = [c for pair, c in claims.items() if c.reason != "shared" or settled.isdisjoint(pair)]
        return RefusedClaims.of(found)

    # Whose the events were that name nobody.

    async def standing_attributions(self, nodes: Collection[NodeId]) -> dict[NodeId, Attribution]:
        by_node: dict[NodeId, list[Attribution]] = {}
        for attribution in await self.attributions("interaction = ANY(:nodes)", nodes=list(nodes)) if nodes else ():
            by_node.setdefault(attribution.interaction, []).append(attribution)
        gone = await self.withdrawals() if by_node else []
        standing = {node: standing_attribution(found, gone) for node, found in by_node.items()}
        return {node: attribution for node, attribution in standing.items() if attribution is not None}

    async def attributions(self, condition: str, **values: object) -> list[Attribution]:
        return await attributions_where(
            self._tx, f"{condition} AND tenant = :tenant AND {_WITHIN}", tenant=self.tenant, **self._bounds, **values
        )

    async def attributions_about(
        self, profiles: Collection[NodeId], nodes: Collection[NodeId]
    ) -> list[tuple[Attribution, str]]:
        """As ``attributions.attributions_about``."""
        named = await self.attributions(
            "(profile = ANY(:profiles) OR interaction = ANY(:nodes))", profiles=list(profiles), nodes=list(nodes)
        )
        if not named:
            return []
        found = await self.attributions("interaction = ANY(:nodes)", nodes=list({a.interaction for a in named}))
        return standings_of(found, await self.withdrawals())

    async def settled_among(
        self, identifiers: Collection[NodeId], kinds: Collection[str] = SETTLING_KINDS
    ) -> set[NodeId]:
        """As ``settled.settled_among``."""
        settling: dict[bytes, Decision] = {}
        for end in ("a", "b") if identifiers else ():
            found = await self._decisions(f"{end} = ANY(:nodes)", nodes=list(identifiers))
            settling.update((decision.key, decision) for decision in found if decision.kind in kinds)
        gone = withdrawn_decisions(await self.withdrawals()) if settling else {}
        left = [decision for decision in settling.values() if decision.name not in gone]
        known = await self.customers_of({end for d in left for end in (d.a, d.b)})
        one = [d for d in left if known.get(d.a, d.a) == known.get(d.b, d.b)]
        return {end for d in one for end in (d.a, d.b)} & set(identifiers)

    async def contacts_at(
        self, identifier: Profile, stream_ids: Sequence[NodeId]
    ) -> Mapping[NodeId, list[IdentifierActivity]]:
        """As ``uses.contacts_at``."""
        return await contacts_at(self._tx, self.tenant, identifier, stream_ids, **self._bounds)

    async def streams_in(self, nodes: Collection[NodeId]) -> dict[NodeId, set[NodeId]]:
        """The streams of all parts of some interactions that had a fact."""
        found: dict[NodeId, set[NodeId]] = {}
        if nodes:
            for node, stream_id in await self._parts_with_facts("interaction", nodes):
                found.setdefault(node, set()).add(stream_id)
        return found

    async def _parts_with_facts(self, column: str, nodes: Collection[NodeId]) -> list[tuple[NodeId, NodeId]]:
        """(interaction, stream) of the parts that had a fact."""
        rows = await self._tx.fetch(
            f"SELECT interaction, stream_id, part_id, body FROM parts WHERE {column} = ANY(:nodes) "
            f"AND tenant = :tenant AND {begun_sql()}",
            nodes=list(nodes),
            tenant=self.tenant,
            last=begin_of(self.moment.until),
        )
        found: list[tuple[NodeId, NodeId]] = []
        doubtful: dict[bytes, tuple[NodeId, NodeId]] = {}
        for interaction, stream_id, part_id, body in rows:
            span = decode_span(unpack(body))
            if self.moment.may_hold(span):
                if self.moment.is_cut_twice and not self.moment.holds_all(span):
                    doubtful[part_id] = (interaction, stream_id)
                else:
                    found.append((interaction, stream_id))
        if doubtful:
            proved = await self._tx.fetch(
                "SELECT DISTINCT part_id FROM events "
                f"WHERE stream_id = ANY(:stream_ids) AND part_id = ANY(:part_ids) AND tenant = :tenant AND {_WITHIN}",
                stream_ids=list({stream_id for _, stream_id in doubtful.values()}),
                part_ids=list(doubtful),
                tenant=self.tenant,
                **self._bounds,
            )
            found += [doubtful[bytes(row[0])] for row in proved]
        return found

    async def sides(self, nodes: Collection[NodeId]) -> dict[NodeId, Owners]:
        """Of nodes that were nobody's profile: whose they were, and the sides of their interactions."""
        if not nodes:
            return {}
        standing = await self.standing_attributions(nodes)
        streams_in = await self.streams_in(nodes)
        stream_ids = {stream_id for node, found in streams_in.items() for stream_id in found if stream_id != node}
        attributed = {a.profile for a in standing.values() if a.profile is not None}
        customer_of = await self.customers_of(stream_ids | attributed)
        return {
            node: owners_of(node, standing.get(node), streams_in.get(node, ()), customer_of, self._ambiguous)
            for node in nodes
        }

    async def following(self, nodes: Collection[NodeId]) -> dict[NodeId, NodeId]:
        """Of nodes that were nobody's profile: whose they were (see ``definition.resolve_owner``)."""
        return {node: found.whose for node, found in (await self.sides(nodes)).items()}

    # Whom an id stood for.

    async def find_node(self, node: NodeId) -> NodeId | None:
        """The customer of any id that was one's then: of a profile, an interaction, a lone event."""
        customer = (await self.customers_of([node])).get(node)
        if customer is not None:
            return customer
        if not await self._parts_with_facts("stream_id", [node]):
            return None
        return (await self.following([node]))[node]

    async def find_interaction(self, interaction: str) -> list[NodeId]:
        """Whose an interaction was: mostly one's."""
        node = self.ids.interaction(interaction)
        customers = set((await self.sides([node]))[node].by_stream.values())
        return sorted(customers - {node} if len(customers) > 1 else customers)

    async def last_writer(self, interaction: str) -> NodeId | None:
        """As ``vouchers.last_writer``, of an interaction as it was."""
        node = self.ids.interaction(interaction)
        rows = await self._tx.fetch(
            "SELECT part_id, stream_id, body FROM parts WHERE interaction = :node AND tenant = :tenant "
            f"AND {begun_sql()}",
            node=node,
            tenant=self.tenant,
            last=begin_of(self.moment.until),
        )
        stream_ids = {bytes(part_id): bytes(stream_id) for part_id, stream_id, _ in rows}
        pieces = [included_part(bytes(part_id), bytes(stream_id), body) for part_id, stream_id, body in rows]
        by_stream = (await self.sides([node]))[node].by_stream
        parts = (await self.outlines(Ownership((), included=pieces))).parts
        return last_writer(
            LastHeard(by_stream[stream_ids[part_id]], part.heard, part.open_heard)
            for part_id, part in parts
            if stream_ids[part_id] in by_stream
        )

    async def find_at(self, stream_id: NodeId, node: NodeId) -> NodeId | None:
        """Whose the facts of an interaction were that lie at a stream."""
        if stream_id != node:
            await self.customers_of([stream_id])
            if stream_id in self._ambiguous:
                customer = (await self.sides([node]))[node].by_stream.get(stream_id)
                if customer is not None:
                    return customer
        return await self.find_node(stream_id)

    async def ownership_of(self, customer: NodeId, members: Collection[NodeId]) -> Ownership:
        """As ``holdings.ownership_of``."""
        members = set(members) or {customer}
        nodes = await self._named_by(members)
        nodes |= await nodes_attributed_to(self._tx, self.tenant, members)
        nodes -= (await self.customers_of(nodes)).keys()
        return await held(self._tx, self.ids, customer, members, await self.sides(nodes))

    async def _named_by(self, members: Collection[NodeId]) -> set[NodeId]:
        """As ``parts.nodes_named_by``, of what had begun. What was ambiguous then was shared, and is shared today
        unless rules changed: facts only add up."""
        mine = (
            "p.stream_id = ANY(:members) AND p.interaction <> p.stream_id AND p.tenant = :tenant "
            f"AND {begun_sql('p.body')}"
        )
        ever_shared = f"({SOME_SHARED_SQL} OR EXISTS (SELECT 1 FROM rule_changes WHERE tenant = :tenant))"
        rows = await self._tx.fetch(
            f"SELECT p.interaction, o.stream_id FROM (SELECT DISTINCT p.interaction FROM parts p WHERE {mine}) AS p "
            "JOIN parts o ON o.stream_id = p.interaction "
            "UNION SELECT p.interaction, o.stream_id "
            f"FROM (SELECT DISTINCT p.interaction, p.stream_id FROM parts p WHERE {mine}) AS p "
            f"JOIN parts o ON o.interaction = p.interaction AND o.stream_id <> p.stream_id WHERE {ever_shared}",
            members=list(members),
            tenant=self.tenant,
            last=begin_of(self.moment.until),
        )
        nodes = {bytes(node) for node, _ in rows}
        await self.customers_of({*members, *(bytes(stream_id) for _, stream_id in rows)} - nodes)
        lending = self._ambiguous.intersection(members)
        found = {bytes(node) for node, stream_id in rows if stream_id == node or stream_id in self._ambiguous}
        if lending:
            found |= {bytes(node) for node, _ in rows}
            rows = await self._tx.fetch(
                "SELECT p.interaction FROM parts p WHERE p.stream_id = ANY(:lending) AND p.interaction <> p.stream_id "
                "AND p.tenant = :tenant AND EXISTS (SELECT 1 FROM attributions a WHERE a.interaction = p.interaction)",
                lending=list(lending),
                tenant=self.tenant,
            )
            found |= {bytes(row[0]) for row in rows}
        return found

    # What their facts added up to.

    async def parts(self, own: Ownership) -> list[KeyedPart]:
        within, _, cut = await self._parts(own, decode_part)
        return within + cut

    async def outlines(self, own: Ownership) -> PartHeaders:
        """As ``parts``, for less."""
        within, bodies, cut = await self._parts(own, decode_header)
        made = dict(cut)
        return PartHeaders(
            within + cut, lambda part_id: made[part_id] if part_id in made else decode_words(bodies[part_id])
        )

    async def _parts(
        self, own: Ownership, decode: Callable[[bytes], Part]
    ) -> tuple[list[KeyedPart], dict[bytes, bytes], list[KeyedPart]]:
        """Those that lie within as they are stored, their bodies by part id, and what is within of the others."""
        rows = await self._tx.fetch(
            "SELECT part_id, stream_id, body FROM parts WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant "
            f"AND {begun_sql()}",
            stream_ids=list(own.stream_ids),
            tenant=self.tenant,
            last=begin_of(self.moment.until),
        )
        if own.excluded:
            rows = [row for row in rows if row[0] not in own.excluded]
        if own.included:
            included = await self._tx.fetch(
                "SELECT part_id, stream_id, body FROM parts WHERE part_id = ANY(:part_ids) AND tenant = :tenant "
                f"AND {begun_sql()}",
                part_ids=[side.part_id for side in own.included],
                tenant=self.tenant,
                last=begin_of(self.moment.until),
            )
            rows = [*rows, *included]
        until, heard = self.moment.until, self.moment.heard
        within: list[KeyedPart] = []
        bodies: dict[bytes, bytes] = {}
        straddling: dict[bytes, tuple[NodeId, Part]] = {}
        for part_id, stream_id, body in rows:
            part = decode(body)
            if part.until <= until and part.last_recorded <= heard:
                within.append(KeyedPart(part_id, part))
                bodies[part_id] = body
            elif part.first_recorded <= heard:
                straddling[part_id] = stream_id, part
        return within, bodies, await self._cut(straddling) if straddling else []

    async def _cut(self, straddling: Mapping[bytes, tuple[NodeId, Part]]) -> list[KeyedPart]:
        """Parts that straddle the moment: what is within of them."""
        sums: dict[bytes, list[Part]] = {part_id: [] for part_id in straddling}
        short = {part_id: place for part_id, place in straddling.items() if place[1].facts <= segments.SEGMENT_FACTS}
        for part_id, part in (await self._folded(short)).items():
            sums[part_id].append(part)
        for part_id, (stream_id, span) in straddling.items():
            if part_id not in short:
                sums[part_id] += await self._segments(part_id, stream_id, span)
        return [KeyedPart(part_id, combine(found)) for part_id, found in sums.items() if found]

    async def _segments(self, part_id: bytes, stream_id: NodeId, span: Part) -> list[Part]:
        """What is within of a long part."""
        rows = await self._tx.fetch(
            f"SELECT body FROM segments WHERE part_id = :part_id AND {begun_sql()} ORDER BY since",
            part_id=part_id,
            last=begin_of(self.moment.until),
        )
        whole = []
        for (body,) in rows:
            segment = decode_part(body)
            if self.moment.holds_all(segment):
                whole.append(segment)
            elif self.moment.may_hold(segment):
                whole += (await self._folded({part_id: (stream_id, segment)})).values()
        return whole if rows else list((await self._folded({part_id: (stream_id, span)})).values())

    async def _folded(self, places: Mapping[bytes, tuple[NodeId, Part]]) -> dict[bytes, Part]:
        """Of each the part of its facts that are within, from the stored events."""
        if not places:
            return {}
        rows = await self._tx.fetch(
            "SELECT raw FROM events WHERE stream_id = ANY(:stream_ids) AND part_id = ANY(:part_ids) "
            f"AND tenant = :tenant AND effective >= :since AND effective <= :last AND {_WITHIN}",
            stream_ids=list({stream_id for stream_id, _ in places.values()}),
            part_ids=list(places),
            tenant=self.tenant,
            since=min(span.since for _, span in places.values()),
            last=max(span.until for _, span in places.values()),
            **self._bounds,
        )
        facts: dict[bytes, list[Fact]] = {}
        for fact in await decode_facts([bytes(row[0]) for row in rows], self.ids):
            facts.setdefault(fact.part_id, []).append(fact)
        return {part_id: part_of(group) for part_id, group in facts.items()}

    async def latest(
        self, own: Ownership, most: int = TIMELINE_SHOWN, part_ids: Collection[NodeId] | None = None
    ) -> list[Fact]:
        return await read_latest_facts(
            self._tx, self.ids, own, most, before=self.moment.until, part_ids=part_ids, heard=self.moment.known_at
        )

    async def facts_before(
        self, own: Ownership, most: int, before: Order | None, part_ids: Collection[NodeId] | None
    ) -> list[Fact]:
        """As ``latest_events.read_facts_before``."""
        moment = self.moment
        return await read_facts_before(self._tx, self.ids, own, most, before, part_ids, moment.until, moment.known_at)

    async def facts(self, own: Ownership, most: int) -> list[Fact] | None:
        """All of these facts; None if there are more than ``most``."""
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
        """One more than ``most`` where there are more."""
        rows = await self._tx.fetch(
            f"SELECT raw FROM events WHERE stream_id = ANY(:stream_ids) AND {condition} AND tenant = :tenant "
            f"AND {_WITHIN} LIMIT :most",
            stream_ids=list(stream_ids),
            tenant=self.tenant,
            most=most + 1,
            **self._bounds,
            **values,
        )
        return [bytes(row[0]) for row in rows]

    async def first_sightings(self, profiles: Collection[NodeId]) -> dict[NodeId, bytes]:
        """Of each profile the event that named it first, by key."""
        rows = await self._tx.fetch(
            f"SELECT a, key, recorded, source, id FROM sightings WHERE kind = {NAMED} AND a = ANY(:ids) "
            f"AND tenant = :tenant AND {_WITHIN}",
            ids=list(profiles),
            tenant=self.tenant,
            **self._bounds,
        )
        ordered = sorted(rows, key=lambda row: tuple(row[2:]), reverse=True)
        return {bytes(row[0]): bytes(row[1]) for row in ordered}

    async def events(self, keys: Collection[bytes]) -> list[Fact]:
        """Stored events by key."""
        raws = await read_raws(self._tx, keys)
        return await decode_facts(list(raws.values()), self.ids)

    async def identity_events(
        self, profiles: Collection[NodeId], nodes: Collection[NodeId], after: TimeBounds, most: int
    ) -> list[Fact]:
        """What said, beyond ``after``, who these profiles are, and whose these interactions: sightings of edges,
        decisions, attributions, rules."""
        values = {
            "nodes": list(profiles), "interactions": list(nodes), "tenant": self.tenant,
            "before": after.until, "told": after.heard, **self._bounds,
        }  # fmt: skip
        beyond = f"tenant = :tenant AND {_WITHIN} AND NOT (effective <= :before AND recorded <= :told)"
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
        """All that the body was made of; ``outlined`` costs less where it is made once."""
        members = await self.members_of(customer)
        own = await self.ownership_of(customer, [member.id for member in members])
        parts, whole = await self.outlines(own) if outlined else (await self.parts(own), None)
        lifetimes, claims = (await self.rules()).proof_lifetime, await self.claims_of(members)
        return CustomerFacts(customer, members, parts, await self.latest(own), whole, claims, lifetimes)

    async def assured(self, known: CustomerFacts, window: Micros, alone: NodeId | None = None) -> CustomerFacts:
        """What is left of a customer that was loaded where claims are left out (``cx_context.sections.assured``).
        ``alone``: as of ``context_inputs.read_inputs_and_assured``."""
        if alone is not None:
            known = replace(known, members=isolate_profile(known.members, alone))
        kept = await asyncio.to_thread(assured_part_ids, known.parts, known.members, window)
        own = await self.ownership_of(known.customer, [member.id for member in known.members])
        return keep_parts(known, kept, await self.latest(own, part_ids=kept) if kept else [])


def _together(nodes: Collection[NodeId], whole: GraphSlice) -> set[NodeId]:
    """Return these profiles and all that edges and decisions lead to from them."""
    pairs = [(edge.a, edge.b) for edge in whole.edges] + [(d.a, d.b) for d in whole.decisions if d.a and d.b]
    near: dict[NodeId, list[NodeId]] = {}
    for a, b in pairs:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    reached = set(nodes)
    ahead = list(nodes)
    while ahead:
        for other in near.get(ahead.pop(), ()):
            if other not in reached:
                reached.add(other)
                ahead.append(other)
    return reached
