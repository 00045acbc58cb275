"""Answers of today or of a moment, for those that are read the same way then and now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from cx_context.store import Store
from cx_context.store.as_of import Snapshot, TimeBounds
from cx_context.store.finding import find_node
from cx_context.store.leases import read_current_to
from cx_context.store.sql import Tx
from cx_context_api.reads.deadline import DEADLINE_SECONDS, within
from cx_context_api.reads.meta import current_meta, past_meta
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_runtime.cpu_time import charge_cpu_time


async def read_at(
    store: Store,
    reading: ReadTurns,
    tenancy: Tenancy,
    moment: TimeBounds | None,
    read: Callable[[Tx, Snapshot | None], Coroutine[Any, Any, Json]],
) -> Json:
    """What ``read`` finds, in time and in its tenant's turn; it is given the moment, or None for today."""
    turns = reading.pages if moment is None else reading.heavy
    tenant = tenancy.ids.tenant

    async def found() -> Json:
        async with turns.turn(tenant), store.reading() as tx:
            work = read(tx, snapshot_at(tx, tenancy, moment) if moment is not None else None)
            return await charge_cpu_time(work, partial(turns.charge, tenant))

    return await within(found(), seconds=DEADLINE_SECONDS if moment is None else PAST_READ_SECONDS)


async def read_customer(tx: Tx, tenant: str, node: NodeId, then: Snapshot | None) -> tuple[NodeId, Json]:
    """Whose an id is, or was then, and what stands beside the answer. ``Refused("unknown-customer", 404)``."""
    if then is not None:
        return await find_customer_then(then, node), past_meta(then.moment)
    found = await find_node(tx, tenant, node)
    if found is None:
        raise Refused("unknown-customer", f"there is no customer {text_of(node)} here (yet)", 404)
    return found.customer, await read_meta(tx, found.version, None)


async def read_meta(tx: Tx, version: int, then: Snapshot | None) -> Json:
    return past_meta(then.moment) if then is not None else current_meta(version, await read_current_to(tx))


PAST_READ_SECONDS = 20.0
"""A moment of a very long history is allowed more than a read of today."""


def unknown_customer_then() -> Refused:
    return Refused("unknown-customer", "there was no such customer at that moment", 404)


def snapshot_at(tx: Tx, tenancy: Tenancy, moment: TimeBounds) -> Snapshot:
    return Snapshot(tx, tenancy.ids, tenancy.rules, moment)


async def find_customer_then(then: Snapshot, node: NodeId) -> NodeId:
    """``Refused("unknown-customer", 404)``."""
    customer = await then.find_node(node)
    if customer is None:
        raise unknown_customer_then()
    return customer


def unknown_customer() -> Refused:
    return Refused("unknown-customer", "there is no such customer here (yet)", 404)
