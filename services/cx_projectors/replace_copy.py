"""A copy that must replace another: it was recorded before the one that is stored.

Rare (the clocks of two intakes, partitions that a rebuild reads at uneven speed), so it may be slow, but must be
right: it runs alone (every batch holds the refold lock shared, this one exclusive), folds again from the stored events
whatever the old copy had a share in, and moves all epochs, so that no worker goes on with what it remembers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cx_context.fold_faults import is_left_out, part_of
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.places import KeyedPart
from cx_context.routing_targets import RoutingTarget, SideState, routing_targets
from cx_context.store import assignments, first_mentions, leases, outbox, ownership, segments
from cx_context.store.dead_letters import write_dead_letters
from cx_context.store.decisions import delete_decision, read_tenant_flags
from cx_context.store.events import (
    insert_events,
    read_raws_naming,
    read_raws_of_part,
    read_stored_copies,
    replace_event,
    write_copies,
)
from cx_context.store.graph import delete_profiles_and_edges, edges_at, read_profiles, write_edges, write_profiles
from cx_context.store.leases import Lease
from cx_context.store.members import customers_of, lone_member_row, write_members
from cx_context.store.part_codec import decode_part, encode_part
from cx_context.store.parts import announce_interactions, delete_part, read_parts_of_sides, write_parts
from cx_context.store.port import tenant_lock
from cx_context.store.sql import Tx
from cx_context.store.versions import REFOLD_STRIPE, raise_versions, rises_to_level
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.log import Partition
from cx_identity.evidence import links_of, sum_links
from cx_identity.first_mentions import ATTESTED, EDGE_KINDS, NAMED, Mention, MentionKey, mentions_in, pareto_front
from cx_projectors import conflicts
from cx_projectors.cache import Pair, ProjectionCache
from cx_projectors.identity import Dirty, recompute
from cx_projectors.records import Batch, ClassifiedEvent, read_event
from cx_projectors.tenancy import Tenancy
from cx_projectors.write import (
    REFOLD_LOCK,
    Applied,
    Learned,
    Manner,
    apply_facts,
    concerned_by,
    conflicting,
    delete_settled,
    folding,
    is_to_be_tried_again,
    learn_identity,
    settle,
    try_again,
)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The copy that counted and the one that does now; None for one of which nothing is made."""

    key: bytes
    old: Fact | None
    new: Fact | None


async def apply_alone(
    tx: Tx,
    batch: Batch,
    owned: Mapping[Partition, Lease],
    tenants: Mapping[str, Tenancy],
    *,
    worker: str,
    manner: Manner = Manner(),
) -> Applied:
    """As ``apply.apply_batch``, for a batch with copies that replace. The worker must forget all and take its
    partitions anew."""
    await tx.lock(REFOLD_LOCK, exclusive=True)
    await leases.lock_all(tx)
    await leases.hold(tx, worker, owned)
    cache = ProjectionCache()
    applied = Applied()
    copies = list(batch.copies)
    new = await insert_events(tx, batch.rows())
    repeated = [key for key in batch.facts if key not in new]
    applied.new, applied.repeated = len(new), len(repeated)
    replaced: dict[str, list[Replaced]] = {}
    for key, stored in (await read_stored_copies(tx, repeated)).items():
        incoming = batch.facts[key]
        fact = incoming.fact
        if stored.raw == fact.raw:
            if is_to_be_tried_again(incoming, stored):
                await try_again(tx, [incoming])
                new.add(key)
            continue
        other = read_event(stored.raw, lambda tenant: tenants[tenant].ids).fact
        copies += conflicting(fact, other)
        if fact.copy_order < other.copy_order:
            await replace_event(tx, fact, incoming.stream_id, incoming.problem)
            await settle(tx, fact)
            counted = None if is_left_out(stored.problem) else other
            replaced.setdefault(fact.event.tenantid, []).append(Replaced(key, counted, _counts(incoming)))
    applied.conflicts = len(copies)
    await write_copies(tx, copies)
    stripe = min((p.number for p in owned), default=0)
    manner = Manner(alone=True, carefully=manner.carefully)
    for tenant, facts in batch.by_tenant(new).items():
        await apply_facts(tx, tenant, facts, applied, cache, tenants[tenant], stripe=stripe, manner=manner)
    for tenant, pairs in sorted(replaced.items()):
        await _replace(tx, tenant, pairs, applied, tenants[tenant])
    others = [pair.key for pairs in replaced.values() for pair in pairs]
    await delete_settled(tx, batch)
    applied.letters = batch.unsettled + batch.problems_of([*new, *others])
    applied.letters += await conflicts.settle(tx, {copy[0] for copy in copies}.union(others))
    await write_dead_letters(tx, applied.letters)
    await leases.advance(tx, batch.offsets)
    await leases.fence_all(tx)
    applied.learned.clear()
    return applied


