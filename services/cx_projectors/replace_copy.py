"""Apply a copy that must replace another: it was recorded before the one that is stored.

Rare (the clocks of two intakes, partitions that a rebuild reads at uneven speed), so it may be slow, but must be
right: it runs alone (every batch holds the replace lock shared, this one exclusively), folds again from the stored
events whatever the old copy had a share in, and moves all epochs, so that no consumer goes on with what it remembers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cx_context.fold_faults import part_of
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.routing_targets import RoutingTarget, SideState, routing_targets
from cx_context.store import (
    assignments,
    first_mentions,
    leases,
    listing_queue,
    offsets,
    outbox,
    ownership,
    segments,
)
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.dead_letters import delete_dead_letter, write_dead_letters
from cx_context.store.decisions import delete_decision, read_tenant_flags
from cx_context.store.discarded_letters import write_discards
from cx_context.store.events import (
    insert_events,
    read_raws_naming,
    read_raws_of_part,
    replace_event,
    write_copies,
)
from cx_context.store.graph import (
    delete_profiles_and_edges,
    edges_at,
    read_profiles,
    write_edges,
    write_link_events,
    write_profiles,
)
from cx_context.store.graph_locks import lock_graph
from cx_context.store.leases import REPLACE_LOCK, Lease
from cx_context.store.members import customers_of, lone_member_row, write_members
from cx_context.store.part_codec import decode_part, encode_part
from cx_context.store.parts import announce_interactions, delete_part, read_parts_of_sides, write_parts
from cx_context.store.sql import Tx
from cx_context.store.versions import REFOLD_STRIPE, raise_versions, rises_to_level
from cx_events.ids import IdSpace, NodeId
from cx_events.log import Partition
from cx_identity.evidence import sum_links
from cx_identity.first_mentions import ATTESTED, EDGE_KINDS, NAMED, Mention, MentionKey, mentions_in, pareto_front
from cx_projectors import conflicts
from cx_projectors.cache import ProjectionCache, SideKey
from cx_projectors.classify import ClassifiedEvent, read_event
from cx_projectors.dead_letters import fold_letter_key
from cx_projectors.evidence_writes import IdentityChanges, Pair, add_withdrawn, write_identity
from cx_projectors.identity import AffectedProfiles, ReassignedIds, recompute
from cx_projectors.outcome import Applied, Mode, folding
from cx_projectors.plan import plan_batch, plan_events
from cx_projectors.records import Batch
from cx_projectors.repeats import Replacement, delete_settled, read_repeats, take_back
from cx_projectors.tenancy import Tenancy
from cx_projectors.write import stripe_of, write_plan


async def apply_alone(
    tx: Tx,
    batch: Batch,
    owned: Mapping[Partition, Lease],
    tenants: Mapping[str, Tenancy],
    *,
    worker: str,
    mode: Mode = Mode(),
) -> Applied:
    """Apply a batch with copies that replace others, as ``write.apply_batch`` does one without. The consumer must
    forget everything afterwards, and take its partitions anew."""
    await tx.lock(REPLACE_LOCK, exclusive=True)
    await leases.lock_all(tx)
    await leases.hold(tx, worker, owned)
    applied = Applied()
    new = await insert_events(tx, batch.rows())
    repeated = [key for key in batch.events if key not in new]
    repeats = await read_repeats(tx, batch, repeated, tenants)
    copies = batch.copies + repeats.copies
    applied.new, applied.repeated, applied.conflicts = len(new), len(repeated), len(copies)
    await take_back(tx, batch, repeats.retried)
    new |= {event.fact.key for event in repeats.retried}
    await _replace_events(tx, repeats.replacements)
    await write_copies(tx, copies)
    await write_link_events(tx, batch.names)
    mode, cache = Mode(exclusive=True, merging=mode.merging), ProjectionCache()
    for plan in plan_batch(batch, new, cache):
        await write_plan(tx, plan, tenants[plan.tenant], cache, applied, stripe=stripe_of(owned), mode=mode)
    for tenant in sorted({each.new.fact.event.tenantid for each in repeats.replacements}):
        of_tenant = [each for each in repeats.replacements if each.new.fact.event.tenantid == tenant]
        applied.customers |= await _Replacing(tx, tenants[tenant], of_tenant).run()
    replaced = [each.new.fact.key for each in repeats.replacements]
    await delete_settled(tx, batch)
    await write_discards(tx, batch.discarded)
    applied.letters = batch.unsettled + batch.problems_of({*new, *replaced})
    applied.letters += await conflicts.settle(tx, {copy[0] for copy in copies}.union(replaced))
    await write_dead_letters(tx, applied.letters)
    await offsets.advance(tx, batch.offsets)
    await leases.fence_all(tx)
    return applied


async def _replace_events(tx: Tx, replacements: Iterable[Replacement]) -> None:
    """Store these copies instead of the stored ones, whose letters bear another name where a mail came by two doors."""
    for each in replacements:
        await replace_event(tx, each.new.fact, each.new.stream_id, each.new.problem)
        for letter in sorted({fold_letter_key(each.new.fact), fold_letter_key(each.stored)}):
            await delete_dead_letter(tx, letter)


@dataclass(slots=True)
class _Share:
    """The parts, profiles and pairs that the copies, old and new, have a share in. ``profiles``, ``pairs``: those that
    they mention."""

    parts: set[tuple[bytes, NodeId, NodeId]] = field(default_factory=set)
    profiles: set[NodeId] = field(default_factory=set)
    pairs: set[Pair] = field(default_factory=set)

    @classmethod
    def of(cls, events: Iterable[ClassifiedEvent]) -> _Share:
        share = cls()
        for event in events:
            if event.makes_part:
                fact, links = event.fact, event.mentions()
                share.parts.add((fact.part_id, fact.stream_id, fact.interaction_node))
                share.profiles.update(profile.id for profile in links.profiles)
                share.pairs.update((edge.a, edge.b) for edge in links.edges)
        return share

    @property
    def sides(self) -> set[SideKey]:
        return {(stream_id, node) for _, stream_id, node in self.parts}


class _Replacing:
    """One tenant's replacements. The stored events are the new copies already."""

    def __init__(self, tx: Tx, tenancy: Tenancy, replacements: Collection[Replacement]) -> None:
        self._tx = tx
        self._tenancy = tenancy
        self._ids = tenancy.ids
        self._tenant = tenancy.ids.tenant
        self._replacements = replacements
        self._old = [each.old for each in replacements if each.old is not None]
        self._new = [each.new for each in replacements if each.new.left_out is None]
        self._share = _Share.of([*self._old, *self._new])

    async def run(self) -> set[NodeId]:
        """Return the customers whose contexts changed."""
        tx, tenant, share = self._tx, self._tenant, self._share
        await lock_graph(tx, tenant, exclusive=True)
        customers_before = await customers_of(tx, tenant, share.profiles)
        attested = await _gather_identity(tx, self._ids, share.profiles, share.pairs)

        before = await self._write_identity(event for event in self._old if not event.makes_part)
        nodes = before.attributed | {node for _, node in share.sides}
        owners_before = {node: await ownership.all_sides(tx, tenant, node) for node in nodes}
        for replacement in self._replacements:
            await delete_decision(tx, replacement.new.fact.key)
        after = await self._write_identity(self._new)

        targets = await self._fold_parts_again()
        affected = AffectedProfiles(before.affected | after.affected | share.profiles, attested, edges_lost=True)
        rules_changed = before.rules or after.rules
        flags = await read_tenant_flags(tx, tenant)
        moves = (await recompute(tx, self._tenancy, None if rules_changed else affected, flags)).moves
        nobody = share.profiles - (await read_profiles(tx, tenant, share.profiles)).keys()
        await write_members(tx, [lone_member_row(tenant, id) for id in nobody])
        for id in nobody:
            moves.join(id, customers_before[id])  # whoever showed it does so no more
        nodes |= after.attributed
        for node in sorted(nodes):
            moves.join(node, *owners_before.get(node, ()), *await ownership.all_sides(tx, tenant, node))
        return await self._publish(moves, nodes, targets)

    async def _write_identity(self, events: Iterable[ClassifiedEvent]) -> IdentityChanges:
        """Write what these events say, and add what their withdrawals concern."""
        changes = IdentityChanges()
        for plan in plan_events(events, ProjectionCache()):
            changes = await write_identity(self._tx, plan)
            await write_profiles(self._tx, self._tenant, changes.known_profiles)
        await add_withdrawn(self._tx, self._tenant, changes)
        return changes

    async def _fold_parts_again(self) -> set[RoutingTarget]:
        """Return the routing targets that the sides concern, or concerned."""
        tx, ids, sides = self._tx, self._ids, self._share.sides
        before = await _read_targets(tx, self._tenant, sides)
        for part_id, stream_id, node in sorted(self._share.parts):
            await _fold_again(tx, ids, part_id, stream_id, node)
        after = await _read_targets(tx, self._tenant, sides)
        await assignments.replace(tx, self._tenant, {ids.part_id(*side): (side[1], after[side]) for side in sides})
        return {target for by_side in (before, after) for found in by_side.values() for target in found}

    async def _publish(
        self, moves: ReassignedIds, nodes: Collection[NodeId], targets: set[RoutingTarget]
    ) -> set[NodeId]:
        tx, tenant = self._tx, self._tenant
        stream_ids = {stream_id for stream_id, _ in self._share.sides} | self._share.profiles
        moves.changed.update((await customers_of(tx, tenant, stream_ids)).values())
        moves.changed.update((await ownership.customers_following(CurrentGraph(tx, tenant), nodes)).values())
        for node in sorted(moves.changed):
            moves.join(node)
        rises = await rises_to_level(tx, moves.groups())
        await raise_versions(tx, rises, REFOLD_STRIPE)
        changed = sorted(rises)
        await outbox.write(tx, tenant, changed, {changed[0]: targets} if changed and targets else {})
        await listing_queue.write(tx, tenant, changed, {each.new.fact.key for each in self._replacements})
        return set(changed)


