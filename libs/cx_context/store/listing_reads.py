"""Read pages of conversations, and what agents and queues hold.

A page looks at ``SCANNED`` rows of one index at most, however few of them a filter leaves: it may then be short, or
empty, and the next one goes on behind the last row that was looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from cx_context.listing.conversations import OPEN, RESOLVED, Shown
from cx_context.listing.customers import ShownCustomer
from cx_context.store.sql import Row, Tx
from cx_events.directory import Directory, Kind
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

SCANNED = 500
HELD_SHOWN = 1_000

_decode_shown = msgspec.msgpack.Decoder(Shown).decode
_decode_customer = msgspec.msgpack.Decoder(ShownCustomer).decode

ORDERS: Mapping[str, bool] = MappingProxyType({"waiting": False, "last": True, "opened": True})
"""The orders of a list, by their columns: whether the greatest comes first."""


class Place(NamedTuple):
    """Where a page ended: the value of the order's column, and the conversation's id."""

    at: Micros
    id: NodeId


class Wanted(NamedTuple):
    """The conversations that are asked for. ``under``: by kind the name that they must be listed under, an agent's or a
    queue's by the directory's id."""

    order: str
    state: int | None = None
    waiting: bool | None = None
    under: Mapping[str, str] = MappingProxyType({})


class ListedRow(NamedTuple):
    """A conversation of a page. ``display``: what its customer is called."""

    id: NodeId
    customer: NodeId
    display: str | None
    state: int
    opened: Micros
    last: Micros
    waiting: Micros | None
    shown: Shown


class _Found(NamedTuple):
    """A row of the index, in the page's order. ``fits``: the other filters leave it."""

    at: Micros
    id: NodeId
    fits: bool


async def read_page(
    tx: Tx, tenant: str, wanted: Wanted, directory: Directory, after: Place | None, limit: int
) -> tuple[list[ListedRow], Place | None]:
    """Return a page, and where the next one begins (None after the last)."""
    descends = ORDERS[wanted.order]
    found: set[_Found] = set()
    horizon: Place | None = None
    most = SCANNED if _is_filtered(wanted, directory) else limit + 1
    for scan in _scans(wanted, directory):
        rows, is_full = await _scan(tx, tenant, wanted, scan, directory, after, most)
        found.update(rows)
        if is_full:
            last = Place(rows[-1].at, rows[-1].id)
            horizon = last if horizon is None else (max if descends else min)(horizon, last)
    ordered = sorted(found, key=lambda each: (each.at, each.id), reverse=descends)
    if horizon is not None:
        ordered = [each for each in ordered if not _is_behind(each, horizon, descends=descends)]
    fitting = list(dict.fromkeys(Place(each.at, each.id) for each in ordered if each.fits))
    following = fitting[limit - 1] if len(fitting) > limit else horizon
    return await _rows(tx, tenant, [each.id for each in fitting[:limit]]), following


def _is_filtered(wanted: Wanted, directory: Directory) -> bool:
    """Return whether rows of the index may not fit, so that more of them must be looked at than are shown."""
    by_other_ids = bool(directory) and bool(wanted.under.keys() - {"channel"})
    return len(wanted.under) > 1 or by_other_ids or (wanted.waiting is not None and wanted.order != "waiting")


def _is_behind(each: _Found, horizon: Place, *, descends: bool) -> bool:
    place = Place(each.at, each.id)
    return place < horizon if descends else place > horizon


class _Scan(NamedTuple):
    """One range of an index. ``kind``, ``name``: None for all conversations."""

    state: int | None
    kind: str | None
    name: str | None


def _scans(wanted: Wanted, directory: Directory) -> list[_Scan]:
    states: list[int | None] = [wanted.state] if wanted.state is not None else [OPEN, RESOLVED]
    if wanted.order == "waiting":
        states = [None] if wanted.state != RESOLVED and wanted.waiting is not False else []
    elif wanted.waiting:
        states = [state for state in states if state == OPEN]
    for kind in ("agent", "queue", "channel"):
        if kind in wanted.under:
            return [_Scan(state, kind, name) for state in states for name in _ids(directory, kind, wanted.under[kind])]
    return [_Scan(state, None, None) for state in states]


def _ids(directory: Directory, kind: str, name: str) -> Sequence[str]:
    if kind == "channel":
        return [name]
    return directory.ids_of("agent" if kind == "agent" else "queue", name)


