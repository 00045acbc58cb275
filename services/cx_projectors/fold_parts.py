"""Fold a plan's events into their parts, and write the parts that changed.

A part has one writer, so it is added to as the cache holds it; what the cache lacks is read first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cx_context.fold import new_part
from cx_context.fold_faults import Add
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.routing_targets import (
    NOBODYS,
    RoutingState,
    RoutingTarget,
    SideState,
    may_concern_desks,
    routing_state,
    targets_of,
)
from cx_context.store import assignments, segments
from cx_context.store.part_codec import decode_part, encode_part
from cx_context.store.parts import PartRow, add_parts, change_parts, read_parts, read_parts_of_sides
from cx_context.store.sql import Tx
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_projectors.cache import ProjectionCache, Side, SideKey
from cx_projectors.outcome import folding
from cx_projectors.plan import TenantPlan, are_outside_interactions


@dataclass(slots=True)
class FoldedParts:
    """The parts that a batch folded.

    ``sides``: those whose parts changed; ``new_sides``: those that had no part. ``routing``: by side, the routing
    targets that it concerns now and did not, or the reverse. ``strays``: streams of events that name nobody, said
    by the event's subject: perhaps of a profile that another writer knows first.
    """

    sides: set[SideKey] = field(default_factory=set)
    new_sides: set[SideKey] = field(default_factory=set)
    routing: dict[SideKey, set[RoutingTarget]] = field(default_factory=dict)
    strays: set[NodeId] = field(default_factory=set)

    def interactions_joined(self, announced: Collection[NodeId]) -> set[NodeId]:
        """Return the interactions that have another side now: their owner may change. ``announced``: those that had no
        part before."""
        sides = Counter(node for _, node in self.new_sides)
        return {node for node, count in sides.items() if count > 1 or node not in announced}


@dataclass(slots=True)
class _Changes:
    """Rows to be written, and each side's routing state before."""

    added: list[PartRow] = field(default_factory=list)
    changed: list[tuple[bytes, bytes]] = field(default_factory=list)
    before: dict[SideKey, RoutingState] = field(default_factory=dict)
    long: dict[bytes, list[Fact]] = field(default_factory=dict)


async def fold_into_parts(
    tx: Tx, ids: IdSpace, plan: TenantPlan, cache: ProjectionCache, announced: Collection[NodeId], add: Add
) -> FoldedParts:
    """Add the plan's events to their parts. ``announced``: interactions that had no part before; ``add``: how a fact is
    added to a part. Raises ``CannotFold``."""
    known = await _load(tx, plan, cache, announced)
    folded, changes = FoldedParts(strays=_strays(ids, plan)), _Changes()
    with folding():
        for part_id, facts in plan.parts.items():
            _fold(plan.tenant, part_id, facts, cache, known, add, folded, changes)
        assigned = _changed_assignments(ids, changes.before, cache, folded)
    cache.measure([(part_id, body) for part_id, *_, body in changes.added])
    cache.measure(changes.changed)
    await add_parts(tx, changes.added)
    await change_parts(tx, changes.changed)
    await assignments.replace(tx, plan.tenant, assigned)
    if changes.long:
        await segments.add(tx, ids, changes.long, cache.last_segments, add)
    return folded


def _strays(ids: IdSpace, plan: TenantPlan) -> set[NodeId]:
    return {fact.stream_id for fact, *_ in plan.parts.values() if fact.identifier is None and _is_stray(ids, fact)}


def _is_stray(ids: IdSpace, fact: Fact) -> bool:
    """Return whether the stream of an event that names nobody is neither its interaction's nor its own."""
    event = fact.event
    if event.data.interaction:
        return fact.stream_id != fact.interaction_node
    return fact.stream_id != ids.lone_event(event.source, event.id)


