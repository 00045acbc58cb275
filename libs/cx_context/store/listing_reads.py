"""Read what agents and queues hold."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.store.listing_queue import FRESHNESS, Freshness, freshness_of
from cx_context.store.sql import Tx
from cx_events.directory import Directory, Kind
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

HELD_SHOWN = 1_000


class Holding(NamedTuple):
    """The holdings of an agent or a queue. ``held_since``, ``waiting_since``: of what is there longest."""

    id: str
    name: str
    held: int
    held_since: Micros | None
    waiting: int
    waiting_since: Micros | None


class Holdings(NamedTuple):
    """The holdings of all agents or queues, by id, and how far lists are."""

    holdings: list[Holding]
    freshness: Freshness


async def read_holdings(tx: Tx, tenant: str, kind: Kind, directory: Directory) -> Holdings:
    """Return what the agents or queues of the directory hold, and whatever else holds a conversation now."""
    found = {
        entry.id: Holding(entry.id, entry.name, 0, None, 0, None)
        for entry in directory.entries.values()
        if entry.kind == kind
    }
    rows = await tx.fetch(
        f"SELECT f.*, h.* FROM (SELECT {FRESHNESS}) AS f LEFT JOIN (SELECT name, source, max(label), count(*), "
        "min(held), count(waiting), min(waiting) FROM listed_under "
        "WHERE tenant = :tenant AND kind = :kind AND held IS NOT NULL "
        "GROUP BY name, source) AS h ON 1 = 1 ORDER BY h.name, h.source",
        tenant=tenant,
        kind=kind,
    )
    for name, source, label, held, since, waiting, longest in (row[3:] for row in rows if row[3] is not None):
        id = directory.id_of(kind, name, source)
        one = found.get(id) or Holding(id, "", 0, None, 0, None)
        found[id] = Holding(
            id, one.name or label, one.held + held, _least(one.held_since, since), one.waiting + waiting,
            _least(one.waiting_since, longest),
        )  # fmt: skip
    return Holdings([found[id] for id in sorted(found)], freshness_of(*rows[0][:3]))


def _least(one: Micros | None, other: Micros | None) -> Micros | None:
    return min((each for each in (one, other) if each is not None), default=None)


async def read_held(
    tx: Tx, tenant: str, kind: Kind, directory: Directory
) -> dict[str, list[tuple[NodeId, NodeId, Micros]]]:
    """Return (conversation, customer, since) by the agent or queue that holds it, the longest held first; of more than
    ``HELD_SHOWN`` in all those that come first by name."""
    rows = await tx.fetch(
        "SELECT name, source, conversation, customer, held FROM listed_under WHERE tenant = :tenant AND kind = :kind "
        f"AND held IS NOT NULL ORDER BY name, held, conversation LIMIT {HELD_SHOWN}",
        tenant=tenant,
        kind=kind,
    )
    found: dict[str, list[tuple[NodeId, NodeId, Micros]]] = {}
    for name, source, conversation, customer, held in rows:
        id = directory.id_of(kind, name, source)
        found.setdefault(id, []).append((bytes(conversation), bytes(customer), held))
    for each in found.values():
        each.sort(key=lambda one: (one[2], one[0]))
    return found
