"""Recompute who is who, as far as a batch changed it: read what a change can reach, resolve it, write what differs.

Runs under the tenant's exclusive graph lock, so what it reads is all that is committed, and nobody publishes a version
by an older mapping meanwhile; or under the shared one and the locks of all customers that it reads, and then attaches
new profiles to these and moves nobody (``cx_context.store.graph_locks``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_context.store import ownership, refused_claims, withheld_claims
from cx_context.store.attributions import nodes_attributed_to
from cx_context.store.claim_pairs import Pair
from cx_context.store.decisions import TenantFlags, read_decisions
from cx_context.store.graph import read_whole_graph
from cx_context.store.graph_slices import NO_NEW, GraphReader, resolved_by
from cx_context.store.members import (
    MemberRow,
    Membership,
    add_members,
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
from cx_identity.change_cases import ChangeCases, change_cases
from cx_identity.model import Edge, Graph, Profile
from cx_identity.outcome import Refusal, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules
from cx_projectors.outcome import NeedsExclusiveLock, ReachesFurther
from cx_projectors.tenancy import Tenancy


class ReassignedIds:
    """The ids that stand for someone else now, in groups: ids of one group changed places, so all their versions must
    rise above all that any of them ever showed. ``changed``: customers whose contexts changed though no id moved."""

    def __init__(self) -> None:
        self.changed: set[NodeId] = set()
        self._leader: dict[NodeId, NodeId] = {}

    def join(self, *nodes: NodeId) -> None:
        """Put ids into one group, with those that they are with already."""
        first = self._find(nodes[0])
        for node in nodes[1:]:
            self._leader[self._find(node)] = first

    def _find(self, node: NodeId) -> NodeId:
        while (leader := self._leader.setdefault(node, node)) != node:
            node = leader
        return node

    def groups(self) -> list[list[NodeId]]:
        """Return the groups, each sorted."""
        found: dict[NodeId, list[NodeId]] = {}
        for node in sorted(self._leader):
            found.setdefault(self._find(node), []).append(node)
        return list(found.values())


class AffectedProfiles(NamedTuple):
    """Profiles whose customers may change. ``attested``: those that are attested now and were not, or the reverse.
    ``edges_lost``: a better copy of an event took evidence away, so what was shared may not be any more. ``new``,
    ``edges``: what this transaction inserted, see ``change_cases``."""

    profiles: Collection[NodeId]
    attested: Set[NodeId] = frozenset()
    edges_lost: bool = False
    new: Mapping[NodeId, Profile] = NO_NEW
    edges: Collection[Edge] = ()


class Recomputed(NamedTuple):
    """``moves``: whose versions must rise, and how. ``memberships``: of the profiles whose rows of ``members`` were
    written."""

    moves: ReassignedIds
    memberships: Mapping[NodeId, Membership]


async def recompute(
    tx: Tx,
    tenancy: Tenancy,
    affected: AffectedProfiles | None,
    flags: TenantFlags,
    locked: Set[NodeId] | None = None,
) -> Recomputed:
    """Resolve what the affected profiles can reach (``None``: the whole graph), and write what changed of it.

    ``locked``: the customers that are locked, if not the whole graph is. Then it raises ``ReachesFurther`` where it
    would read others, and ``NeedsExclusiveLock`` where a known profile would move.
    """
    tenant = tenancy.ids.tenant
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    moves = ReassignedIds()
    differences = _Differences()
    if affected is None:
        resolved = [await _resolve_all(tx, tenant, rules)]
    else:
        cases = change_cases(affected.profiles, affected.edges, affected.new)
        resolved = [_resolve_new(cases.new, rules)] if cases.new.profiles else []
        if cases.reaching:
            resolved.append(await _resolve_reachable(tx, tenant, affected, cases, rules, flags))
    new = NO_NEW if affected is None else affected.new
    for found in resolved:
        _compare_members(tenant, found, new, moves, differences)
    if locked is not None:
        _check_locks(locked, resolved, new, bool(differences.moved - new.keys() or differences.turned))
    await add_members(tx, [row for row in differences.rows if row.profile in new])
    await write_members(tx, [row for row in differences.rows if row.profile not in new])
    for found in resolved:
        await _write_refused(tx, tenant, found, moves)
        await _write_withheld(tx, tenant, found, moves)
    nodes = await _nodes_following(tx, tenant, differences, new, flags)
    if nodes and locked is not None:
        raise NeedsExclusiveLock("interactions follow somebody else")
    for node in nodes:
        moves.join(node, *await ownership.all_sides(tx, tenant, node))
    return Recomputed(moves, {row.profile: Membership(row.customer, row.ambiguous) for row in differences.rows})


async def _nodes_following(
    tx: Tx, tenant: str, differences: _Differences, new: Mapping[NodeId, Profile], flags: TenantFlags
) -> set[NodeId]:
    """Return the interactions that may get another owner.

    One does, too, where an identifier that it names turns ambiguous and moves nowhere. Those of new profiles have a
    side more than before, unless they are new themselves, and are looked at anyway.
    """
    moved, turned = differences.moved, differences.turned
    nodes = await nodes_named_by(tx, tenant, moved | turned if turned else moved - new.keys(), turned)
    return nodes | await nodes_attributed_to(tx, tenant, moved) if flags.attributed else nodes


def _check_locks(
    locked: Set[NodeId], resolved: Iterable[_Resolved], new: Mapping[NodeId, Profile], moves_known: bool
) -> None:
    """Raise ``ReachesFurther`` or ``NeedsExclusiveLock`` where the locks don't suffice."""
    reached = {found.customer_before(node) for found in resolved for node in found.read if node not in new} - locked
    if reached:
        raise ReachesFurther(reached)
    if moves_known:
        raise NeedsExclusiveLock("profiles move to other customers")


