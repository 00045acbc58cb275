"""Select the customers that are rebuilt in place: one, a tenant's, or those of whom something was recorded since a
time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.events import read_stream_raws, read_streams_of_nobody, read_streams_recorded_since
from cx_context.store.members import read_all_customers
from cx_context.store.sql import Tx
from cx_events.errors import Refused
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.timestamps import Micros
from cx_ops.rebuild.comparison import Tenants


class Selection(NamedTuple):
    """``tenant``: empty for all. ``customer``: an id that is or was one's. ``since``: only customers of whom something
    was recorded then or later; each is rebuilt whole all the same."""

    tenant: str = ""
    customer: NodeId | None = None
    since: Micros | None = None

    @property
    def is_everything(self) -> bool:
        return not self.tenant and self.customer is None and self.since is None

    def as_texts(self) -> Mapping[str, str]:
        """Return what was asked for, by option."""
        asked = {"tenant": self.tenant, "customer": text_of(self.customer) if self.customer is not None else ""}
        return {name: text for name, text in asked.items() if text} | (
            {"from": str(self.since)} if self.since is not None else {}
        )


def checked(selection: Selection, tenants: Tenants, now: Micros) -> Selection:
    """Return a selection that can be right. Raises ``Refused``: ``unknown-tenant``, ``bad-from``, ``bad-selection``."""
    if selection.tenant and selection.tenant not in tenants:
        known = ", ".join(sorted(tenants))
        raise Refused("unknown-tenant", f"no tenant {selection.tenant!r} is configured; there are: {known}", 404)
    if selection.since is not None and selection.customer is not None:
        raise Refused("bad-selection", "one customer is rebuilt whole: leave --from out", 400)
    if selection.since is not None and selection.since > now:
        raise Refused("bad-from", "--from is in the future: nothing was recorded since then", 400)
    return selection


async def select_customers(tx: Tx, selection: Selection, tenants: Tenants) -> dict[str, list[NodeId]]:
    """Return the customers of today, by tenant. Raises ``Refused("unknown-customer", 404)``."""
    names = [selection.tenant] if selection.tenant else sorted(tenants)
    found = {name: await _of_tenant(tx, tenants[name][0], selection) for name in names}
    if selection.customer is not None and not any(found.values()):
        raise Refused("unknown-customer", f"nobody has or had the id {text_of(selection.customer)}", 404)
    return {name: customers for name, customers in found.items() if customers}


async def _of_tenant(tx: Tx, ids: IdSpace, selection: Selection) -> list[NodeId]:
    """Return a tenant's selected customers. A stream whose parts are lost may be found by its events alone."""
    tenant = ids.tenant
    if selection.customer is not None:
        found = await find_node(CurrentGraph(tx, tenant), selection.customer)
        if found is not None:
            return [found.customer]
        return [selection.customer] if await read_stream_raws(tx, tenant, [selection.customer]) else []
    if selection.since is not None:
        return sorted(await _customers_of(tx, ids, await read_streams_recorded_since(tx, tenant, selection.since)))
    nobodies = await _customers_of(tx, ids, await read_streams_of_nobody(tx, tenant))
    return sorted(nobodies | await read_all_customers(tx, tenant))


async def _customers_of(tx: Tx, ids: IdSpace, streams: Collection[NodeId]) -> set[NodeId]:
    graph = CurrentGraph(tx, ids.tenant)
    customers = set()
    for stream in set(streams) - ids.nobodys_nodes():
        found = await find_node(graph, stream)
        customers.add(stream if found is None else found.customer)
    return customers
