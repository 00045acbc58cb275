"""Read a page of conversations by one statement, with how far lists are.

A page looks at ``SCANNED`` rows at most of each range of an index that it needs, however few of them a filter leaves:
it may then be short, or empty, and the next one goes on behind the last row that was looked at. Ranges are read side by
side in the page's order, and no further than the page needs: rows that a filter leaves out are passed over by the
database, and each range's last row is returned whether it fits or not, since it says where the page must end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_context.listing.conversations import OPEN, RESOLVED, Shown
from cx_context.store.listing_queue import FRESHNESS, Freshness, freshness_of, read_freshness
from cx_context.store.sql import Tx
from cx_events.directory import Directory
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

SCANNED = 500

ORDERS: Mapping[str, bool] = MappingProxyType({"waiting": False, "last": True, "opened": True})
"""The orders of a list, by their columns: whether the greatest comes first."""


class _Display(Struct, array_like=True):
    """A ``ShownCustomer`` of which a list shows the name alone: the rest is not decoded."""

    display: str | None


_decode_shown = msgspec.msgpack.Decoder(Shown).decode
_decode_display = msgspec.msgpack.Decoder(_Display).decode


class Place(NamedTuple):
    """The end of a page: the value of the order's column, and the conversation's id."""

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


class ListPage(NamedTuple):
    """A page. ``following``: where the next one begins, None after the last."""

    rows: list[ListedRow]
    following: Place | None
    freshness: Freshness


class _Found(NamedTuple):
    """A row of the statement, behind the columns of ``FRESHNESS``. ``place``: of the order's column. ``number``: of the
    row in its range; ``fits``: the filters that the database knows leave it. ``name`` and ``source``: of what the range
    lists. ``display`` and ``shown``: None where the customer's or the conversation's row is not there."""

    place: Micros
    id: NodeId
    number: int
    fits: int
    name: str
    source: str
    customer: NodeId
    display: bytes | None
    state: int
    opened: Micros
    last: Micros
    waiting: Micros | None
    shown: bytes | None


def reads_once(wanted: Wanted, directory: Directory) -> bool:
    """Return whether ``read_page`` needs no second statement that must see the same state."""
    return not _others_of_directory(wanted, directory)


async def read_page(
    tx: Tx, tenant: str, wanted: Wanted, directory: Directory, after: Place | None, limit: int
) -> ListPage:
    """Return a page."""
    states, kind = _states(wanted), _kind(wanted)
    names = _ids(directory, kind, wanted.under[kind]) if kind is not None else []
    if not states:
        return ListPage([], None, await read_freshness(tx, tenant))
    others = {each: _ids(directory, each, wanted.under[each]) for each in wanted.under if each != kind}
    values: dict[str, object] = {"tenant": tenant}
    if kind is not None:
        values |= {"kind": kind, **_named("name", names)}
    for each, some in others.items():
        values |= {f"kind_{each}": each, **_named(each, some)}
    if after is not None:
        values |= {"at": after.at, "id": after.id}
    shape = _Shape(
        wanted.order,
        states,
        len(names),
        tuple((each, len(some)) for each, some in sorted(others.items())),
        wanted.waiting if wanted.order != "waiting" else None,
        bool(directory) and kind in ("agent", "queue"),
        after is not None,
    )
    everything = SCANNED * len(states) * max(len(names), 1)
    page: _Page | None = None
    for most in (limit + 1, 4 * (limit + 1), everything):
        rows = await tx.fetch(_text(shape, most), **values)
        found = [_Found(*row[3:]) for row in rows if row[3] is not None]
        fitting = await _fitting(tx, wanted, kind, directory, found)
        page = _page(found, fitting, limit, descends=ORDERS[wanted.order])
        if page.is_decided or len(found) < most:
            break
    assert page is not None
    following = page.following if page.is_decided or len(found) == most else None
    shown = [_row(each) for each in page.rows if each.shown is not None]
    return ListPage(shown, following, freshness_of(*rows[0][:3]))


def _states(wanted: Wanted) -> tuple[int | None, ...]:
    """Return the states of which a range is read each; None for one of all states."""
    if wanted.order == "waiting":
        return (None,) if wanted.state != RESOLVED and wanted.waiting is not False else ()
    states = (wanted.state,) if wanted.state is not None else (OPEN, RESOLVED)
    return tuple(state for state in states if state == OPEN) if wanted.waiting else states


def _kind(wanted: Wanted) -> str | None:
    """Return what the ranges list; None where they are of all conversations."""
    return next((kind for kind in ("agent", "queue", "channel") if kind in wanted.under), None)


def _ids(directory: Directory, kind: str, name: str) -> Sequence[str]:
    if kind == "channel":
        return [name]
    return directory.ids_of("agent" if kind == "agent" else "queue", name)


def _named(word: str, values: Sequence[str]) -> dict[str, str]:
    return dict(zip(_parameters(word, len(values)), values, strict=True))


def _parameters(word: str, count: int) -> list[str]:
    """Return so many names of parameters."""
    return [f"{word}_{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(count)]


class _Shape(NamedTuple):
    """A statement's shape, by which its text is made. ``names``: how many names the ranges list, 0 for all
    conversations. ``others``: what else conversations must be listed under, with the number of names of each.
    ``by_directory``: which rows fit is told by the directory, too."""

    order: str
    states: tuple[int | None, ...]
    names: int
    others: tuple[tuple[str, int], ...]
    waiting: bool | None
    by_directory: bool
    after: bool

    @property
    def is_filtered(self) -> bool:
        """Return whether rows of a range may not fit, so that more of them must be looked at than are shown."""
        return bool(self.others) or self.waiting is not None or self.by_directory


@lru_cache(maxsize=512)
def _text(shape: _Shape, most: int) -> str:
    """Return the statement. ``most``: the rows that it returns."""
    conditions = [
        f"(SELECT 1 FROM listed_under o WHERE o.conversation = s.id AND o.kind = :kind_{kind} AND o.name IN "
        f"({', '.join(f':{name}' for name in _parameters(kind, count))}) LIMIT 1) = 1"
        for kind, count in shape.others
    ]
    # Not EXISTS: PostgreSQL may read all that is listed under a name for that, to look each row up.
    if shape.waiting is not None:
        conditions.insert(0, f"s.waiting IS {'NOT ' if shape.waiting else ''}NULL")
    names = _parameters("name", shape.names) if shape.names else [None]
    ranges = [_range(shape, state, name, most) for state in shape.states for name in names]
    read = " UNION ALL ".join(f"SELECT * FROM ({each}) AS r{at}" for at, each in enumerate(ranges))
    fits, where = "1", ""
    if conditions:
        all_hold = " AND ".join(conditions)
        fits = f"CASE WHEN s.n < {SCANNED} OR ({all_hold}) THEN 1 ELSE 0 END"
        where = f"WHERE s.n = {SCANNED} OR ({all_hold}) "
    direction = "DESC" if ORDERS[shape.order] else "ASC"
    page = (
        f"SELECT s.*, {fits} AS fits FROM ({read}) AS s {where}"
        f"ORDER BY s.place {direction}, s.id {direction} LIMIT {most}"
    )
    shown, joined = "p.shown", ""
    if shape.names:
        shown, joined = "l.shown", "LEFT JOIN listed_conversations l ON l.id = p.id AND l.tenant = :tenant "
    return (
        "SELECT f.*, p.place, p.id, p.n, p.fits, p.name, p.source, p.customer, c.shown, p.state, p.opened, p.last, "
        f"p.waiting, {shown} FROM (SELECT {FRESHNESS}) AS f LEFT JOIN ({page}) AS p ON 1 = 1 {joined}"
        "LEFT JOIN listed_customers c ON c.customer = p.customer AND c.tenant = :tenant"
    )


def _range(shape: _Shape, state: int | None, name: str | None, most: int) -> str:
    """Return the SELECT of one range of an index, in its order, with each row's number where that is looked at."""
    order, descends = shape.order, ORDERS[shape.order]
    id, table, more = "id", "listed_conversations", "'' AS name, '' AS source, shown"
    where = ["tenant = :tenant"]
    if name is not None:
        id, table, more = "conversation", "listed_under", "name, source"
        where.append(f"kind = :kind AND name = :{name}")
    if state is not None:
        where.append(f"state = {state:d}")
    if order == "waiting":
        where.append("waiting IS NOT NULL")
    if shape.after:
        where.append(f"({order}, {id}) {'<' if descends else '>'} (:at, :id)")
    direction = "DESC" if descends else "ASC"
    by = f"{order} {direction}, {id} {direction}"
    number = f"row_number() OVER (ORDER BY {by})" if shape.is_filtered else "0"
    return (
        f"SELECT {order} AS place, {id} AS id, {number} AS n, customer, state, opened, last, waiting, {more} "
        f"FROM {table} WHERE {' AND '.join(where)} ORDER BY {by} LIMIT {SCANNED if shape.is_filtered else most}"
    )