def _fold(
    tenant: str,
    part_id: bytes,
    facts: list[Fact],
    cache: ProjectionCache,
    known: Collection[SideKey],
    add: Add,
    folded: FoldedParts,
    changes: _Changes,
) -> None:
    """Add facts to one part. ``known``: sides that have a part."""
    one = facts[0]
    side_key = (one.stream_id, one.interaction_node)
    folded.sides.add(side_key)
    part = cache.parts.get(part_id)
    if part is None:
        if side_key not in known and not are_outside_interactions(facts):
            folded.new_sides.add(side_key)
        part = new_part(one)
        for fact in facts[1:]:
            part = add(part, fact)
        changes.added.append((part_id, tenant, *side_key, encode_part(part)))
    else:
        for fact in facts:
            part = add(part, fact)
        changes.changed.append((part_id, encode_part(part)))
    cache.parts[part_id] = part
    if part.interaction:
        _add_to_side(side_key, part_id, part, cache, changes)
    if part.facts > segments.SEGMENT_FACTS:
        changes.long[part_id] = facts


def _add_to_side(side_key: SideKey, part_id: bytes, part: Part, cache: ProjectionCache, changes: _Changes) -> None:
    side = cache.sides.get(side_key)
    if isinstance(side, SideState):
        if side_key not in changes.before:
            changes.before[side_key] = routing_state(side)
        side.add(part_id, part)
    elif (side is None or side == part_id) and not may_concern_desks(part):
        cache.sides[side_key] = part_id
    else:
        changes.before[side_key] = NOBODYS
        others = [] if side is None or side == part_id else [KeyedPart(side, cache.parts[side])]
        cache.sides[side_key] = SideState.of([*others, KeyedPart(part_id, part)])


def _side_of(parts: Mapping[NodeId, Part]) -> Side:
    """Return what the cache keeps of a side that has these parts."""
    if len(parts) == 1 and not any(map(may_concern_desks, parts.values())):
        return next(iter(parts))
    return SideState.of(KeyedPart(*each) for each in parts.items())


async def _load(tx: Tx, plan: TenantPlan, cache: ProjectionCache, announced: Collection[NodeId]) -> set[SideKey]:
    """Read what the cache lacks of the plan's parts and of their sides. Return the sides of which the store has a
    part; what a profile has outside interactions may be there unannounced."""
    parts: list[bytes] = []
    sides: set[SideKey] = set()
    known: set[SideKey] = set()
    for part_id, (one, *_) in plan.parts.items():
        side_key = (one.stream_id, one.interaction_node)
        if cache.knows_side(side_key):
            known.add(side_key)
        elif one.event.data.interaction and one.interaction_node not in announced:
            sides.add(side_key)
            continue
        if part_id not in cache.parts and not _is_surely_new(one, announced):
            parts.append(part_id)
    for side_key, stored in (await read_parts_of_sides(tx, plan.tenant, sides)).items():
        known.add(side_key)
        of_side = {part_id: decode_part(body) for part_id, body in stored}
        cache.sides[side_key] = side = _side_of(of_side)
        kept = [(id, body) for id, body in stored if id in plan.parts or id == side]
        cache.parts.update((id, of_side[id]) for id, _ in kept)
        cache.measure(kept)
    if parts:
        cache.parts.update(await read_parts(tx, parts))  # each is added to, and measured then
    return known


def _is_surely_new(fact: Fact, announced: Collection[NodeId]) -> bool:
    """Return whether no part of a new fact's id is stored: it is of an interaction that had none, or a single event's
    part."""
    return fact.has_own_part or (bool(fact.event.data.interaction) and fact.interaction_node in announced)


def _changed_assignments(
    ids: IdSpace, before: dict[SideKey, RoutingState], cache: ProjectionCache, folded: FoldedParts
) -> dict[bytes, tuple[NodeId, Collection[RoutingTarget]]]:
    """Return the sides that concern other routing targets now, and note every difference in ``folded``."""
    assigned: dict[bytes, tuple[NodeId, Collection[RoutingTarget]]] = {}
    for side_key, old_matter in before.items():
        side = cache.sides[side_key]
        matter = routing_state(side) if isinstance(side, SideState) else NOBODYS
        if matter == old_matter:
            continue
        old, new = targets_of(old_matter), targets_of(matter)
        if new != old:
            folded.routing.setdefault(side_key, set()).update(target for target, _ in new.items() ^ old.items())
        if new.keys() != old.keys():
            assigned[ids.part_id(*side_key)] = (side_key[1], new)
    return assigned