async def _read_targets(tx: Tx, tenant: str, sides: Collection[SideKey]) -> dict[SideKey, set[RoutingTarget]]:
    """Return the routing targets that sides concern, by their stored parts."""
    stored = await read_parts_of_sides(tx, tenant, sides)
    found: dict[SideKey, set[RoutingTarget]] = {}
    for side in sides:
        parts = (KeyedPart(part_id, decode_part(body)) for part_id, body in stored.get(side, ()))
        found[side] = set(routing_targets(SideState.of(parts)))
    return found


async def _fold_again(tx: Tx, ids: IdSpace, part_id: bytes, stream_id: NodeId, node: NodeId) -> None:
    """Make one part from the stored events, from nothing."""
    raws = await read_raws_of_part(tx, ids.tenant, stream_id, part_id)
    facts = [read_event(raw, lambda _: ids).fact for raw in raws]
    if not facts:
        await delete_part(tx, part_id)
        await segments.forget(tx, part_id)
        return
    with folding():
        part = part_of(facts)
    if part.facts > segments.SEGMENT_FACTS:
        await segments.rebuild(tx, ids, stream_id, part_id)
    else:
        await segments.forget(tx, part_id)
    await announce_interactions(tx, ids.tenant, [node])
    await write_parts(tx, [(part_id, ids.tenant, stream_id, node, encode_part(part))])


