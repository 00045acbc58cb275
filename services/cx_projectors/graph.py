"""Who is who, as far as a batch changed it: read the part of the graph that a change can reach, resolve it, keep it.

Runs under the tenant's exclusive graph lock, so what it reads is all that is committed, and nobody publishes a version
by an older mapping meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from cx_context.store import holdings, writer
from cx_context.store.sql import Tx
from cx_events.ids import NodeId
from cx_identity.components import resolve
from cx_identity.model import Decision, Graph, Profile
from cx_identity.scope import GraphSlice, Scope

if TYPE_CHECKING:
    from cx_projectors.apply import Tenancy


class Moves:
    """Which ids stand for someone else now. Ids that changed places are a group: all their versions must rise above
    all that any of them ever showed. ``changed``: customers whose body changed though nobody moved."""

    def __init__(self) -> None:
        self.changed: set[NodeId] = set()
        self._leader: dict[NodeId, NodeId] = {}

    def together(self, *nodes: NodeId) -> None:
        first = self._find(nodes[0])
        for node in nodes[1:]:
            self._leader[self._find(node)] = first

    def _find(self, node: NodeId) -> NodeId:
        while (leader := self._leader.setdefault(node, node)) != node:
            node = leader
        return node

    def groups(self) -> list[list[NodeId]]:
        found: dict[NodeId, list[NodeId]] = {}
        for node in sorted(self._leader):
            found.setdefault(self._find(node), []).append(node)
        return list(found.values())


async def recompute(
    tx: Tx,
    tenant: str,
    dirty: Collection[NodeId] | None,
    tenancy: Tenancy,
    ever: writer.Ever,
    *,
    edges_lost: bool = False,
) -> Moves:
    """Resolve what the dirty profiles can reach (``None``: everything), write what changed of it.

    ``edges_lost``: a better copy of an event took evidence away, so what was shared may not be any more.
    """
    rules = await writer.rules_in_force(tx, tenant, tenancy.rules)
    if dirty is None:
        profiles, edges = await writer.whole_graph(tx, tenant)
        decisions = await writer.decisions(tx, tenant)
        resolution = resolve(Graph(profiles, edges, decisions), rules)
        nodes: Collection[NodeId] = list(profiles)
    else:
        scope = Scope(dirty, rules)
        reading = _Reading(tx, tenant, may_stay_shared=not edges_lost, decided=ever.decided)
        while wanted := scope.wants():
            scope.give(await reading.read(wanted))
        resolution = resolve(scope.graph(), rules)
        nodes = scope.nodes
    old = await writer.member_rows(tx, tenant, nodes)
    moves = Moves()
    rows = []
    moved: set[NodeId] = set()
    turned: set[NodeId] = set()
    for node in nodes:
        row = writer.member_row(tenant, node, resolution)
        before = old.get(node)
        if before is None and row[2] == node and not row[3]:
            continue
        if row == before:
            continue
        rows.append(row)
        was = before[2] if before is not None else node
        moves.changed.update((was, row[2]))
        if was != row[2]:
            moved.add(node)
            moves.together(node, was, row[2])
        if row[3] != (before is not None and before[3]):
            turned.add(node)
    await writer.write_members(tx, rows)
    # An interaction follows somebody else, too, where an identifier that it names turns shared and moves nowhere.
    nodes_moved = await writer.nodes_named_by(tx, tenant, moved | turned, turned)
    if ever.attributed:
        nodes_moved |= await writer.nodes_attributed_to(tx, tenant, moved)
    for node in nodes_moved:
        moves.together(node, *await holdings.all_sides(tx, tenant, node))
    return moves


class _Reading:
    """What is read for one recomputation: nothing is asked for twice, since under the lock nothing moves."""

    def __init__(self, tx: Tx, tenant: str, *, may_stay_shared: bool, decided: bool) -> None:
        self._tx = tx
        self._tenant = tenant
        self._may_stay_shared = may_stay_shared
        self._decided = decided
        self._profiles: dict[NodeId, Profile] = {}
        self._shared: set[NodeId] = set()
        self._asked: set[NodeId] = set()

    async def read(self, wanted: frozenset[NodeId]) -> GraphSlice:
        await self._learn(wanted)
        stays = wanted & self._shared if self._may_stay_shared else frozenset()
        edges = await writer.edges_at(self._tx, self._tenant, wanted, verified_only=stays)
        ends = wanted | {edge.a for edge in edges} | {edge.b for edge in edges}
        await self._learn(ends)
        return GraphSlice(
            profiles={id: self._profiles[id] for id in ends if id in self._profiles},
            edges=edges,
            decisions=await self._decisions(wanted) if self._decided else [],
            previously_shared=self._shared & ends,
            stays_shared=stays,
        )

    async def _learn(self, ids: frozenset[NodeId]) -> None:
        unknown = ids - self._asked
        profiles, shared = await writer.profiles_and_shared(self._tx, self._tenant, unknown)
        self._profiles |= profiles
        self._shared |= shared
        self._asked |= unknown

    async def _decisions(self, wanted: Collection[NodeId]) -> list[Decision]:
        decisions = await writer.decisions_naming(self._tx, self._tenant, wanted)
        return decisions + await writer.withdrawals(self._tx, self._tenant) if decisions else []
