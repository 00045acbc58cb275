"""Write a batch in one transaction: the statements, in their one order.

    leases -> events -> identity -> interactions -> parts -> graph lock -> members -> versions -> outbox
           -> lists' queue -> dead letters -> offsets

The order keeps writers out of each other's way (``cx_context.store``): the leases are locked and checked first, then
sets of rows are written, each sorted; the tenant's graph lock comes last before the versions.
"""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store import leases, listing_queue, offsets
from cx_context.store.dead_letters import write_dead_letters
from cx_context.store.discarded_letters import write_discards
from cx_context.store.events import insert_events, write_copies
from cx_context.store.graph import write_link_events
from cx_context.store.leases import REPLACE_LOCK, Lease
from cx_context.store.parts import announce_interactions
from cx_context.store.sql import Tx
from cx_events.log import Partition
from cx_projectors import conflicts
from cx_projectors.cache import ProjectionCache
from cx_projectors.evidence_writes import write_identity
from cx_projectors.fold_parts import fold_into_parts
from cx_projectors.outcome import Applied, CopyMustReplace, Mode, folding
from cx_projectors.plan import TenantPlan, plan_batch
from cx_projectors.publish import Publisher, read_lifetimes
from cx_projectors.records import Batch, CopyRow
from cx_projectors.repeats import delete_settled, read_repeats, take_back
from cx_projectors.tenancy import Tenancy
from cx_runtime.tracing import OFF, Tracing


async def apply_batch(
    tx: Tx,
    batch: Batch,
    owned: Mapping[Partition, Lease],
    cache: ProjectionCache,
    tenants: Mapping[str, Tenancy],
    *,
    worker: str,
    mode: Mode = Mode(),
    tracing: Tracing = OFF,
) -> Applied:
    """Apply what is new of a batch, and move the offsets on.

    Raises ``leases.Fenced`` if we own a partition no more, ``CopyMustReplace`` if a copy must replace a stored one,
    ``CannotFold`` if the batch must be started over by merging.
    """
    await tx.lock(REPLACE_LOCK, exclusive=False)
    await leases.hold(tx, worker, owned)
    applied = Applied()
    new, copies = await _store_events(tx, batch, tenants, applied)
    with tracing.span("plan"), folding():
        plans = plan_batch(batch, new, cache)
    stripe = stripe_of(owned)
    for plan in plans:
        with tracing.span("fold and write", cx__tenant=plan.tenant):
            await write_plan(tx, plan, tenants[plan.tenant], cache, applied, stripe=stripe, mode=mode)
    await delete_settled(tx, batch)
    await write_discards(tx, batch.discarded)
    applied.letters = batch.unsettled + batch.problems_of(new)
    applied.letters += await conflicts.settle(tx, {copy[0] for copy in copies})
    await write_dead_letters(tx, applied.letters)
    await offsets.advance(tx, batch.offsets)
    return applied


async def _store_events(
    tx: Tx, batch: Batch, tenants: Mapping[str, Tenancy], applied: Applied
) -> tuple[set[bytes], list[CopyRow]]:
    """Store the batch's events. Return the keys of those that are to be applied, and the copies in conflict."""
    new = await insert_events(tx, batch.rows())
    applied.new = len(new)
    copies = list(batch.copies)
    if len(new) < len(batch.events):
        repeated = [key for key in batch.events if key not in new]
        applied.repeated = len(repeated)
        repeats = await read_repeats(tx, batch, repeated, tenants)
        if repeats.replacements:
            event = repeats.replacements[0].new.fact.event
            raise CopyMustReplace(f"a copy of {event.source}#{event.id} was recorded before the stored one")
        copies += repeats.copies
        await take_back(tx, batch, repeats.retried)
        new |= {event.fact.key for event in repeats.retried}
    applied.conflicts = len(copies)
    await write_copies(tx, copies)
    await write_link_events(tx, batch.names)
    return new, copies


def stripe_of(owned: Mapping[Partition, Lease]) -> int:
    """Return the stripe of versions that the owner of these partitions alone writes."""
    return min((partition.number for partition in owned), default=0)


async def write_plan(
    tx: Tx,
    plan: TenantPlan,
    tenancy: Tenancy,
    cache: ProjectionCache,
    applied: Applied,
    *,
    stripe: int,
    mode: Mode,
) -> None:
    """Write what one tenant's new events change; they are stored already."""
    lifetimes = await read_lifetimes(tx, tenancy) if plan.may_change_rules else None
    changes = await write_identity(tx, plan)
    announced = await announce_interactions(tx, plan.tenant, plan.new_interactions)
    folded = await fold_into_parts(tx, tenancy.ids, plan, cache, announced, mode.add)
    joined = folded.interactions_joined(announced)
    publisher = Publisher(tx, tenancy, cache, changes, folded, joined, lifetimes)
    changed = await publisher.publish(exclusive=mode.exclusive, stripe=stripe)
    await listing_queue.write(tx, plan.tenant, changed, plan.said)
    applied.customers |= changed
    applied.mentions |= changes.mentions
    applied.interactions |= plan.new_interactions
