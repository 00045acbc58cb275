"""Answer ``GraphView`` from the tables as they are, or as they would be after decisions that are not taken yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cx_context.sections.members import Member
from cx_context.sections.vouching_facts import LastActivity
from cx_context.store import attributions, decisions, graph, members, parts
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.graph_view import CustomerMatch, SideKey
from cx_context.store.identifier_activity import contacts_at
from cx_context.store.part_codec import decode_span, unpack
from cx_context.store.sql import Tx
from cx_context.store.versions import version_of
from cx_events.ids import NodeId
from cx_identity.attribution import Attribution
from cx_identity.candidate_ranking import IdentifierActivity
from cx_identity.model import Decision, Edge, Profile


class CurrentGraph:
    """One tenant's graph as it is."""

    def __init__(self, tx: Tx, tenant: str) -> None:
        self._tx = tx
        self._tenant = tenant

    async def match_profile(self, profile: NodeId) -> CustomerMatch | None:
        rows = await self._tx.fetch(
            "SELECT coalesce(m.customer, p.id), coalesce(m.ambiguous, false), "
            f"{FIRST_VERSION} + "
            "(SELECT coalesce(sum(v.n), 0) FROM versions v WHERE v.customer = coalesce(m.customer, p.id)) "
            "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id = :profile AND p.tenant = :tenant",
            profile=profile,
            tenant=self._tenant,
        )
        if not rows:
            return None
        customer, ambiguous, version = rows[0]
        return CustomerMatch(customer, int(version), bool(ambiguous))

    async def match_customer(self, customer: NodeId) -> CustomerMatch:
        return CustomerMatch(customer, await version_of(self._tx, customer))

    async def members_of(self, customer: NodeId) -> list[Member]:
        return await members.members_of(self._tx, self._tenant, customer)

    async def customers_of(self, nodes: Collection[NodeId]) -> Mapping[NodeId, NodeId]:
        return await members.customers_of(self._tx, self._tenant, nodes)

    async def customers_and_ambiguous(
        self, stream_ids: Collection[NodeId], attributed: Collection[NodeId]
    ) -> tuple[Mapping[NodeId, NodeId], Collection[NodeId]]:
        known = (await graph.read_profiles(self._tx, self._tenant, attributed)).keys()
        customer_of, ambiguous = await members.customers_and_ambiguous(self._tx, self._tenant, {*stream_ids, *known})
        # A stream that only decisions speak of is no profile that anything can be attributed to.
        unknown = set(attributed) - known
        return {id: whose for id, whose in customer_of.items() if id not in unknown}, ambiguous

    async def ambiguous_among(self, profiles: Collection[NodeId]) -> set[NodeId]:
        return (await members.customers_and_ambiguous(self._tx, self._tenant, profiles))[1]

    async def edges_at(self, nodes: Collection[NodeId]) -> list[Edge]:
        return await graph.edges_at(self._tx, self._tenant, nodes)

    async def profiles(self, ids: Collection[NodeId]) -> dict[NodeId, Profile]:
        return await graph.read_profiles(self._tx, self._tenant, ids)

    async def contacts_at(
        self, identifier: Profile, stream_ids: Sequence[NodeId]
    ) -> Mapping[NodeId, list[IdentifierActivity]]:
        return await contacts_at(self._tx, self._tenant, identifier, stream_ids)

    async def decisions_naming(self, nodes: Collection[NodeId]) -> list[Decision]:
        return await decisions.decisions_naming(self._tx, self._tenant, nodes)

    async def withdrawals(self) -> list[Decision]:
        return await decisions.read_withdrawals(self._tx, self._tenant)

    async def standing_attributions(self, nodes: Collection[NodeId]) -> dict[NodeId, Attribution | None]:
        return dict(await attributions.standing_attributions(self._tx, self._tenant, nodes))

    async def attributed_nodes(self, profiles: Collection[NodeId], nodes: Collection[NodeId]) -> set[NodeId]:
        return await attributions.attributed_nodes(self._tx, self._tenant, profiles, nodes)

    async def attributions_of(self, nodes: Collection[NodeId]) -> list[Attribution]:
        return await attributions.attributions_where(self._tx, "interaction = ANY(:nodes)", nodes=list(nodes))

    async def has_facts(self, stream_id: NodeId) -> bool:
        return await parts.has_parts(self._tx, self._tenant, stream_id)

    async def streams_of(self, nodes: Collection[NodeId]) -> dict[NodeId, set[NodeId]]:
        return await parts.streams_of(self._tx, self._tenant, nodes)

    async def nodes_around(self, profiles: Collection[NodeId]) -> set[NodeId]:
        nodes = await parts.nodes_named_by(self._tx, self._tenant, profiles)
        return nodes | await attributions.nodes_attributed_to(self._tx, self._tenant, profiles)

    async def parts_of_sides(self, sides: Collection[SideKey]) -> dict[SideKey, list[tuple[bytes, bytes]]]:
        return await parts.read_parts_of_sides(self._tx, self._tenant, sides)

    async def last_activities(self, node: NodeId, by_stream: Mapping[NodeId, NodeId]) -> Iterable[LastActivity]:
        bodies = await parts.read_bodies_of_interaction(self._tx, self._tenant, node)
        spans = ((by_stream.get(stream_id), decode_span(unpack(body))) for stream_id, body in bodies)
        return [
            LastActivity(whose, span.customer_active_at, span.open_active_at)
            for whose, span in spans
            if whose is not None
        ]


@dataclass(frozen=True, slots=True)
class Supposed:
    """The effect of decisions that are not taken yet.

    ``customer_of``: the customers that some profiles would have. ``attributions``: the attribution that would count, by
    interaction node; None for none.
    """

    customer_of: Mapping[NodeId, NodeId] = field(default_factory=dict)
    attributions: Mapping[NodeId, Attribution | None] = field(default_factory=dict)


class PreviewGraph(CurrentGraph):
    """One tenant's graph as it would be."""

    def __init__(self, tx: Tx, tenant: str, supposed: Supposed) -> None:
        super().__init__(tx, tenant)
        self._supposed = supposed

    async def customers_and_ambiguous(
        self, stream_ids: Collection[NodeId], attributed: Collection[NodeId]
    ) -> tuple[Mapping[NodeId, NodeId], Collection[NodeId]]:
        customer_of, ambiguous = await super().customers_and_ambiguous(stream_ids, attributed)
        supposed = self._supposed.customer_of
        return {id: supposed.get(id, whose) for id, whose in customer_of.items()}, ambiguous

    async def standing_attributions(self, nodes: Collection[NodeId]) -> dict[NodeId, Attribution | None]:
        supposed = self._supposed.attributions
        standing = await super().standing_attributions(nodes)
        return {**standing, **{node: supposed[node] for node in nodes if node in supposed}}

    async def nodes_around(self, profiles: Collection[NodeId]) -> set[NodeId]:
        return await super().nodes_around(profiles) | self._supposed.attributions.keys()
