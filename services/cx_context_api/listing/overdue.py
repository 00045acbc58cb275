"""Read by when waits are to be answered, and which were found to be over their queue's bound."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from cx_context.store import wait_rows
from cx_context.store.sql import Tx
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId
from cx_events.timestamps import Micros


class OverInQueue(NamedTuple):
    """A count of the waits of a queue that are over its bound; ``since``: when the longest began."""

    waits: int
    since: Micros


async def read_due(tx: Tx, tenancy: Tenancy, customers: Collection[NodeId]) -> dict[NodeId, Micros]:
    """Return by when each conversation of some customers is to be answered, where a queue in which it waits has a
    bound."""
    bounds, directory = tenancy.answer_bounds, tenancy.directory
    found: dict[NodeId, Micros] = {}
    for wait in await wait_rows.waits_of(tx, tenancy.ids.tenant, customers) if bounds else ():
        bound = bounds.get(directory.id_of("queue", wait.queue, wait.source))
        if bound is not None:
            due = wait.since + bound * 1_000_000
            found[wait.conversation] = min(due, found.get(wait.conversation, due))
    return found


async def read_over(tx: Tx, tenancy: Tenancy) -> dict[str, OverInQueue]:
    """Return the queues, by the directory's id, of which waits are over the bound."""
    found: dict[str, OverInQueue] = {}
    for each in await wait_rows.count_over(tx, [tenancy.ids.tenant]) if tenancy.answer_bounds else ():
        queue = tenancy.directory.id_of("queue", each.queue, each.source)
        before = found.get(queue, OverInQueue(0, each.since))
        if queue in tenancy.answer_bounds:
            found[queue] = OverInQueue(before.waits + each.waits, min(before.since, each.since))
    return found
