"""Run a read that works the same way for today and for a moment of the past."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from cx_context.store import Store
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.offsets import read_current_to
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import TimeBounds
from cx_context_api.reads.meta import current_meta, past_meta
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_runtime.answer_deadline import DEADLINE_SECONDS, within
from cx_runtime.cpu_time import charge_cpu_time

T = TypeVar("T")

PAST_READ_SECONDS = 20.0
"""A past read of a very long history may take longer than a read of today."""


async def read_at(
    store: Store,
    turns: ReadTurns,
    tenancy: Tenancy,
    bounds: TimeBounds | None,
    read: Callable[[Tx, Snapshot | None], Coroutine[Any, Any, Json]],
) -> Json:
    """Return what ``read`` returns, within the deadline and in the tenant's turn.

    ``read`` is given the snapshot of the past, or None for today.
    """
    queue = turns.pages if bounds is None else turns.heavy
    tenant = tenancy.ids.tenant

    async def run() -> Json:
        async with queue.turn(tenant), store.reading() as tx:
            work = read(tx, snapshot_at(tx, tenancy, bounds) if bounds is not None else None)
            return await charge_cpu_time(work, partial(queue.charge, tenant))

    return await within(run(), seconds=DEADLINE_SECONDS if bounds is None else PAST_READ_SECONDS)


async def read_now(turns: ReadTurns, tenancy: Tenancy, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what ``read`` returns of today, within the deadline and in the tenant's turn. It opens the store itself:
    what one statement answers needs no transaction around it."""
    queue, tenant = turns.pages, tenancy.ids.tenant

    async def run() -> T:
        async with queue.turn(tenant):
            return await (charge_cpu_time(read(), partial(queue.charge, tenant)) if queue.has_shares else read())

    return await within(run())


async def read_customer(tx: Tx, tenant: str, node: NodeId, snapshot: Snapshot | None) -> tuple[NodeId, Json]:
    """Return the customer of an id, today's or the snapshot's, and ``meta``.

    Raises ``Refused("unknown-customer", 404)``.
    """
    if snapshot is not None:
        return await find_customer_then(snapshot, node), past_meta(snapshot.bounds)
    match = await find_node(CurrentGraph(tx, tenant), node)
    if match is None:
        raise Refused("unknown-customer", f"There is no customer {text_of(node)} here (yet).", 404)
    return match.customer, await read_meta(tx, match.version, None)


async def read_meta(tx: Tx, version: int, snapshot: Snapshot | None) -> Json:
    """Return ``meta`` of a body at a version, or of the snapshot."""
    return past_meta(snapshot.bounds) if snapshot is not None else current_meta(version, await read_current_to(tx))


def snapshot_at(tx: Tx, tenancy: Tenancy, bounds: TimeBounds) -> Snapshot:
    """Return the tenant's facts as of these bounds."""
    snapshot = Snapshot(tx, tenancy.ids, tenancy.rules, bounds)
    snapshot.directory = tenancy.directory
    return snapshot


async def find_customer_then(snapshot: Snapshot, node: NodeId) -> NodeId:
    """Return the customer of an id at that moment. Raises ``Refused("unknown-customer", 404)``."""
    found = await find_node(snapshot, node)
    if found is None:
        raise unknown_customer_then()
    return found.customer


def unknown_customer() -> Refused:
    """Return the refusal of a customer who is not known today."""
    return Refused("unknown-customer", "There is no such customer here (yet).", 404)


def unknown_customer_then() -> Refused:
    """Return the refusal of a customer who was not known at a moment of the past."""
    return Refused("unknown-customer", "There was no such customer at that moment.", 404)
