"""Find a customer in the store, for commands that work without a hub."""

from __future__ import annotations

from collections.abc import Iterable

from cx_context.store import Store
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_at, find_node
from cx_context.store.events import read_event
from cx_context.store.parts import read_side
from cx_context.store.sql import Tx
from cx_context_api.contexts.ambiguity import AmbiguousTarget, read_possible_customers
from cx_context_api.contexts.lookup import find_target
from cx_context_api.requests.targets import ByInteraction, Target, by_identifier, read_identifier
from cx_context_api.requests.tenancy import Tenancy, tenancies
from cx_events.codec import decode_leniently
from cx_events.errors import Refused
from cx_events.ids import NodeId, event_key, parse_node_id, text_of
from cx_hub.customer_names.candidates import ambiguous
from cx_hub.customer_names.readings import Reading, Sort, read_customer_name, unknown
from cx_runtime.tenants import Tenants


async def customer_id_in_store(store: Store, tenants: Tenants, text: str, tenant: str = "") -> str:
    """Return an id of the customer whom a text names. ``tenant``: to look in it alone.

    An id is returned as it is where nobody is found by it: some commands know more about ids than who has them. Raises
    ``Refused``: ``bad-customer``, ``unknown-customer``, ``ambiguous-identifier``, ``ambiguous-interaction``.
    """
    readings = read_customer_name(text)
    known = {name: each for name, each in tenancies(tenants).items() if tenant in ("", name)}
    async with store.reading() as tx:
        for reading in readings:
            found = {name: node for name, node in [await _find(tx, each, reading) for each in known.values()] if node}
            if len(found) > 1:
                rows = [{"id": text_of(node), "display": f"tenant {name}"} for name, node in found.items()]
                raise ambiguous("ambiguous-customer", f"Several tenants know {text[:64]!r}.", rows)
            for node in found.values():
                return text_of(node)
    if readings[0].sort is Sort.CUSTOMER:
        return readings[0].value
    raise unknown(text, readings)


async def _find(tx: Tx, tenancy: Tenancy, reading: Reading) -> tuple[str, NodeId | None]:
    """Return the tenant, and its customer of a reading."""
    tenant = tenancy.ids.tenant
    graph = CurrentGraph(tx, tenant)
    if reading.sort is Sort.CUSTOMER:
        match = await find_node(graph, parse_node_id(reading.value))
        return tenant, match.customer if match is not None else None
    if reading.sort is Sort.CONVERSATION:
        side = await read_side(tx, tenant, parse_node_id(reading.value))
        match = await find_at(graph, side.stream_id, side.node) if side is not None else None
        return tenant, match.customer if match is not None else None
    for target in await _targets(tx, tenancy, reading):
        try:
            entry = await find_target(tx, tenancy, target)
        except AmbiguousTarget as several:
            possible = await read_possible_customers(tx, tenancy, several)
            detail = f"{reading.value[:64]!r} may be several people of {tenant}."
            raise ambiguous(f"ambiguous-{reading.sort}", detail, possible["candidates"]) from None
        return tenant, entry.customer if entry is not None else None
    return tenant, None


async def _targets(tx: Tx, tenancy: Tenancy, reading: Reading) -> Iterable[Target]:
    """Return what to look up: nothing where the value can be nobody's in this tenant."""
    if reading.sort is Sort.INTERACTION:
        return [ByInteraction(reading.value)]
    if reading.sort is Sort.EVENT:
        source, _, id = reading.value.rpartition("#")
        stored = await read_event(tx, tenancy.ids.tenant, event_key(tenancy.ids.tenant, source, id))
        interaction = decode_leniently(stored.raw)[0].data.interaction if stored is not None else None
        return [ByInteraction(interaction)] if interaction else []
    try:
        kind, value = read_identifier(reading.value)
        return [by_identifier(kind, value, "", tenancy.ids, tenancy.regions, tenancy.junk)]
    except Refused:
        return []