class _Resolved(NamedTuple):
    """A resolution of ``nodes``, and what the store holds of it so far. ``read``: the nodes, and those at the border.

    ``refused``: the claims to ask about with an end among the nodes. ``withheld``: the claims that aren't tried, of the
    pairs that were examined; ``old_withheld``: what the store has of these pairs.
    """

    nodes: Collection[NodeId]
    read: Collection[NodeId]
    profiles: Mapping[NodeId, Profile]
    resolution: Resolution
    refused: Collection[Refusal]
    old_rows: Mapping[NodeId, MemberRow]
    old_refused: Mapping[Pair, RefusedRow]
    withheld: Collection[Edge]
    old_withheld: Mapping[Pair, WithheldRow]

    def customer_before(self, node: NodeId) -> NodeId:
        """Return a node's customer by what the store holds."""
        before = self.old_rows.get(node)
        return node if before is None else before.customer

    def settles(self, node: NodeId) -> bool:
        """Return whether a node is a shared identifier that somebody settled."""
        return node in self.resolution.settled and node in self.resolution.shared.counting_all

    def settled_before(self, node: NodeId) -> bool:
        """Return whether it was one by what the store holds."""
        before = self.old_rows.get(node)
        return before is not None and before.settled and before.shared


async def _resolve_all(tx: Tx, tenant: str, rules: Rules) -> _Resolved:
    profiles, edges = await read_whole_graph(tx, tenant)
    whole = _resolve_new(Graph(profiles, edges, await read_decisions(tx, tenant)), rules)
    return whole._replace(
        old_rows=await read_member_rows(tx, tenant, list(profiles)),
        old_refused=await refused_claims.all_of(tx, tenant),
        old_withheld=await withheld_claims.all_of(tx, tenant),
    )


def _resolve_new(graph: Graph, rules: Rules) -> _Resolved:
    """Resolve a graph of which the store has no result yet."""
    resolution = resolve(graph, rules)
    silent = resolution.unlinked
    linking = [edge for edge in graph.edges if edge.a not in silent and edge.b not in silent]
    return _Resolved(
        nodes=graph.profiles.keys(),
        read=graph.profiles.keys(),
        profiles=graph.profiles,
        resolution=resolution,
        refused=[refusal for refusal in resolution.refusals if refusal.is_question],
        old_rows={},
        old_refused={},
        withheld=[edge for edge in linking if is_withheld(edge, resolution.shared)],
        old_withheld={},
    )


async def _resolve_reachable(
    tx: Tx, tenant: str, affected: AffectedProfiles, cases: ChangeCases, rules: Rules, flags: TenantFlags
) -> _Resolved:
    scope = AffectedScope(cases.reaching, rules, attested=affected.attested)
    reader = GraphReader(
        tx,
        tenant,
        rules,
        spare=not affected.edges_lost,
        never_spare=affected.attested,
        decided=flags.decided,
        new={id: affected.new[id] for id in cases.edges_of_new},
        edges_of_new=cases.edges_of_new,
    )
    resolution = await resolved_by(scope, reader)
    # A profile that no fact names any more is affected, and no node.
    ends = {*scope.nodes, *cases.reaching}
    examined = [edge for edge in scope.edges_at_nodes() if edge.claimed is not None]
    return _Resolved(
        nodes=scope.nodes,
        read=scope.nodes | scope.border,
        profiles=reader.profiles,
        resolution=resolution,
        refused=scope.refused_claims(resolution),
        old_rows=reader.rows,
        old_refused=await refused_claims.at_ends(tx, tenant, ends) if flags.refused else {},
        withheld=scope.withheld(examined),
        old_withheld=await _old_withheld(tx, tenant, examined, ends, affected) if flags.withheld else {},
    )