def _counts(incoming: ClassifiedEvent) -> Fact | None:
    return incoming.fact if incoming.left_out is None else None


async def _replace(tx: Tx, tenant: str, pairs: Collection[Replaced], applied: Applied, tenancy: Tenancy) -> None:
    ids = tenancy.ids
    olds = [pair.old for pair in pairs if pair.old is not None]
    news = [pair.new for pair in pairs if pair.new is not None]
    copies = [*olds, *news]
    await tx.lock(tenant_lock("graph", tenant), exclusive=True)

    concerned: set[NodeId] = set()
    tied: set[Pair] = set()
    with folding():
        for fact in copies:
            if makes_part(fact.event.type):
                named = links_of(fact, ids)
                concerned.update(profile.id for profile in named.profiles)
                tied.update((edge.a, edge.b) for edge in named.edges)
    were = await customers_of(tx, tenant, concerned)
    attested = await _gather_identity(tx, tenant, ids, concerned, tied)

    learned = Learned()
    decided_before = [old for old in olds if not makes_part(old.event.type)]
    dirty, decided = await learn_identity(tx, tenant, decided_before, ProjectionCache(), ids, learned)
    dirty |= await concerned_by(tx, tenant, decided)
    places = {(fact.part_id, fact.stream_id, fact.interaction_node) for fact in copies if makes_part(fact.event.type)}
    nodes = decided.attributed | {interaction for _, _, interaction in places}
    followed = {node: await ownership.all_sides(tx, tenant, node) for node in nodes}
    for pair in pairs:
        await delete_decision(tx, pair.key)
    again, decided_now = await learn_identity(tx, tenant, news, ProjectionCache(), ids, learned)
    again |= await concerned_by(tx, tenant, decided_now)

    sides = {(stream_id, interaction) for _, stream_id, interaction in places}
    were_at = await _desks_of(tx, tenant, sides)
    for part_id, stream_id, interaction in sorted(places):
        await _fold_again(tx, tenant, ids, part_id, stream_id, interaction)
    are_at = await _desks_of(tx, tenant, sides)
    await assignments.replace(tx, tenant, {ids.part_id(*side): (side[1], are_at[side]) for side in sides})
    moved = {desk for found in (were_at, are_at) for targets in found.values() for desk in targets}

    rules_changed = decided.rules or decided_now.rules
    concerned_now = None if rules_changed else Dirty(dirty | again | concerned, attested, edges_lost=True)
    moves = await recompute(tx, tenant, concerned_now, tenancy, await read_tenant_flags(tx, tenant))
    nobody = concerned - (await read_profiles(tx, tenant, concerned)).keys()
    await write_members(tx, [lone_member_row(tenant, id) for id in nobody])
    for id in nobody:
        moves.together(id, were[id])  # who showed it does so no more
    nodes |= decided_now.attributed
    for node in sorted(nodes):
        moves.together(node, *followed.get(node, ()), *await ownership.all_sides(tx, tenant, node))
    stream_ids = {stream_id for _, stream_id, _ in places} | concerned
    moves.changed.update((await customers_of(tx, tenant, stream_ids)).values())
    moves.changed.update((await ownership.following(tx, tenant, nodes)).values())
    for node in sorted(moves.changed):
        moves.together(node)
    rises = await rises_to_level(tx, moves.groups())
    await raise_versions(tx, rises, REFOLD_STRIPE)
    changed = sorted(rises)
    await outbox.write(tx, tenant, changed, {changed[0]: moved} if changed and moved else {})
    applied.customers |= set(changed)