async def _fitting(
    tx: Tx, wanted: Wanted, kind: str | None, directory: Directory, found: Collection[_Found]
) -> list[bool]:
    """Return of each row whether it is listed under all that is asked for, by the directory's ids, too."""
    fits = [bool(each.fits) for each in found]
    if not directory or kind is None or kind == "channel":
        return fits
    name = wanted.under[kind]
    fits = [
        fit and resolved(directory, kind, each.name, each.source) == name for fit, each in zip(fits, found, strict=True)
    ]
    for other in _others_of_directory(wanted, directory):
        ids = {each.id for fit, each in zip(fits, found, strict=True) if fit}
        left = await _listed_under(tx, other, wanted.under[other], directory, ids)
        fits = [fit and each.id in left for fit, each in zip(fits, found, strict=True)]
    return fits


def _others_of_directory(wanted: Wanted, directory: Directory) -> list[str]:
    """Return what else conversations must be listed under by the directory's id."""
    kind = _kind(wanted)
    return [each for each in wanted.under if each not in (kind, "channel")] if directory else []


async def _listed_under(
    tx: Tx, kind: str, name: str, directory: Directory, ids: Collection[NodeId]
) -> Collection[NodeId]:
    """Return those of some conversations that are listed under an agent or a queue of the directory."""
    if not ids:
        return ()
    rows = await tx.fetch(
        "SELECT conversation, name, source FROM listed_under WHERE conversation = ANY(:ids) AND kind = :kind",
        ids=sorted(ids),
        kind=kind,
    )
    return {bytes(row[0]) for row in rows if resolved(directory, kind, row[1], row[2]) == name}


