"""Who is who, as far as a batch changed it: read the part of the graph that a change can reach, resolve it, keep it.

Runs under the tenant's exclusive graph lock, so what it reads is all that is committed, and nobody publishes a version
by an older mapping meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from cx_context.store import writer
from cx_context.store.sql import Tx
from cx_events.ids import NodeId
from cx_identity.components import resolve
from cx_identity.model import Graph
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
    tx: Tx, tenant: str, dirty: Collection[NodeId] | None, tenancy: Tenancy, *, edges_lost: bool = False
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
        while wanted := scope.wants():
            scope.give(await _read(tx, tenant, wanted, may_stay_shared=not edges_lost))
        resolution = resolve(scope.graph(), rules)
        nodes = scope.nodes
    old = await writer.member_rows(tx, nodes)
    moves = Moves()
    rows = []
    moved: set[NodeId] = set()
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
    await writer.write_members(tx, rows)
    for node in await writer.nodes_named_by(tx, moved):
        homes = (await writer.homes_of(tx, [node])).get(node, set()) - {node}
        moves.together(node, *(await writer.customers_of(tx, homes | (moved & homes))).values())
    return moves


async def _read(tx: Tx, tenant: str, wanted: Collection[NodeId], *, may_stay_shared: bool) -> GraphSlice:
    stays = await writer.previously_shared(tx, wanted) if may_stay_shared else set()
    edges = await writer.edges_at(tx, wanted, verified_only=stays)
    ends = set(wanted) | {edge.a for edge in edges} | {edge.b for edge in edges}
    decisions = await writer.decisions_naming(tx, wanted)
    if decisions:
        decisions += await writer.withdrawals(tx, tenant)
    return GraphSlice(
        profiles=await writer.profiles(tx, ends),
        edges=edges,
        decisions=decisions,
        previously_shared=await writer.previously_shared(tx, ends),
        stays_shared=stays,
    )
