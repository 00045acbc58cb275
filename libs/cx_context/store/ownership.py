"""Where a customer's facts lie.

A fact lies at its home for good, and a home is somebody's: a profile its customer's, an interaction's node whom the
interaction follows. So a customer has homes, whole, but for an ambiguous identifier's: of that home each side of an
interaction goes with its interaction (``cx_context.definition.sides_of``), and is lent to whom that follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_context.definition import Sides, sides_of
from cx_context.store import writer
from cx_context.store.sql import Tx
from cx_context.store.writer import decode_span, unpacked
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution


class Borrowed(NamedTuple):
    """A part of one side of an interaction, at the home of an identifier that is somebody else's. ``since``, ``until``:
    its first and last effective time."""

    anchor: NodeId
    home: NodeId
    since: Micros
    until: Micros


@dataclass(frozen=True, slots=True)
class Holdings:
    """``homes``: whole, but for parts that are ``lent`` (by anchor), since their side follows somebody else;
    ``borrowed``: parts at other homes. ``nodes``: the interactions that follow the customer, and those whose sides are
    lent."""

    homes: Sequence[NodeId]
    lent: frozenset[NodeId] = frozenset()
    borrowed: Sequence[Borrowed] = ()
    nodes: frozenset[NodeId] = frozenset()

    @property
    def places(self) -> set[NodeId]:
        """Homes and anchors: what tells these holdings from others."""
        return {*self.homes, *self.lent, *(side.anchor for side in self.borrowed)}


async def held(
    tx: Tx, ids: IdSpace, customer: NodeId, members: Collection[NodeId], sides: Mapping[NodeId, Sides]
) -> Holdings:
    """``sides``: of every interaction that may follow the customer, or take something from a member's home."""
    following: set[NodeId] = set()
    nodes: set[NodeId] = set()
    lent: set[tuple[NodeId, NodeId]] = set()
    borrowed: set[tuple[NodeId, NodeId]] = set()
    for node, of in sides.items():
        if of.whose == customer:
            following.add(node)
        for home, whose in of.by_home.items():
            if home == node:
                continue
            if home in members and whose != customer:
                lent.add((home, node))
                nodes.add(node)
            elif home not in members and whose == customer:
                borrowed.add((home, node))
    homes = [*sorted(members), *sorted(following - set(members))]
    found = await writer.parts_of_sides(tx, ids.tenant, lent | borrowed)
    return Holdings(
        homes,
        frozenset(anchor for side in lent for anchor, _ in found.get(side, ())),
        sorted(borrowed_part(anchor, side[0], body) for side in borrowed for anchor, body in found.get(side, ())),
        frozenset(following | nodes),
    )


def borrowed_part(anchor: NodeId, home: NodeId, body: bytes) -> Borrowed:
    """Return a stored part as one that is borrowed."""
    span = decode_span(unpacked(body))
    return Borrowed(anchor, home, span.since, span.until)


@dataclass(frozen=True, slots=True)
class Supposed:
    """What would hold after a decision that is not taken yet: whose some profiles would be, and which attribution of
    some interactions' nodes would count (None: none)."""

    customer_of: Mapping[NodeId, NodeId] = field(default_factory=dict)
    attributions: Mapping[NodeId, Attribution | None] = field(default_factory=dict)


AS_IT_IS = Supposed()


async def sides(tx: Tx, tenant: str, nodes: Collection[NodeId], supposed: Supposed = AS_IT_IS) -> dict[NodeId, Sides]:
    """Of nodes that are nobody's profile: whose they are, and the sides of their interactions."""
    if not nodes:
        return {}
    standing: dict[NodeId, Attribution | None] = dict(await writer.standing_attributions(tx, tenant, nodes))
    standing.update((node, supposed.attributions[node]) for node in nodes if node in supposed.attributions)
    homes_in = await writer.homes_of(tx, tenant, nodes)
    homes = {home for node, found in homes_in.items() for home in found if home != node}
    attributed = {a.profile for a in standing.values() if a is not None and a.profile is not None}
    known = (await writer.profiles(tx, tenant, attributed)).keys()
    customer_of, ambiguous = await writer.customers_and_ambiguous(tx, tenant, homes | known)
    customer_of.update((id, supposed.customer_of[id]) for id in customer_of.keys() & supposed.customer_of.keys())
    # A home that only decisions speak of is no profile that anything can be attributed to.
    for id in attributed - known:
        customer_of.pop(id, None)
    return {node: sides_of(node, standing.get(node), homes_in.get(node, ()), customer_of, ambiguous) for node in nodes}


async def following(
    tx: Tx, tenant: str, nodes: Collection[NodeId], supposed: Supposed = AS_IT_IS
) -> dict[NodeId, NodeId]:
    """Of nodes that are nobody's profile: whose they are (see ``definition.follow``)."""
    return {node: found.whose for node, found in (await sides(tx, tenant, nodes, supposed)).items()}


async def holdings_of(
    tx: Tx, ids: IdSpace, customer: NodeId, members: Collection[NodeId], supposed: Supposed = AS_IT_IS
) -> Holdings:
    """``members``: the customer's profiles, or its own node where it is an interaction that stands alone."""
    tenant = ids.tenant
    nodes = await writer.nodes_named_by(tx, tenant, members) | supposed.attributions.keys()
    nodes |= await writer.nodes_attributed_to(tx, tenant, members)
    return await held(tx, ids, customer, set(members), await sides(tx, tenant, nodes, supposed))


async def all_sides(tx: Tx, tenant: str, node: NodeId) -> set[NodeId]:
    """Every customer that an interaction's node, or a side of it, may have stood for or stands for now."""
    homes = (await writer.homes_of(tx, tenant, [node])).get(node, set()) - {node}
    attributed = await writer.attributed_profiles(tx, tenant, node)
    return set((await writer.customers_of(tx, tenant, homes | attributed)).values())
