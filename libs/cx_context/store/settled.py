"""Find the identifiers whose candidate a standing decision has settled."""

from __future__ import annotations

from collections.abc import Collection

from cx_context.store.decisions import decisions_naming, read_withdrawals
from cx_context.store.members import customers_of
from cx_context.store.sql import Tx
from cx_events.ids import NodeId
from cx_identity.candidates import SETTLING_KINDS
from cx_identity.unmerge import withdrawn_decisions


async def settled_among(
    tx: Tx, tenant: str, identifiers: Collection[NodeId], kinds: Collection[str] = SETTLING_KINDS
) -> set[NodeId]:
    """Those whose candidate somebody settled by a decision that stands (see ``cx_identity.candidates``)."""
    if not identifiers:
        return set()
    named = await decisions_naming(tx, tenant, identifiers)
    settling = [decision for decision in named if decision.kind in kinds]
    gone = withdrawn_decisions(await read_withdrawals(tx, tenant)) if settling else {}
    left = [decision for decision in settling if decision.name not in gone]
    # Of a merge that stands both ends are one customer's, of one that is void or waits they are not.
    customer_of = await customers_of(tx, tenant, {end for d in left for end in (d.a, d.b)})
    return {end for d in left if customer_of[d.a] == customer_of[d.b] for end in (d.a, d.b)} & set(identifiers)
