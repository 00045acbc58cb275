"""Read the slices of a tenant's identity graph that ``cx_identity.affected_scope`` asks for, in few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set

from cx_context.store.decisions import decisions_naming, read_withdrawals
from cx_context.store.graph import edges_at
from cx_context.store.members import MemberRow, ResolvedProfiles, read_resolved, read_resolved_with_companions
from cx_context.store.sql import Tx
from cx_events.ids import NodeId
from cx_identity.affected_scope import AffectedScope
from cx_identity.graph_slice import GraphSlice, ResolvedProfile
from cx_identity.model import Decision, Edge, Profile
from cx_identity.outcome import Resolution
from cx_identity.rules import Rules

NO_NEW: Mapping[NodeId, Profile] = {}
NO_EDGES: Mapping[NodeId, Collection[Edge]] = {}


class GraphReader:
    """One state of the store, read for one scope. ``profiles``, ``rows``: what was read so far; no profile is asked for
    twice.

    A scope wants the customers of what it wanted whole, next. So they are read together, with all their edges.
    """

    def __init__(
        self,
        tx: Tx,
        tenant: str,
        rules: Rules,
        *,
        spare: bool = True,
        never_spare: Set[NodeId] = frozenset(),
        decided: bool = True,
        supposed: Sequence[Decision] = (),
        new: Mapping[NodeId, Profile] = NO_NEW,
        edges_of_new: Mapping[NodeId, Collection[Edge]] = NO_EDGES,
    ) -> None:
        """``spare``: leave out what can say nothing of an identifier that was shared (``GraphSlice.stays_shared``). Of
        those in ``never_spare`` all is read. ``decided``: there may be decisions. ``supposed``: further ones. ``new``:
        profiles of which the store has nothing but themselves and ``edges_of_new``, so they are not looked up."""
        self._tx = tx
        self._tenant = tenant
        self._rules = rules
        self._spare = spare
        self._never_spare = never_spare
        self._decided = decided
        self._supposed = supposed
        self.profiles: dict[NodeId, Profile] = dict(new)
        self.rows: dict[NodeId, MemberRow] = {}
        self._members: dict[NodeId, set[NodeId]] = {}
        self._asked: set[NodeId] = set(new)
        self._asked_whole: set[NodeId] = set(new)
        self._edges: dict[NodeId, Collection[Edge]] = dict(edges_of_new)

    async def read(self, wanted: frozenset[NodeId]) -> GraphSlice:
        """Return what the store has of these profiles."""
        await self._read_customers(wanted - self._asked_whole)
        known, rows = self.profiles, self.rows
        edges = {(edge.a, edge.b): edge for id in wanted for edge in self._edges.get(id, ())}
        ends = wanted.union(*edges)
        customers = {self._customer(id) for id in wanted}
        return GraphSlice(
            profiles={id: known[id] for id in ends if id in known},
            edges=edges.values(),
            decisions=await self._decisions(wanted),
            resolved={id: _placed(rows[id]) for id in ends if id in rows},
            members={customer: self._members[customer] for customer in customers if customer in self._members},
            stays_shared={id for id in wanted if self._stays_shared(id)},
        )

    def _customer(self, id: NodeId) -> NodeId:
        return self.rows[id].customer if id in self.rows else id

    def _stays_shared(self, id: NodeId) -> bool:
        return self._spare and id not in self._never_spare and id in self.rows and self.rows[id].shared

    def _may_link(self, id: NodeId) -> bool:
        return id in self.profiles and (id in self._never_spare or self._rules.may_link(self.profiles[id]))

    async def _read_customers(self, ids: Set[NodeId]) -> None:
        """Read these profiles, all that are of one customer with them, and the edges at all of these."""
        if not ids:
            return
        found = await read_resolved_with_companions(self._tx, self._tenant, ids)
        self._keep(found)
        for id in found.profiles:
            self._members.setdefault(self._customer(id), set()).add(id)
        around = ids | found.profiles.keys() - self._asked_whole
        self._asked_whole |= around
        self._asked |= around
        shared = {id for id in around if self._stays_shared(id)}
        firmly = {id for id in shared if self.rows[id].firmly_shared}
        linking = [id for id in around if self._may_link(id)]
        edges = await edges_at(self._tx, self._tenant, linking, firm_only=shared - firmly, proved_only=firmly)
        at: dict[NodeId, list[Edge]] = {id: [] for id in around}
        for edge in edges:
            for end in (edge.a, edge.b):
                if end in at:
                    at[end].append(edge)
        self._edges.update(at)
        await self._read_ends({end for edge in edges for end in (edge.a, edge.b)})

    async def _read_ends(self, ids: Set[NodeId]) -> None:
        unknown = ids - self._asked
        self._keep(await read_resolved(self._tx, self._tenant, unknown))
        self._asked |= unknown

    def _keep(self, found: ResolvedProfiles) -> None:
        self.profiles |= found.profiles
        self.rows |= found.rows

    async def _decisions(self, wanted: Collection[NodeId]) -> list[Decision]:
        if not self._decided:
            return [*self._supposed]
        decisions = await decisions_naming(self._tx, self._tenant, wanted)
        if decisions or self._supposed:
            decisions += await read_withdrawals(self._tx, self._tenant)
        return [*decisions, *self._supposed]


def _placed(row: MemberRow) -> ResolvedProfile:
    return ResolvedProfile(row.customer, row.core, row.shared, row.firmly_shared, row.decided)


async def resolved_by(scope: AffectedScope, reading: GraphReader) -> Resolution:
    """Read what the scope wants until it is resolved."""
    while True:
        while wanted := scope.profiles_to_read():
            scope.add(await reading.read(wanted))
        resolution = scope.resolution()
        if resolution is not None:
            return resolution


async def resolve_surroundings(
    tx: Tx, tenant: str, nodes: Collection[NodeId], rules: Rules, supposed: Sequence[Decision] = ()
) -> tuple[AffectedScope, Resolution]:
    """Return all that has a say in whose these profiles are, and what it comes to: the same as the whole graph does.
    ``supposed``: decisions that are not taken yet."""
    scope = AffectedScope(nodes, rules)
    reading = GraphReader(tx, tenant, rules, never_spare=frozenset(nodes), supposed=supposed)
    return scope, await resolved_by(scope, reading)
