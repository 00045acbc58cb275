"""Publish what a tenant's share of a batch changed: under the tenant's graph lock, the last one that is taken.

What was read before the lock is checked again, since other writers could not see our rows, nor we theirs. Then the
graph is recomputed, if need be, and the versions of all customers whose contexts changed are raised.

New profiles are attached to customers under the shared lock and those customers' own (``graph_locks``), so workers
don't wait for each other where their customers differ. What needs more shows when it is resolved: then the locks are
dropped, and it is done again under the exclusive one.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from cx_context.routing_targets import RoutingTarget
from cx_context.store import outbox, ownership
from cx_context.store.attributions import nodes_attributed_to
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.decisions import ALL_FLAGS, TenantFlags, decisions_naming, read_tenant_flags
from cx_context.store.graph import write_profiles
from cx_context.store.graph_locks import drop_locks, has_one_writer, lock_customers, lock_graph, mark_locks
from cx_context.store.members import Membership, customers_of, memberships_of, read_all_customers
from cx_context.store.parts import nodes_with_open_sides
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.sql import Tx
from cx_context.store.versions import raise_versions, rises_to_level, versions_of
from cx_events.ids import NodeId
from cx_projectors.cache import ProjectionCache, SideKey
from cx_projectors.evidence_writes import IdentityChanges, add_withdrawn
from cx_projectors.fold_parts import FoldedParts
from cx_projectors.identity import AffectedProfiles, ReassignedIds, recompute
from cx_projectors.outcome import NeedsExclusiveLock, ReachesFurther
from cx_projectors.tenancy import Tenancy

MOST_ROUNDS = 4
"""How often more customers are locked before the whole graph is."""

Lifetimes = Mapping[str, int]
"""Seconds that a proof counts, by method."""


async def read_lifetimes(tx: Tx, tenancy: Tenancy) -> Lifetimes:
    """Return the lifetimes of proofs by the rules in force."""
    return (await read_rules_in_force(tx, tenancy.ids.tenant, tenancy.rules)).proof_lifetime


class Publisher:
    """One tenant's share of a batch, written and not yet published. ``joined``: interactions that have another side
    now. ``lifetimes``: those of proofs before the batch, if it may change them."""

    def __init__(
        self,
        tx: Tx,
        tenancy: Tenancy,
        cache: ProjectionCache,
        changes: IdentityChanges,
        folded: FoldedParts,
        joined: set[NodeId],
        lifetimes: Lifetimes | None,
    ) -> None:
        self._tx = tx
        self._tenancy = tenancy
        self._tenant = tenancy.ids.tenant
        self._cache = cache
        self._changes = changes
        self._folded = folded
        self._joined = joined
        self._lifetimes = lifetimes

    async def publish(self, *, exclusive: bool, stripe: int) -> set[NodeId]:
        """Return the customers whose contexts changed. ``exclusive``: take the graph lock exclusively in any case."""
        tx, changes = self._tx, self._changes
        nodes = await nodes_with_open_sides(tx, self._tenant, self._joined) | changes.attributed
        exclusive = exclusive or has_one_writer(tx) or changes.decided or changes.rules or bool(nodes | self._strays())
        if not exclusive and (changes.affected or changes.new_profiles or self._joined):
            await mark_locks(tx)
        customers: set[NodeId] = set()
        for _ in range(MOST_ROUNDS):
            try:
                return await self._publish_under_lock(nodes, customers, stripe, exclusive=exclusive)
            except NeedsExclusiveLock:
                break
            except ReachesFurther as more:
                customers |= more.customers
                await drop_locks(tx)
        await drop_locks(tx)
        return await self._publish_under_lock(nodes, customers, stripe, exclusive=True)

    def _strays(self) -> Set[NodeId]:
        """Return the streams that may be those of profiles which another writer knows first."""
        return self._folded.strays - self._cache.profiles.keys() - self._changes.new_profiles.keys()

    async def _publish_under_lock(
        self, nodes: Set[NodeId], customers: Set[NodeId], stripe: int, *, exclusive: bool
    ) -> set[NodeId]:
        """Publish under the graph lock and, if that is shared, under the locks of ``customers`` and those of all known
        profiles that are affected.

        Raises ``NeedsExclusiveLock`` where only the lock showed that more changes, ``ReachesFurther`` where other
        customers must be locked, too.
        """
        tx, tenant, changes = self._tx, self._tenant, self._changes
        await lock_graph(tx, tenant, exclusive=exclusive)
        if not exclusive:
            known = changes.affected - changes.new_profiles.keys()
            customers = customers | set((await customers_of(tx, tenant, known)).values())
            await lock_customers(tx, customers)
        await write_profiles(tx, tenant, changes.known_profiles)
        flags = await self._read_flags()
        memberships = await self._read_memberships()
        spoken_of = await self._new_profiles_spoken_of(flags)
        late_nodes = await self._nodes_moved_meanwhile(flags) - nodes
        if (spoken_of or late_nodes) and not exclusive:
            raise NeedsExclusiveLock("another writer's rows, or a decision that waited, concern this batch")
        changes.affected |= spoken_of
        nodes = nodes | late_nodes
        if changes.withdrawals:
            await add_withdrawn(tx, tenant, changes)
            nodes = nodes | changes.attributed

        moves = ReassignedIds()
        if changes.affected or changes.rules:
            affected = self._affected(spoken_of)
            locked = None if exclusive else customers
            moves, members = await recompute(tx, self._tenancy, affected, flags, locked)
            memberships = {**memberships, **members}
        for node in nodes:
            moves.join(node, *await ownership.all_sides(tx, tenant, node))
        return await self._raise_versions(moves, await self._customers_of_sides(memberships), stripe)

    async def _read_flags(self) -> TenantFlags:
        changes = self._changes
        if changes.new_profiles or changes.affected or changes.rules or changes.withdrawals:
            return await read_tenant_flags(self._tx, self._tenant)
        return ALL_FLAGS

    async def _read_memberships(self) -> Mapping[NodeId, Membership]:
        """Return the memberships of the streams that changed. New profiles have none."""
        streams = {stream_id for stream_id, _ in self._folded.sides} - self._changes.new_profiles.keys()
        return await memberships_of(self._tx, self._tenant, streams)

    async def _new_profiles_spoken_of(self, flags: TenantFlags) -> set[NodeId]:
        """Return the profiles that are new, and that a decision named before, or whose ids showed a version before: an
        event's subject named them, or a copy that another replaced."""
        new = self._changes.new_profiles.keys()
        decisions = await decisions_naming(self._tx, self._tenant, new) if flags.decided and new else []
        decided = {node for decision in decisions for node in (decision.a, decision.b)}
        return new & (decided | (await versions_of(self._tx, new)).keys())

    def _affected(self, spoken_of: Set[NodeId]) -> AffectedProfiles | None:
        changes = self._changes
        if changes.rules:
            return None
        new = changes.new_profiles
        if spoken_of:
            new = {id: profile for id, profile in new.items() if id not in spoken_of}
        return AffectedProfiles(changes.affected, changes.newly_attested, new=new, edges=changes.edges)

    async def _nodes_moved_meanwhile(self, flags: TenantFlags) -> set[NodeId]:
        """Return the interactions whose owner may change by what others wrote."""
        nodes = await nodes_with_open_sides(self._tx, self._tenant, self._joined)
        if flags.attributed:
            nodes |= await nodes_attributed_to(self._tx, self._tenant, self._changes.new_profiles)
        return nodes

    async def _customers_of_sides(self, memberships: Mapping[NodeId, Membership]) -> dict[SideKey, NodeId]:
        """Return the customers of the sides that changed, and of new profiles, each keyed by itself twice."""
        new = self._changes.new_profiles
        found: dict[SideKey, NodeId] = {}
        by_interaction: set[SideKey] = set()
        for side_key in {*self._folded.sides, *((id, id) for id in new)}:
            stream_id, node = side_key
            membership = memberships.get(stream_id)
            found[side_key] = stream_id if membership is None else membership.customer
            if stream_id != node:
                follows = membership is not None and membership.ambiguous
            else:
                follows = membership is None and stream_id not in new and stream_id not in self._cache.profiles
            if follows:
                by_interaction.add(side_key)
        sides = await ownership.owners_of_interactions(
            CurrentGraph(self._tx, self._tenant), {node for _, node in by_interaction}
        )
        for stream_id, node in by_interaction:
            found[stream_id, node] = sides[node].by_stream.get(stream_id, found[stream_id, node])
        return found

    async def _raise_versions(
        self, moves: ReassignedIds, customer_of: Mapping[SideKey, NodeId], stripe: int
    ) -> set[NodeId]:
        tx, tenant = self._tx, self._tenant
        changed = moves.changed | set(customer_of.values())
        unannounced: set[NodeId] = set()
        if self._lifetimes is not None and self._lifetimes != await read_lifetimes(tx, self._tenancy):
            # Every proof expires at another time now. Followers notice at the next heartbeat: no notice for each.
            unannounced = await read_all_customers(tx, tenant) - changed
        groups = moves.groups()
        rises = await rises_to_level(tx, groups) if groups else {}
        await raise_versions(tx, dict.fromkeys(changed | unannounced, 1) | rises, stripe)
        changed |= rises.keys()
        routing: dict[NodeId, set[RoutingTarget]] = {}
        for side_key, targets in self._folded.routing.items():
            routing.setdefault(customer_of[side_key], set()).update(targets)
        await outbox.write(tx, tenant, sorted(changed), routing)
        return changed
