"""Who is who, as far as a batch changed it: read the part of the graph that a change can reach, resolve it, keep it.

Runs under the tenant's exclusive graph lock, so what it reads is all that is committed, and nobody publishes a version
by an older mapping meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import NamedTuple

from cx_context.store import ownership, refused_claims, withheld_claims
from cx_context.store.attributions import nodes_attributed_to
from cx_context.store.claim_pairs import Pair
from cx_context.store.decisions import TenantFlags, read_decisions
from cx_context.store.graph import read_whole_graph
from cx_context.store.graph_slices import GraphReader, resolved_by
from cx_context.store.members import (
    MemberRow,
    customers_of,
    lone_member_row,
    member_row,
    read_member_rows,
    write_members,
)
from cx_context.store.parts import nodes_named_by
from cx_context.store.refused_claims import RefusedRow, refused_row
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.sql import Tx
from cx_context.store.withheld_claims import WithheldRow, withheld_row
from cx_events.ids import NodeId
from cx_identity.affected_scope import AffectedScope
from cx_identity.candidates import is_withheld
from cx_identity.model import Edge, Graph, Profile
from cx_identity.outcome import Refusal, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import never_linking
from cx_projectors.tenancy import Tenancy


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


class Dirty(NamedTuple):
    """Profiles that facts changed, and those that are attested now and were not, or the reverse. ``edges_lost``: a
    better copy of an event took evidence away, so what was shared may not be any more."""

    nodes: Collection[NodeId]
    attested: Set[NodeId] = frozenset()
    edges_lost: bool = False


async def recompute(tx: Tx, tenant: str, dirty: Dirty | None, tenancy: Tenancy, ever: TenantFlags) -> Moves:
    """Resolve what the dirty profiles can reach (``None``: everything), write what changed of it."""
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    if dirty is None:
        found = await _everything(tx, tenant, rules)
    else:
        found = await _within_reach(tx, tenant, dirty, rules, ever)
    moves = Moves()
    rows, moved, turned = _differences(tenant, found, moves)
    await write_members(tx, rows)
    await _write_refused(tx, tenant, found, moves)
    await _write_withheld(tx, tenant, found, moves)
    # An interaction follows somebody else, too, where an identifier that it names turns ambiguous and moves nowhere.
    nodes_moved = await nodes_named_by(tx, tenant, moved | turned, turned)
    if ever.attributed:
        nodes_moved |= await nodes_attributed_to(tx, tenant, moved)
    for node in nodes_moved:
        moves.together(node, *await ownership.all_sides(tx, tenant, node))
    return moves


class _Found(NamedTuple):
    """What was resolved of ``nodes``, and what the store has of it so far. ``refused``: the claims to ask about with an
    end among the nodes. ``withheld``: the claims that aren't tried of the pairs that were looked at; ``old_withheld``:
    what the store has of these pairs."""

    nodes: Collection[NodeId]
    profiles: Mapping[NodeId, Profile]
    resolution: Resolution
    refused: Collection[Refusal]
    old_rows: Mapping[NodeId, MemberRow]
    old_refused: Mapping[Pair, RefusedRow]
    withheld: Collection[Edge]
    old_withheld: Mapping[Pair, WithheldRow]


async def _everything(tx: Tx, tenant: str, rules: Rules) -> _Found:
    profiles, edges = await read_whole_graph(tx, tenant)
    resolution = resolve(Graph(profiles, edges, await read_decisions(tx, tenant)), rules)
    silent = never_linking(profiles, rules)
    linking = [edge for edge in edges if edge.a not in silent and edge.b not in silent]
    return _Found(
        nodes=list(profiles),
        profiles=profiles,
        resolution=resolution,
        refused=[one for one in resolution.refusals if one.is_question],
        old_rows=await read_member_rows(tx, tenant, list(profiles)),
        old_refused=await refused_claims.all_of(tx, tenant),
        withheld=[edge for edge in linking if is_withheld(edge, resolution.shared)],
        old_withheld=await withheld_claims.all_of(tx, tenant),
    )


async def _within_reach(tx: Tx, tenant: str, dirty: Dirty, rules: Rules, ever: TenantFlags) -> _Found:
    scope = AffectedScope(dirty.nodes, rules, attested=dirty.attested)
    reading = GraphReader(
        tx, tenant, rules, spare=not dirty.edges_lost, never_spare=dirty.attested, decided=ever.decided
    )
    resolution = await resolved_by(scope, reading)
    # Profiles that no fact names any more are dirty, and no nodes.
    ends = {*scope.nodes, *dirty.nodes}
    looked_at = [edge for edge in scope.edges_at_nodes() if edge.claimed is not None]
    return _Found(
        nodes=scope.nodes,
        profiles=reading.profiles,
        resolution=resolution,
        refused=scope.refused_claims(resolution),
        old_rows=reading.rows,
        old_refused=await refused_claims.at_ends(tx, tenant, ends) if ever.refused else {},
        withheld=scope.withheld(looked_at),
        old_withheld=await _old_withheld(tx, tenant, looked_at, ends, dirty) if ever.withheld else {},
    )


async def _old_withheld(
    tx: Tx, tenant: str, looked_at: Collection[Edge], ends: Collection[NodeId], dirty: Dirty
) -> Mapping[Pair, WithheldRow]:
    """A pair that was taken away can't be looked at; but then every edge at the ends was read."""
    if dirty.edges_lost:
        return await withheld_claims.at_ends(tx, tenant, ends)
    return await withheld_claims.of_pairs(tx, tenant, looked_at)