async def _desks_of(
    tx: Tx, tenant: str, sides: Collection[tuple[NodeId, NodeId]]
) -> dict[tuple[NodeId, NodeId], set[RoutingTarget]]:
    """The desks that sides of interactions concern, by the stored parts."""
    stored = await read_parts_of_sides(tx, tenant, sides)
    return {
        side: set(
            routing_targets(
                SideState.of(KeyedPart(part_id, decode_part(body)) for part_id, body in stored.get(side, ()))
            )
        )
        for side in sides
    }


async def _fold_again(
    tx: Tx, tenant: str, ids: IdSpace, part_id: bytes, stream_id: NodeId, interaction: NodeId
) -> None:
    """One part from the stored events, from nothing."""
    facts = [read_event(raw, lambda _: ids).fact for raw in await read_raws_of_part(tx, tenant, stream_id, part_id)]
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
    await announce_interactions(tx, tenant, [interaction])
    await write_parts(tx, [(part_id, tenant, stream_id, interaction, encode_part(part))])


async def _gather_identity(
    tx: Tx, tenant: str, ids: IdSpace, concerned: Collection[NodeId], tied: Iterable[Pair]
) -> set[NodeId]:
    """Write these profiles and pairs as the stored events name them now; return the profiles that are attested now and
    were not, or the reverse.

    An event names a profile from the profile's own stream or from a neighbour's (all identifiers of one person in an
    event are tied to one another), or it is noted among the link events.
    """
    neighbours = {end for edge in await edges_at(tx, tenant, concerned) for end in (edge.a, edge.b)}
    raws = await read_raws_naming(tx, tenant, set(concerned) | neighbours, concerned)
    facts = [read_event(raw, lambda _: ids).fact for raw in raws]
    facts = [fact for fact in facts if makes_part(fact.event.type)]
    profiles, edges = sum_links(links_of(fact, ids) for fact in facts)
    tied = set(tied)
    were = await read_profiles(tx, tenant, concerned)
    await delete_profiles_and_edges(tx, concerned, tied)
    await write_profiles(tx, tenant, [profiles[id] for id in concerned if id in profiles])
    await write_edges(tx, tenant, [edges[pair] for pair in tied if pair in edges])
    await _gather_sightings(
        tx,
        tenant,
        ids,
        facts,
        [(kind, id, id) for id in concerned for kind in (NAMED, ATTESTED)]
        + [(kind, *pair) for pair in tied for kind in EDGE_KINDS.values()],
    )
    attested_before = {id for id, profile in were.items() if profile.attested}
    return attested_before ^ {id for id in concerned if id in profiles and profiles[id].attested}


async def _gather_sightings(
    tx: Tx, tenant: str, ids: IdSpace, facts: Iterable[Fact], wanted: Iterable[MentionKey]
) -> None:
    """When these profiles and pairs were first known of any past."""
    found: dict[MentionKey, list[Mention]] = {seen: [] for seen in wanted}
    for fact in facts:
        named = links_of(fact, ids)
        for seen, step in mentions_in(named.profiles, named.edges, fact):
            if seen in found:
                found[seen].append(step)
    await first_mentions.rewrite(tx, tenant, found, {seen: pareto_front(steps) for seen, steps in found.items()})
