"""Find the identifiers whose candidate a standing decision has settled."""

from __future__ import annotations

from collections.abc import Collection

from cx_context.store.graph_view import GraphView
from cx_events.ids import NodeId
from cx_identity.candidates import SETTLING_KINDS
from cx_identity.unmerge import withdrawn_decisions


async def settled_among(
    graph: GraphView, identifiers: Collection[NodeId], kinds: Collection[str] = SETTLING_KINDS
) -> set[NodeId]:
    """Return those whose candidate a standing decision of one of ``kinds`` settled (``cx_identity.candidates``)."""
    if not identifiers:
        return set()
    settling = [decision for decision in await graph.decisions_naming(identifiers) if decision.kind in kinds]
    gone = withdrawn_decisions(await graph.withdrawals()) if settling else {}
    left = [decision for decision in settling if decision.name not in gone]
    # Of a merge that stands both ends are one customer's, of one that is void or waits they are not.
    customer_of = await graph.customers_of({end for d in left for end in (d.a, d.b)})
    one = [d for d in left if customer_of.get(d.a, d.a) == customer_of.get(d.b, d.b)]
    return {end for d in one for end in (d.a, d.b)} & set(identifiers)
