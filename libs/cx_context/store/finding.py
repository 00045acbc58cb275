"""Find the customer that a profile, an interaction or a lone event belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cx_context.sections.vouchers import LastHeard, last_writer
from cx_context.store import ownership
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.graph import edges_at
from cx_context.store.members import customers_and_ambiguous, customers_of, members_of
from cx_context.store.part_codec import decode_span, unpack
from cx_context.store.sql import Tx
from cx_context.store.tables import NO_ID
from cx_context.store.versions import version_of
from cx_events.ids import IdSpace, NodeId


@dataclass(frozen=True, slots=True)
class CustomerMatch:
    """Whom an id or an identifier stands for. ``ambiguous``: several people may have it, and nothing proves or asserts
    whose it is; ``candidates`` are they; ``identifier``: the ambiguous one, where an interaction names nothing else.
    ``others``: who takes part in the interaction besides."""

    customer: NodeId
    version: int
    ambiguous: bool = False
    candidates: tuple[NodeId, ...] = ()
    identifier: NodeId | None = None
    others: tuple[NodeId, ...] = ()


async def find_profile(tx: Tx, tenant: str, profile: NodeId) -> CustomerMatch | None:
    """The customer of a profile, in one statement unless it is ambiguous."""
    rows = await tx.fetch(
        "SELECT coalesce(m.customer, p.id), coalesce(m.ambiguous, false), "
        f"{FIRST_VERSION} + "
        "(SELECT coalesce(sum(v.n), 0) FROM versions v WHERE v.customer = coalesce(m.customer, p.id)) "
        "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id = :profile AND p.tenant = :tenant",
        profile=profile,
        tenant=tenant,
    )
    if not rows:
        return None
    customer, ambiguous, version = rows[0]
    candidates = await tied_customers(tx, tenant, profile) if ambiguous else ()
    return CustomerMatch(customer, int(version), bool(ambiguous), candidates)


async def tied_customers(tx: Tx, tenant: str, profile: NodeId) -> tuple[NodeId, ...]:
    """The customers that a shared identifier's edges lead to, itself left out."""
    edges = await edges_at(tx, tenant, [profile])
    ends = {edge.b if edge.a == profile else edge.a for edge in edges}
    return tuple(sorted(set((await customers_of(tx, tenant, ends)).values()) - {profile}))


async def find_node(tx: Tx, tenant: str, node: NodeId) -> CustomerMatch | None:
    """Whom any id stands for that ever was a customer's: a profile's, an interaction's or a lone event's."""
    found = await find_profile(tx, tenant, node)
    if found is not None:
        return CustomerMatch(found.customer, found.version)
    rows = await tx.fetch(
        "SELECT 1 FROM parts WHERE stream_id = :node AND tenant = :tenant LIMIT 1", node=node, tenant=tenant
    )
    if not rows:
        return None
    customer = (await ownership.following(tx, tenant, [node]))[node]
    return CustomerMatch(customer, await version_of(tx, customer))


async def find_interaction(
    tx: Tx, tenant: str, ids: IdSpace, interaction: str, *, by_last_word: bool = False
) -> CustomerMatch | None:
    """Whose an interaction is; of several people's, or where all it names is an identifier that several have, the
    candidates. ``by_last_word``: of several people's into which anybody can write it is whose event was recorded last
    (``vouchers.last_writer``)."""
    node = ids.interaction(interaction)
    by_stream = (await ownership.sides(tx, tenant, [node]))[node].by_stream
    if not by_stream:
        return None
    customers = set(by_stream.values())
    several = customers - {node} or customers
    # An ambiguous identifier is nobody: of those who take part besides, each may be meant.
    nobody = {customer for customer in several & by_stream.keys() if await _is_nobody(tx, tenant, customer)}
    if len(several - nobody) == 1:
        customer = (several - nobody).pop()
        return CustomerMatch(customer, await version_of(tx, customer))
    if len(several) == 1:
        (identifier,) = several
        tied = await tied_customers(tx, tenant, identifier)
        return CustomerMatch(identifier, await version_of(tx, identifier), True, tied, identifier)
    people = several - nobody or several
    last = await _wrote_last(tx, tenant, node, by_stream) if by_last_word else None
    if last in people:
        return CustomerMatch(last, await version_of(tx, last), others=tuple(sorted(people - {last})))
    return CustomerMatch(NO_ID, 0, ambiguous=True, candidates=tuple(sorted(people)))


async def _wrote_last(tx: Tx, tenant: str, node: NodeId, by_stream: Mapping[NodeId, NodeId]) -> NodeId | None:
    rows = await tx.fetch(
        "SELECT stream_id, body FROM parts WHERE interaction = :node AND tenant = :tenant", node=node, tenant=tenant
    )
    spans = ((by_stream.get(bytes(stream_id)), decode_span(unpack(body))) for stream_id, body in rows)
    return last_writer(LastHeard(whose, span.heard, span.open_heard) for whose, span in spans if whose is not None)


async def _is_nobody(tx: Tx, tenant: str, customer: NodeId) -> bool:
    """Whether all that is known of a customer is an ambiguous identifier."""
    found = await find_profile(tx, tenant, customer)
    return found is not None and found.ambiguous and len(await members_of(tx, tenant, customer)) == 1


async def find_at(tx: Tx, tenant: str, stream_id: NodeId, node: NodeId) -> CustomerMatch | None:
    """Whose the facts of an interaction are that lie at a stream."""
    if stream_id != node and (await customers_and_ambiguous(tx, tenant, [stream_id]))[1]:
        customer = (await ownership.sides(tx, tenant, [node]))[node].by_stream.get(stream_id)
        if customer is not None:
            return CustomerMatch(customer, await version_of(tx, customer))
    return await find_node(tx, tenant, stream_id)
