"""What the API asks. Every look-up is bound to a tenant; all statements of one ``reading()`` see one state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cx_context.definition import follow
from cx_context.finish import Known, Member
from cx_context.store import writer
from cx_context.store.sql import Tx
from cx_context.store.writer import NO_ID, decode_part
from cx_context.threading import AnchoredPart
from cx_events.codec import decode_leniently
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros

MAX_HOMES_FOR_TIMELINE = 500
"""Of very many homes (each call's later callbacks have one of their own) this many are asked for the timeline."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whom an id or an identifier stands for. ``shared``: several people may have it; ``candidates`` are they."""

    customer: NodeId
    version: int
    shared: bool = False
    candidates: tuple[NodeId, ...] = ()


async def find_profile(tx: Tx, tenant: str, profile: NodeId) -> Found | None:
    """The customer of a profile, in one statement."""
    rows = await tx.fetch(
        "SELECT coalesce(m.customer, p.id), coalesce(m.shared, false), "
        "(SELECT sum(v.n) FROM versions v WHERE v.customer = coalesce(m.customer, p.id)) "
        "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id = :profile AND p.tenant = :tenant",
        profile=profile,
        tenant=tenant,
    )
    if not rows:
        return None
    customer, shared, version = rows[0]
    candidates = await tied_customers(tx, profile) if shared else ()
    return Found(customer, int(version or 0), bool(shared), candidates)


async def tied_customers(tx: Tx, profile: NodeId) -> tuple[NodeId, ...]:
    """The customers that a shared identifier's edges lead to, itself left out."""
    edges = await writer.edges_at(tx, [profile])
    ends = {edge.b if edge.a == profile else edge.a for edge in edges}
    return tuple(sorted(set((await writer.customers_of(tx, ends)).values()) - {profile}))


async def find_node(tx: Tx, tenant: str, node: NodeId) -> Found | None:
    """Whom any id stands for that ever was a customer's: a profile's, an interaction's or a lone event's."""
    found = await find_profile(tx, tenant, node)
    if found is not None:
        return Found(found.customer, found.version)
    rows = await tx.fetch(
        "SELECT 1 FROM parts WHERE home = :node AND tenant = :tenant LIMIT 1", node=node, tenant=tenant
    )
    if not rows:
        return None
    customer = (await following(tx, [node]))[node]
    return Found(customer, await version_of(tx, customer))


async def find_interaction(tx: Tx, tenant: str, ids: IdSpace, interaction: str) -> Found | None:
    """Whose an interaction is; of several people's the candidates."""
    node = ids.interaction(interaction)
    homes = (await writer.homes_of(tx, [node])).get(node, set())
    if not homes:
        return None
    customers = set((await writer.customers_of(tx, homes - {node})).values())
    if node in homes or not customers:
        customers.add((await following(tx, [node]))[node])
    if len(customers) > 1:
        several = customers - {node}
        if len(several) > 1:
            return Found(NO_ID, 0, shared=True, candidates=tuple(sorted(several)))
        customers = several
    customer = customers.pop()
    return Found(customer, await version_of(tx, customer))


async def version_of(tx: Tx, customer: NodeId) -> int:
    rows = await tx.fetch("SELECT coalesce(sum(n), 0) FROM versions WHERE customer = :customer", customer=customer)
    return int(rows[0][0])


async def following(tx: Tx, nodes: Collection[NodeId]) -> dict[NodeId, NodeId]:
    """Of nodes that are nobody's profile: whose they are (see ``definition.follow``)."""
    if not nodes:
        return {}
    standing = await writer.standing_attributions(tx, nodes)
    namers = {node: homes - {node} for node, homes in (await writer.homes_of(tx, nodes)).items()}
    profiles = {home for homes in namers.values() for home in homes}
    profiles |= {attribution.profile for attribution in standing.values() if attribution.profile is not None}
    customer_of = await writer.customers_of(tx, profiles)
    return {node: follow(node, standing.get(node), namers.get(node, ()), customer_of) for node in nodes}


async def homes_of_customer(tx: Tx, customer: NodeId, members: Collection[NodeId]) -> list[NodeId]:
    """Every home whose facts are this customer's: the members, and the nodes that follow them."""
    nodes = await writer.nodes_named_by(tx, members)
    followers = [node for node, whose in (await following(tx, nodes)).items() if whose == customer]
    return [*sorted(members), *sorted(set(followers) - set(members))]


async def members_of(tx: Tx, customer: NodeId) -> list[Member]:
    """The profiles of a customer; none where it is an interaction that stands alone."""
    rows = await tx.fetch(
        "SELECT p.id, p.kind, p.scope, p.value, p.first_recorded, m.rule, m.evidence, m.confidence, m.via "
        "FROM members m JOIN profiles p ON p.id = m.profile WHERE m.customer = :customer",
        customer=customer,
    )
    found = [
        Member(id, kind, scope, value, first, (rule, evidence, confidence, via) if rule else None)
        for id, kind, scope, value, first, rule, evidence, confidence, via in rows
    ]
    if all(member.id != customer for member in found):
        found += [
            Member(p.id, p.kind, p.scope, p.value, p.first_recorded)
            for p in (await writer.profiles(tx, [customer])).values()
        ]
    return found


async def parts_of(tx: Tx, homes: Sequence[NodeId]) -> list[AnchoredPart]:
    rows = await tx.fetch("SELECT anchor, body FROM parts WHERE home = ANY(:homes)", homes=list(homes))
    return [AnchoredPart(anchor, decode_part(body)) for anchor, body in rows]


async def latest_facts(
    tx: Tx, ids: IdSpace, homes: Sequence[NodeId], most: int, before: Micros | None = None
) -> list[Fact]:
    """At least the latest ``most`` facts of these homes (of each home, ties included), none later than ``before``."""
    limit = "AND effective <= :before" if before is not None else ""
    values = {"before": before} if before is not None else {}
    rows = await tx.fetch(
        "SELECT raw FROM (SELECT raw, rank() OVER (PARTITION BY home ORDER BY effective DESC) AS place "
        f"FROM events WHERE home = ANY(:homes) {limit}) AS ranked WHERE place <= :most"
        if tx.for_update == ""
        else "SELECT latest.raw FROM unnest(:homes::bytea[]) AS h(home) CROSS JOIN LATERAL (SELECT raw FROM events "
        f"WHERE events.home = h.home {limit} ORDER BY effective DESC FETCH FIRST {int(most)} ROWS WITH TIES) AS latest",
        homes=list(homes),
        most=most,
        **values,
    )
    return [Fact(decode_leniently(raw)[0], raw, ids) for (raw,) in ((bytes(row[0]),) for row in rows)]


async def load(tx: Tx, ids: IdSpace, customer: NodeId, *, timeline: int = 50) -> Known:
    """All that the body is made of."""
    members = await members_of(tx, customer)
    homes = await homes_of_customer(tx, customer, [m.id for m in members] or [customer])
    return Known(
        customer=customer,
        members=members,
        parts=await parts_of(tx, homes),
        latest=await latest_facts(
            tx, ids, homes[-MAX_HOMES_FOR_TIMELINE:] if len(homes) > MAX_HOMES_FOR_TIMELINE else homes, timeline
        ),
    )


async def current_to(tx: Tx) -> float:
    """When a projector last moved on, in seconds since 1970; 0 if none ever did."""
    rows = await tx.fetch("SELECT coalesce(max(moved_at), 0) FROM partitions")
    return float(rows[0][0])


async def where_is(tx: Tx, tenant: str, key: bytes) -> NodeId | None:
    """The home of a stored event; None while it is not applied."""
    rows = await tx.fetch("SELECT home FROM events WHERE key = :key AND tenant = :tenant", key=key, tenant=tenant)
    return rows[0][0] if rows else None


async def is_dead(tx: Tx, tenant: str, source: str, id: str) -> str | None:
    """The reason why an event lies in the dead letters, if it does."""
    rows = await tx.fetch(
        "SELECT reason FROM dead_letters WHERE tenant = :tenant AND source = :source AND id = :id",
        tenant=tenant,
        source=source,
        id=id,
    )
    return rows[0][0] if rows else None
