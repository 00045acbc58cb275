"""Read what the rows of some customers in lists are made of: by few statements for many customers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store.context_inputs import _by_steps
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.graph import read_profiles
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.inputs_postgres import read_inputs_at_once
from cx_context.store.members import customers_of
from cx_context.store.ownership import owners_of_interactions
from cx_context.store.sql import Tx
from cx_events.ids import IdSpace, NodeId

_AT_ONCE = 64
"""Customers of one statement."""


async def customers_today(tx: Tx, ids: IdSpace, nodes: Collection[NodeId]) -> set[NodeId]:
    """Return who answers for these ids today; nobody for what is no profile and no stream."""
    profiles = (await read_profiles(tx, ids.tenant, nodes)).keys()
    found = set((await customers_of(tx, ids.tenant, profiles)).values())
    others = set(nodes) - profiles
    owners = await owners_of_interactions(CurrentGraph(tx, ids.tenant), others)
    streams = await _streams_among(tx, ids.tenant, others)
    return found | {each.whose for node, each in owners.items() if node in streams or each.whose != node}


async def _streams_among(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> set[NodeId]:
    if not nodes:
        return set()
    rows = await tx.fetch(
        "SELECT DISTINCT stream_id FROM parts WHERE stream_id = ANY(:nodes) AND tenant = :tenant",
        nodes=sorted(nodes),
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}


async def read_facts(tx: Tx, ids: IdSpace, customers: Collection[NodeId]) -> Iterator[CustomerFacts]:
    """Return the facts of customers of today, without their latest events."""
    wanted = sorted(customers)
    found = []
    for at in range(0, len(wanted), _AT_ONCE):
        some = wanted[at : at + _AT_ONCE]
        wholes = await read_inputs_at_once(tx, ids, some, 0)
        for customer in some:
            whole = wholes.get(customer)
            if whole is None or whole.found.customer != customer:
                whole = await _by_steps(tx, ids, CustomerMatch(customer, 0), 0)
            found.append(whole)
    return (each.known_parts for each in found)