def _differences(tenant: str, found: _Found, moves: Moves) -> tuple[list[MemberRow], set[NodeId], set[NodeId]]:
    """Return the rows of members that differ, the profiles that moved to somebody else, and those that are ambiguous
    now and were not, or the reverse."""
    rows = []
    moved: set[NodeId] = set()
    turned: set[NodeId] = set()
    for node in found.nodes:
        row = member_row(tenant, node, found.resolution)
        before = found.old_rows.get(node) or lone_member_row(tenant, node)
        if row == before:
            continue
        rows.append(row)
        moves.changed.update((before.customer, row.customer))
        if before.customer != row.customer:
            moved.add(node)
            moves.together(node, before.customer, row.customer)
        if row.ambiguous != before.ambiguous:
            turned.add(node)
    return rows, moved, turned


async def _write_refused(tx: Tx, tenant: str, found: _Found, moves: Moves) -> None:
    """Write the claims that are refused; both customers of one that changed show it."""
    settled = found.resolution.settled
    now = {row.pair: row for row in (refused_row(tenant, one, found.profiles, settled) for one in found.refused)}
    gone = found.old_refused.keys() - now.keys()
    changed = [row for pair, row in now.items() if found.old_refused.get(pair) != row]
    if not gone and not changed:
        return
    await refused_claims.write(tx, changed, gone)
    ends = {end for pair in (*gone, *(row.pair for row in changed)) for end in pair}
    customer_of = found.resolution.customer_of
    elsewhere = await customers_of(tx, tenant, ends - customer_of.keys())
    moves.changed.update(elsewhere[end] if end in elsewhere else customer_of[end] for end in ends)


async def _write_withheld(tx: Tx, tenant: str, found: _Found, moves: Moves) -> None:
    """Write the claims that aren't tried since an end is shared; both customers of one that changed show it. Where a
    shared identifier is settled now and was not, or the reverse, everybody whose claims name it does."""
    now = {row.pair: row for row in (withheld_row(tenant, edge, found.profiles) for edge in found.withheld)}
    gone = found.old_withheld.keys() - now.keys()
    changed = [row for pair, row in now.items() if found.old_withheld.get(pair) != row]
    ends = {end for pair in (*gone, *(row.pair for row in changed)) for end in pair}
    if gone or changed:
        await withheld_claims.write(tx, changed, gone)
    turned = [node for node in found.nodes if _settles(found, node) != _settled_before(found, node)]
    ends |= await withheld_claims.asking_about(tx, tenant, turned)
    customer_of = found.resolution.customer_of
    elsewhere = await customers_of(tx, tenant, ends - customer_of.keys())
    moves.changed.update(elsewhere[end] if end in elsewhere else customer_of[end] for end in ends)


def _settles(found: _Found, node: NodeId) -> bool:
    return node in found.resolution.settled and node in found.resolution.shared.counting_all


def _settled_before(found: _Found, node: NodeId) -> bool:
    before = found.old_rows.get(node)
    return before is not None and before.settled and before.shared
