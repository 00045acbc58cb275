"""Make the parts of some streams anew from their stored events: how single customers are rebuilt in place.

``find`` reads, and may be called in any transaction. ``write`` needs the exclusive replace lock, as whoever replaces a
copy does (``replace_copy``): then nobody else writes parts, and whoever remembers some must be fenced afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import msgspec

from cx_context.fold_faults import is_left_out, part_of
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.routing_targets import RoutingTarget, SideState, routing_targets
from cx_context.store import assignments, segments
from cx_context.store.events import read_stream_raws
from cx_context.store.part_codec import decode_part, encode_part
from cx_context.store.parts import (
    PartRow,
    announce_interactions,
    delete_part,
    read_parts_of_sides,
    read_parts_of_streams,
    write_parts,
)
from cx_context.store.sql import Tx
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_projectors.cache import SideKey
from cx_projectors.classify import read_event

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


@dataclass(slots=True)
class Refold:
    """Some streams, folded again. ``events``: how many were. ``wrong``: the rows of parts that are stored otherwise, or
    not at all; ``surplus``: ids of parts that no event explains. ``sides``: those of either."""

    events: int = 0
    wrong: list[PartRow] = field(default_factory=list)
    surplus: set[NodeId] = field(default_factory=set)
    sides: set[SideKey] = field(default_factory=set)

    @property
    def differs(self) -> bool:
        return bool(self.wrong or self.surplus)


async def find(tx: Tx, ids: IdSpace, streams: Collection[NodeId]) -> Refold:
    """Fold everything at some streams again, and what names nobody in the interactions that their events are of.

    Raises ``Refused("unreadable-event", 409)`` where a stored event can't be read."""
    facts = await _facts(tx, ids, streams)
    nodes = {fact.interaction_node for fact in facts}
    facts += await _facts(tx, ids, nodes - set(streams))
    streams = set(streams) | nodes
    return _compared(ids.tenant, facts, await read_parts_of_streams(tx, ids.tenant, streams))


async def _facts(tx: Tx, ids: IdSpace, streams: Collection[NodeId]) -> list[Fact]:
    found: list[Fact] = []
    for raw, problem in await read_stream_raws(tx, ids.tenant, streams):
        if is_left_out(problem):
            continue
        try:
            event = read_event(raw, lambda _: ids)
        except Refused as error:
            raise Refused("unreadable-event", f"a stored event can't be read: {error.detail}: cx verify", 409) from None
        if event.makes_part and event.left_out is None:
            found.append(event.fact)
    return found


def _compared(tenant: str, facts: Collection[Fact], stored: Mapping[NodeId, PartRow]) -> Refold:
    by_part: dict[NodeId, list[Fact]] = {}
    for fact in facts:
        by_part.setdefault(fact.part_id, []).append(fact)
    refold = Refold(events=len(facts))
    for part_id, of_part in by_part.items():
        one = of_part[0]
        part = part_of(of_part)
        known = stored.get(part_id)
        side = (one.stream_id, one.interaction_node)
        if known is None or known[1:4] != (tenant, *side) or not _is_equal(known[4], part):
            refold.wrong.append((part_id, tenant, *side, encode_part(part)))
            refold.sides.add(side)
    for part_id in stored.keys() - by_part.keys():
        refold.surplus.add(part_id)
        refold.sides.add((stored[part_id][2], stored[part_id][3]))
    return refold


def _is_equal(body: bytes, part: Part) -> bool:
    """Compare what parts hold: a map's order is that of arrival."""
    try:
        return _canonical(decode_part(body)) == _canonical(part)
    except Exception:  # whatever the codecs raise: it is no part
        return False


async def write(tx: Tx, ids: IdSpace, refold: Refold) -> set[RoutingTarget]:
    """Write what differs. Return the routing targets that the sides concern now."""
    for part_id in sorted({*refold.surplus, *(row[0] for row in refold.wrong)}):
        await delete_part(tx, part_id)
        await segments.forget(tx, part_id)
    await announce_interactions(tx, ids.tenant, [row[3] for row in refold.wrong])
    await write_parts(tx, refold.wrong)
    for part_id, _, stream_id, _, body in refold.wrong:
        if decode_part(body).facts > segments.SEGMENT_FACTS:
            await segments.rebuild(tx, ids, stream_id, part_id)
    return await _assign(tx, ids, refold.sides)


async def _assign(tx: Tx, ids: IdSpace, sides: Collection[SideKey]) -> set[RoutingTarget]:
    """Write which desks the sides concern, by their stored parts."""
    stored = await read_parts_of_sides(tx, ids.tenant, sides)
    found: dict[SideKey, set[RoutingTarget]] = {}
    for side in sides:
        parts = (KeyedPart(part_id, decode_part(body)) for part_id, body in stored.get(side, ()))
        found[side] = set(routing_targets(SideState.of(parts)))
    await assignments.replace(tx, ids.tenant, {ids.part_id(*side): (side[1], found[side]) for side in sides})
    return {target for targets in found.values() for target in targets}