class _Page(NamedTuple):
    """Rows of a page. ``following``: where it ends. ``is_decided``: whatever stands behind what was read, it ends
    there; if not, and there is nothing behind, it is the last."""

    rows: list[_Found]
    following: Place | None
    is_decided: bool


def _page(found: Sequence[_Found], fitting: Sequence[bool], limit: int, *, descends: bool) -> _Page:
    """Return the page of some rows. A range ends it with its last row, if that is its ``SCANNED``-th: what comes behind
    in other ranges may come behind more of this one."""
    rows: dict[Place, _Found] = {}
    place: Place | None = None
    is_over = False
    ordered = zip(found, fitting, strict=True)
    for each, fits in sorted(ordered, key=lambda one: one[0][:2], reverse=descends):
        if is_over and place != (each.place, each.id):
            break
        place = Place(each.place, each.id)
        if fits:
            rows.setdefault(place, each)
        if len(rows) > limit:
            return _Page(list(rows.values())[:limit], list(rows)[limit - 1], True)
        is_over = is_over or each.number == SCANNED
    return _Page(list(rows.values()), place, is_over)


def resolved(directory: Directory, kind: str, name: str, source: str) -> str:
    """Return the directory's id of what a conversation is listed under."""
    if kind == "channel":
        return name
    return directory.id_of("agent" if kind == "agent" else "queue", name, source)


def _row(each: _Found) -> ListedRow:
    assert each.shown is not None
    name = _decode_display(each.display).display if each.display is not None else None
    return ListedRow(
        each.id, each.customer, name, each.state, each.opened, each.last, each.waiting, _decode_shown(each.shown)
    )