async def _old_withheld(
    tx: Tx, tenant: str, examined: Collection[Edge], ends: Collection[NodeId], affected: AffectedProfiles
) -> Mapping[Pair, WithheldRow]:
    """Return the stored rows of the examined pairs. A pair that was taken away can't be examined; but then every edge
    at the ends was read."""
    if affected.edges_lost:
        return await withheld_claims.at_ends(tx, tenant, ends)
    return await withheld_claims.of_pairs(tx, tenant, examined)


@dataclass(slots=True)
class _Differences:
    """``rows``: the rows of members that differ from the stored ones. ``moved``: profiles of another customer than
    before. ``turned``: those that are ambiguous now and were not, or the reverse."""

    rows: list[MemberRow] = field(default_factory=list)
    moved: set[NodeId] = field(default_factory=set)
    turned: set[NodeId] = field(default_factory=set)


def _compare_members(
    tenant: str, found: _Resolved, new: Collection[NodeId], moves: ReassignedIds, differences: _Differences
) -> None:
    """Note how members differ from the stored ones. ``new``: profiles whose ids never showed a version, so nothing
    needs to stand above theirs."""
    for node in found.nodes:
        row = member_row(tenant, node, found.resolution)
        before = found.old_rows.get(node) or lone_member_row(tenant, node)
        if row == before:
            continue
        differences.rows.append(row)
        moves.changed.add(row.customer)
        if before.customer != row.customer:
            differences.moved.add(node)
        if row.ambiguous != before.ambiguous:
            differences.turned.add(node)
        if node in new:
            continue
        moves.changed.add(before.customer)
        if before.customer != row.customer:
            moves.join(node, before.customer, row.customer)


async def _write_refused(tx: Tx, tenant: str, found: _Resolved, moves: ReassignedIds) -> None:
    """Write the claims that are refused; both customers of one that changed show it."""
    settled = found.resolution.settled
    now = {row.pair: row for row in (refused_row(tenant, one, found.profiles, settled) for one in found.refused)}
    gone = found.old_refused.keys() - now.keys()
    changed = [row for pair, row in now.items() if found.old_refused.get(pair) != row]
    if gone or changed:
        await refused_claims.write(tx, changed, gone)
        await _note_customers(tx, tenant, _ends_of(gone, changed), found, moves)


async def _write_withheld(tx: Tx, tenant: str, found: _Resolved, moves: ReassignedIds) -> None:
    """Write the claims that aren't tried since an end is shared; both customers of one that changed show it. Where a
    shared identifier is settled now and was not, or the reverse, everybody whose claims name it does."""
    now = {row.pair: row for row in (withheld_row(tenant, edge, found.profiles) for edge in found.withheld)}
    gone = found.old_withheld.keys() - now.keys()
    changed = [row for pair, row in now.items() if found.old_withheld.get(pair) != row]
    if gone or changed:
        await withheld_claims.write(tx, changed, gone)
    turned = [node for node in found.nodes if found.settles(node) != found.settled_before(node)]
    ends = _ends_of(gone, changed) | await withheld_claims.asking_about(tx, tenant, turned)
    await _note_customers(tx, tenant, ends, found, moves)


def _ends_of(gone: Iterable[Pair], changed: Iterable[RefusedRow | WithheldRow]) -> set[NodeId]:
    return {end for pair in (*gone, *(row.pair for row in changed)) for end in pair}


async def _note_customers(tx: Tx, tenant: str, ends: Set[NodeId], found: _Resolved, moves: ReassignedIds) -> None:
    """Note that the customers of these profiles changed. Some may lie beyond what was resolved."""
    customer_of = found.resolution.customer_of
    elsewhere = await customers_of(tx, tenant, ends - customer_of.keys())
    moves.changed.update(elsewhere[end] if end in elsewhere else customer_of[end] for end in ends)