async def _scan(
    tx: Tx, tenant: str, wanted: Wanted, scan: _Scan, directory: Directory, after: Place | None, most: int
) -> tuple[list[_Found], bool]:
    """Return the rows of a range in order, and whether there may be more."""
    column, descends = wanted.order, ORDERS[wanted.order]
    listed = scan.kind is None
    id, table = ("id", "listed_conversations") if listed else ("conversation", "listed_under")
    values: dict[str, object] = {"tenant": tenant}
    where = ["tenant = :tenant"]
    if not listed:
        where.append("kind = :kind AND name = :name")
        values |= {"kind": scan.kind, "name": scan.name}
    if scan.state is not None:
        where.append("state = :state")
        values["state"] = scan.state
    if column == "waiting":
        where.append("waiting IS NOT NULL")
    if after is not None:
        where.append(f"({column}, {id}) {'<' if descends else '>'} (:at, :id)")
        values |= {"at": after.at, "id": after.id}
    direction = "DESC" if descends else "ASC"
    source = "''" if listed else "source"
    rows = await tx.fetch(
        f"SELECT {column}, {id}, waiting, {source} FROM {table} WHERE {' AND '.join(where)} "
        f"ORDER BY {column} {direction}, {id} {direction} LIMIT {int(most)}",
        **values,
    )
    others = await _others(tx, wanted, scan, directory, [bytes(row[1]) for row in rows])
    found = [
        _Found(row[0], bytes(row[1]), bytes(row[1]) in others and _fits(wanted, scan, directory, row[2], row[3]))
        for row in rows
    ]
    return found, len(rows) == most


def _fits(wanted: Wanted, scan: _Scan, directory: Directory, waiting: Micros | None, source: str) -> bool:
    if wanted.waiting is not None and wanted.waiting != (waiting is not None):
        return False
    if scan.kind is None or scan.name is None:
        return True
    return resolved(directory, scan.kind, scan.name, source) == wanted.under[scan.kind]


async def _others(
    tx: Tx, wanted: Wanted, scan: _Scan, directory: Directory, ids: Collection[NodeId]
) -> Collection[NodeId]:
    """Return those of some conversations that are listed under everything else that is asked for."""
    left = set(ids)
    for kind, name in wanted.under.items():
        if kind == scan.kind or not left:
            continue
        rows = await tx.fetch(
            "SELECT conversation, name, source FROM listed_under WHERE conversation = ANY(:ids) AND kind = :kind",
            ids=sorted(left),
            kind=kind,
        )
        left = {bytes(row[0]) for row in rows if resolved(directory, kind, row[1], row[2]) == name}
    return left


def resolved(directory: Directory, kind: str, name: str, source: str) -> str:
    """Return the directory's id of what a conversation is listed under."""
    if kind == "channel":
        return name
    return directory.id_of("agent" if kind == "agent" else "queue", name, source)


async def _rows(tx: Tx, tenant: str, ids: Sequence[NodeId]) -> list[ListedRow]:
    if not ids:
        return []
    rows = await tx.fetch(
        "SELECT l.id, l.customer, c.shown, l.state, l.opened, l.last, l.waiting, l.shown FROM listed_conversations l "
        "LEFT JOIN listed_customers c ON c.customer = l.customer AND c.tenant = l.tenant "
        "WHERE l.id = ANY(:ids) AND l.tenant = :tenant",
        ids=list(ids),
        tenant=tenant,
    )
    found = {bytes(row[0]): _row(row) for row in rows}
    return [found[id] for id in ids if id in found]


def _row(row: Row) -> ListedRow:
    id, customer, display, state, opened, last, waiting, shown = row
    name = _decode_customer(display).display if display is not None else None
    return ListedRow(bytes(id), bytes(customer), name, state, opened, last, waiting, _decode_shown(shown))


class Holding(NamedTuple):
    """The holdings of an agent or a queue. ``held_since``, ``waiting_since``: of what is there longest."""

    id: str
    name: str
    held: int
    held_since: Micros | None
    waiting: int
    waiting_since: Micros | None


async def read_holdings(tx: Tx, tenant: str, kind: Kind, directory: Directory) -> list[Holding]:
    """Return the agents or queues of the directory, and whatever else holds a conversation now, by id."""
    found = {
        entry.id: Holding(entry.id, entry.name, 0, None, 0, None)
        for entry in directory.entries.values()
        if entry.kind == kind
    }
    rows = await tx.fetch(
        "SELECT name, source, max(label), count(*), min(held), count(waiting), min(waiting) FROM listed_under "
        "WHERE tenant = :tenant AND kind = :kind AND held IS NOT NULL GROUP BY name, source ORDER BY name, source",
        tenant=tenant,
        kind=kind,
    )
    for name, source, label, held, since, waiting, longest in rows:
        id = directory.id_of(kind, name, source)
        one = found.get(id) or Holding(id, "", 0, None, 0, None)
        found[id] = Holding(
            id, one.name or label, one.held + held, _least(one.held_since, since), one.waiting + waiting,
            _least(one.waiting_since, longest),
        )  # fmt: skip
    return [found[id] for id in sorted(found)]


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
