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
from cx_context_api.contexts.as_of import SECONDS, customer_then, meta_then, then_in
from cx_context_api.contexts.current import meta_of
from cx_context_api.requests.deadline import PATIENCE, within
from cx_context_api.requests.read_turns import Reading
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_runtime.cpu_time import metered


async def read_at(
    store: Store,
    reading: Reading,
    tenancy: Tenancy,
    moment: TimeBounds | None,
    read: Callable[[Tx, Snapshot | None], Coroutine[Any, Any, Json]],
) -> Json:
    """What ``read`` finds, in time and in its tenant's turn; it is given the moment, or None for today."""
    turns = reading.pages if moment is None else reading.heavy
    tenant = tenancy.ids.tenant

    async def found() -> Json:
        async with turns.turn(tenant), store.reading() as tx:
            work = read(tx, then_in(tx, tenancy, moment) if moment is not None else None)
            return await metered(work, partial(turns.charge, tenant))

    return await within(found(), seconds=PATIENCE if moment is None else SECONDS)


async def whose(tx: Tx, tenant: str, node: NodeId, then: Snapshot | None) -> tuple[NodeId, Json]:
    """Whose an id is, or was then, and what stands beside the answer. ``Refused("unknown-customer", 404)``."""
    if then is not None:
        return await customer_then(then, node), meta_then(then.moment)
    found = await find_node(tx, tenant, node)
    if found is None:
        raise Refused("unknown-customer", f"there is no customer {text_of(node)} here (yet)", 404)
    return found.customer, await meta_at(tx, found.version, None)


async def meta_at(tx: Tx, version: int, then: Snapshot | None) -> Json:
    return meta_then(then.moment) if then is not None else meta_of(version, await read_current_to(tx))
