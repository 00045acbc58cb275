"""Answer ``GraphView`` as the identity graph was within time bounds.

Customers are resolved over the first mentions within (``cx_identity.first_mentions``), the decisions and the rules of
then, as far as the neighbourhood of the profiles reaches that are asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from cx_context.sections.candidates import RefusedClaim, RefusedClaims, unsettled_claims
from cx_context.sections.members import Member
from cx_context.sections.vouching_facts import LastActivity
from cx_context.store.attributions import attributions_where, nodes_attributed_to, standing_among
from cx_context.store.decisions import decisions_where
from cx_context.store.first_mentions import OF_EDGES, read_row
from cx_context.store.graph import profile_from_row
from cx_context.store.graph_view import CustomerMatch, SideKey
from cx_context.store.identifier_activity import contacts_at
from cx_context.store.members import SOME_SHARED_SQL
from cx_context.store.ownership import Ownership, included_part
from cx_context.store.part_codec import (
    begin_of,
    begun_sql,
    decode_header,
)
from cx_context.store.parts import names_nobody_sql, read_parts_of_sides
from cx_context.store.parts_as_of import PartsAsOf
from cx_context.store.rule_changes import rules_change_from_row
from cx_context.store.settled_identifiers import settled_among
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import WITHIN, TimeBounds
from cx_events.ids import IdSpace, NodeId
from cx_identity.affected_scope import AffectedScope
from cx_identity.attribution import Attribution
from cx_identity.candidate_ranking import IdentifierActivity
from cx_identity.first_mentions import ATTESTED, NAMED, Mention, edge_of
from cx_identity.graph_slice import GraphSlice
from cx_identity.model import Decision, Edge, Graph, Profile
from cx_identity.outcome import JoinReason, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules, rules_in_force

MOST_ROUNDS = 64
"""Rounds of reading what surrounds some profiles. A chain of claims has a round for each of its links; from there on
the whole graph of the tenant costs less."""


class AsOfGraph:
    """One tenant's graph within time bounds, read in one transaction.

    ``base``: the rules in force before any were recorded.
    """

    def __init__(self, tx: Tx, ids: IdSpace, base: Rules, bounds: TimeBounds) -> None:
        self.bounds = bounds
        self._tx = tx
        self.ids = ids
        self.tenant = ids.tenant
        self._base = base
        self._parts = PartsAsOf(tx, ids, bounds)
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

    async def rules(self) -> Rules:
        if self._rules is None:
            rows = await self._tx.fetch(
                f"SELECT key, recorded, source, id, rules FROM rule_changes WHERE tenant = :tenant AND {WITHIN}",
                tenant=self.tenant,
                **self.bounds.parameters,
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
            self._tx,
            f"{condition} AND tenant = :tenant AND {WITHIN}",
            tenant=self.tenant,
            **self.bounds.parameters,
            **values,
        )

    async def scope(self, nodes: Iterable[NodeId]) -> AffectedScope:
        """Return all that had a say in which customers these profiles belonged to."""
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
        """Return all edges that touched these profiles."""
        columns = "s.kind, s.a, s.b, s.key, s.effective, s.recorded, s.source, s.id, s.rule"
        within = f"s.{OF_EDGES} AND s.effective <= :until AND s.recorded <= :known_until AND e.tenant = :tenant"
        return await self._edges(
            f"SELECT {columns} FROM edges e JOIN sightings s ON s.a = e.a AND s.b = e.b "
            f"WHERE e.a = ANY(:nodes) AND {within} UNION ALL "
            f"SELECT {columns} FROM edges e JOIN sightings s ON s.a = e.a AND s.b = e.b "
            f"WHERE e.b = ANY(:nodes) AND {within}",
            nodes=list(nodes),
        )

    async def _edges(self, sql: str, **values: object) -> list[Edge]:
        rows = await self._tx.fetch(sql, tenant=self.tenant, **self.bounds.parameters, **values)
        found: dict[tuple[NodeId, NodeId], dict[int, list[Mention]]] = {}
        for row in rows:
            (kind, a, b), one = read_row(row)
            found.setdefault((a, b), {}).setdefault(kind, []).append(one)
        return [edge_of(a, b, seen) for (a, b), seen in found.items()]

    async def profiles(self, ids: Collection[NodeId]) -> dict[NodeId, Profile]:
        """Return those of the profiles that a fact within the bounds names."""
        return await self._profiles_where("p.id = ANY(:ids)", ids=list(ids)) if ids else {}

    async def _profiles_where(self, condition: str, **values: object) -> dict[NodeId, Profile]:
        rows = await self._tx.fetch(
            "SELECT p.id, p.kind, p.scope, p.value, "
            f"min(CASE WHEN s.kind = {NAMED} THEN s.recorded END), max(s.kind) = {ATTESTED} FROM profiles p "
            f"JOIN sightings s ON s.a = p.id AND s.b = p.id AND s.kind IN ({NAMED}, {ATTESTED}) "
            f"WHERE {condition} AND p.tenant = :tenant AND s.effective <= :until AND s.recorded <= :known_until "
            "GROUP BY p.id, p.kind, p.scope, p.value",
            tenant=self.tenant,
            **self.bounds.parameters,
            **values,
        )
        return {row[0]: profile_from_row(row) for row in rows}

    async def _whole_scope(self, nodes: Collection[NodeId], rules: Rules) -> AffectedScope:
        """Return a scope of all that hangs together with these profiles, however far, of the tenant's whole graph."""
        columns = "kind, a, b, key, effective, recorded, source, id, rule"
        edges = await self._edges(f"SELECT {columns} FROM sightings WHERE {OF_EDGES} AND tenant = :tenant AND {WITHIN}")
        whole = GraphSlice(await self._profiles_where("TRUE"), edges, await self._decisions("TRUE"))
        scope = AffectedScope(_together(nodes, whole), rules, follow_claims=True)
        while scope.profiles_to_read():
            scope.add(whole)
        return scope

    async def explained(self, nodes: Collection[NodeId]) -> tuple[Graph, Resolution]:
        """Return the surroundings of these profiles, and what they were resolved to."""
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
        """Return the customer of each id that was a profile."""
        unknown = set(nodes) - self._customer_of.keys() - self._nobody
        if unknown:
            self._keep(await self.scope(unknown), await self.rules())
            self._nobody |= unknown - self._customer_of.keys()
        return {node: self._customer_of[node] for node in nodes if node in self._customer_of}

    async def ambiguous_among(self, profiles: Collection[NodeId]) -> set[NodeId]:
        await self.customers_of(profiles)
        return self._ambiguous.intersection(profiles)

    async def customers_and_ambiguous(
        self, stream_ids: Collection[NodeId], attributed: Collection[NodeId]
    ) -> tuple[Mapping[NodeId, NodeId], Collection[NodeId]]:
        return await self.customers_of({*stream_ids, *attributed}), self._ambiguous

    async def match_profile(self, profile: NodeId) -> CustomerMatch | None:
        customer = (await self.customers_of([profile])).get(profile)
        return CustomerMatch(customer, 0, profile in self._ambiguous) if customer is not None else None

    async def match_customer(self, customer: NodeId) -> CustomerMatch:
        return CustomerMatch(customer, 0)

    async def members_of(self, customer: NodeId) -> list[Member]:
        """Return the profiles of a customer; none where it was an interaction that stands alone."""
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
        """Return the claims with an end among a customer's profiles that joined nobody and that nobody had settled."""
        own = {member.id for member in members}
        claims = {pair: claim for pair, claim in self._claims.items() if not own.isdisjoint(pair)}
        # What a shared end beyond these profiles settles is not resolved with them.
        ends = {end for pair, claim in claims.items() if claim.reason == "shared" for end in pair} - own
        settled = await settled_among(self, ends)
        await self.customers_of(settled)
        settled &= self._shared
        found = [c for pair, c in claims.items() if c.reason != "shared" or settled.isdisjoint(pair)]
        return RefusedClaims.of(found)

    async def decisions_naming(self, nodes: Collection[NodeId]) -> list[Decision]:
        found: dict[bytes, Decision] = {}
        for end in ("a", "b") if nodes else ():
            found.update((d.key, d) for d in await self._decisions(f"{end} = ANY(:nodes)", nodes=list(nodes)))
        return list(found.values())

    async def standing_attributions(self, nodes: Collection[NodeId]) -> dict[NodeId, Attribution | None]:
        found = await self.attributions_of(nodes) if nodes else []
        return dict(standing_among(found, await self.withdrawals() if found else []))

    async def attributions_of(self, nodes: Collection[NodeId]) -> list[Attribution]:
        return await self._attributions("interaction = ANY(:nodes)", nodes=list(nodes))

    async def attributed_nodes(self, profiles: Collection[NodeId], nodes: Collection[NodeId]) -> set[NodeId]:
        named = await self._attributions(
            "(profile = ANY(:profiles) OR interaction = ANY(:nodes))", profiles=list(profiles), nodes=list(nodes)
        )
        return {attribution.interaction for attribution in named}

    async def _attributions(self, condition: str, **values: object) -> list[Attribution]:
        return await attributions_where(
            self._tx,
            f"{condition} AND tenant = :tenant AND {WITHIN}",
            tenant=self.tenant,
            **self.bounds.parameters,
            **values,
        )

    async def contacts_at(
        self, identifier: Profile, stream_ids: Sequence[NodeId]
    ) -> Mapping[NodeId, list[IdentifierActivity]]:
        """Return the contacts in which an identifier was used (see ``identifier_activity.contacts_at``)."""
        return await contacts_at(
            self._tx, self.tenant, identifier, stream_ids, until=self.bounds.until, known_at=self.bounds.known_until
        )

    async def has_facts(self, stream_id: NodeId) -> bool:
        return bool(await self._parts.streams_with_facts("stream_id", [stream_id]))

    async def streams_of(self, nodes: Collection[NodeId]) -> dict[NodeId, set[NodeId]]:
        found: dict[NodeId, set[NodeId]] = {}
        if nodes:
            for node, stream_id in await self._parts.streams_with_facts("interaction", nodes):
                found.setdefault(node, set()).add(stream_id)
        return found

    async def nodes_around(self, members: Collection[NodeId]) -> set[NodeId]:
        nodes = await self._named_by(members) | await nodes_attributed_to(self._tx, self.tenant, members)
        return nodes - (await self.customers_of(nodes)).keys()

    async def parts_of_sides(self, sides: Collection[SideKey]) -> dict[SideKey, list[tuple[bytes, bytes]]]:
        return await read_parts_of_sides(self._tx, self.tenant, sides)

    async def last_activities(self, node: NodeId, by_stream: Mapping[NodeId, NodeId]) -> Iterable[LastActivity]:
        rows = await self._tx.fetch(
            "SELECT part_id, stream_id, body FROM parts WHERE interaction = :node AND tenant = :tenant "
            f"AND {begun_sql()}",
            node=node,
            tenant=self.tenant,
            last=begin_of(self.bounds.until),
        )
        stream_ids = {bytes(part_id): bytes(stream_id) for part_id, stream_id, _ in rows}
        pieces = [included_part(bytes(part_id), bytes(stream_id), body) for part_id, stream_id, body in rows]
        within, _, cut = await self._parts.read(Ownership((), included=pieces), decode_header)
        return [
            LastActivity(by_stream[stream_ids[part_id]], part.customer_active_at, part.open_active_at)
            for part_id, part in within + cut
            if stream_ids[part_id] in by_stream
        ]

    async def _named_by(self, members: Collection[NodeId]) -> set[NodeId]:
        """Return what ``parts.nodes_named_by`` does, of interactions that had begun. An identifier that was ambiguous
        then was shared, and is shared today unless rules changed: facts only add up."""
        mine = (
            "p.stream_id = ANY(:members) AND p.interaction <> p.stream_id AND p.tenant = :tenant "
            f"AND {begun_sql('p.body')}"
        )
        ever_shared = f"({SOME_SHARED_SQL} OR EXISTS (SELECT 1 FROM rule_changes WHERE tenant = :tenant))"
        rows = await self._tx.fetch(
            "SELECT p.interaction, p.interaction AS stream_id "
            f"FROM (SELECT DISTINCT p.interaction FROM parts p WHERE {mine}) AS p "
            f"WHERE {names_nobody_sql('p.interaction')} "
            "UNION SELECT p.interaction, o.stream_id "
            f"FROM (SELECT DISTINCT p.interaction, p.stream_id FROM parts p WHERE {mine}) AS p "
            f"JOIN parts o ON o.interaction = p.interaction AND o.stream_id <> p.stream_id WHERE {ever_shared}",
            members=list(members),
            tenant=self.tenant,
            last=begin_of(self.bounds.until),
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