async def _gather_identity(tx: Tx, ids: IdSpace, profiles: Collection[NodeId], pairs: Collection[Pair]) -> set[NodeId]:
    """Write these profiles and pairs as the stored events mention them now. Return the profiles that are attested now
    and were not, or the reverse.

    An event names a profile from the profile's own stream or from a neighbour's (all identifiers of one person in an
    event are tied to one another), or it is noted among the link events.
    """
    tenant = ids.tenant
    neighbours = {end for edge in await edges_at(tx, tenant, profiles) for end in (edge.a, edge.b)}
    raws = await read_raws_naming(tx, tenant, set(profiles) | neighbours, profiles)
    events = [event for event in (read_event(raw, lambda _: ids) for raw in raws) if event.makes_part]
    named, tied = sum_links(event.mentions() for event in events)
    before = await read_profiles(tx, tenant, profiles)
    await delete_profiles_and_edges(tx, profiles, pairs)
    await write_profiles(tx, tenant, [named[id] for id in profiles if id in named])
    await write_edges(tx, tenant, [tied[pair] for pair in pairs if pair in tied])
    wanted = [(kind, id, id) for id in profiles for kind in (NAMED, ATTESTED)]
    await _gather_mentions(tx, tenant, events, wanted + [(k, *pair) for pair in pairs for k in EDGE_KINDS.values()])
    attested_before = {id for id, profile in before.items() if profile.attested}
    return attested_before ^ {id for id in profiles if id in named and named[id].attested}


async def _gather_mentions(
    tx: Tx, tenant: str, events: Iterable[ClassifiedEvent], wanted: Iterable[MentionKey]
) -> None:
    """Write when these profiles and pairs were first known of any past."""
    found: dict[MentionKey, list[Mention]] = {key: [] for key in wanted}
    for event in events:
        links = event.mentions()
        for key, mention in mentions_in(links.profiles, links.edges, event.fact):
            if key in found:
                found[key].append(mention)
    await first_mentions.rewrite(tx, tenant, found, {key: pareto_front(steps) for key, steps in found.items()})
