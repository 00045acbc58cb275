"""Read dead letters for the people who repair: listed, grouped by their texts, or by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cx_context.store import operations_tables
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.dead_letters import CONFLICT, WAITING_REASONS, DeadLetter, State, decode_dead_letter, encode_dead_letter

Place = tuple[str, str, str, str]
"""(recorded, source, id, stage): a dead letter's place in a tenant's list."""


def place_of(letter: DeadLetter) -> Place:
    return (letter.recorded, letter.source, letter.id, letter.stage)


_NAMES = {f"waiting_{chr(ord('a') + number)}": reason for number, reason in enumerate(sorted(WAITING_REASONS))}
_WAITING = f"({', '.join(f':{name}' for name in _NAMES)})"


class Waiting(NamedTuple):
    """Dead letters of one kind that wait for an adapter. ``latest``: when the latest was recorded, RFC 3339."""

    tenant: str
    source: str
    kind: str
    letters: int
    latest: str


class LetterFilter(NamedTuple):
    """Conditions that a dead letter must meet, all of them; empty ones count as met.

    ``tenants``: one of these; an empty name stands for what names no tenant. ``since``: recorded then or later, RFC
    3339. ``state``: without one, whatever nobody discarded.
    """

    tenants: tuple[str, ...] = ()
    stage: str = ""
    reason: str = ""
    source: str = ""
    id: str = ""
    since: str = ""
    state: State | None = None


async def listed(
    tx: Tx, wanted: LetterFilter = LetterFilter(), *, most: int = 100, before: Place | None = None
) -> Sequence[DeadLetter]:
    """Return the latest ``most`` dead letters that meet the conditions, newest first; those after the place ``before``
    in that order."""
    return await _read_ordered(tx, wanted, ("recorded", "source", "id", "stage"), most, before, newest_first=True)


async def read_in_key_order(
    tx: Tx, wanted: LetterFilter, *, most: int, after: LetterKey | None = None
) -> Sequence[DeadLetter]:
    """Return the first ``most`` dead letters that meet the conditions, in order of their keys; those after a key."""
    return await _read_ordered(tx, wanted, ("tenant", "source", "id", "stage"), most, after)


async def _read_ordered(
    tx: Tx,
    wanted: LetterFilter,
    columns: tuple[str, ...],
    most: int,
    beyond: tuple[str, ...] | None,
    *,
    newest_first: bool = False,
) -> Sequence[DeadLetter]:
    """Return the first ``most`` dead letters in order of these columns, of those ``beyond`` a place in that order."""
    where, values = _conditions(wanted)
    if beyond is not None:
        places = ", ".join(f":at_{name}" for name in columns)
        where.append(f"({', '.join(columns)}) {'<' if newest_first else '>'} ({places})")
        values |= {f"at_{name}": text for name, text in zip(columns, beyond, strict=True)}
    order = ", ".join(f"{name} DESC" if newest_first else name for name in columns)
    rows = await tx.fetch(
        f"SELECT body FROM dead_letters WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {int(most)}", **values
    )
    return [decode_dead_letter(bytes(body)) for (body,) in rows]


class Alike(NamedTuple):
    """Dead letters with equal texts. ``first``, ``last``: when the first and the last were recorded, RFC 3339."""

    tenant: str
    source: str
    stage: str
    reason: str
    detail: str
    letters: int
    first: str
    last: str


async def read_alike(tx: Tx, wanted: LetterFilter = LetterFilter(), *, most: int = 50_000) -> Sequence[Alike]:
    """Return the dead letters that meet the conditions, counted by their texts, the most frequent first."""
    where, values = _conditions(wanted)
    rows = await tx.fetch(
        "SELECT tenant, source, stage, reason, detail, count(*), min(recorded), max(recorded) FROM dead_letters "
        f"WHERE {' AND '.join(where)} GROUP BY tenant, source, stage, reason, detail "
        f"ORDER BY count(*) DESC, tenant, source, stage, reason, detail LIMIT {int(most)}",
        **values,
    )
    return [Alike(*row) for row in rows]


def _conditions(wanted: LetterFilter) -> tuple[list[str], dict[str, Any]]:
    """Return SQL conditions, one at least, and their values."""
    discarded = wanted.state == "discarded"
    where = [f"{'' if discarded else 'NOT '}EXISTS ({_ITS_DISCARD})"]
    values: dict[str, Any] = {}
    for name in ("stage", "reason", "source", "id"):
        if value := getattr(wanted, name):
            where.append(f"{name} = :{name}")
            values[name] = value
    if wanted.since:
        where.append("recorded >= :since")
        values["since"] = wanted.since
    if wanted.tenants:
        names = {f"tenant_{chr(ord('a') + at)}": tenant for at, tenant in enumerate(wanted.tenants)}
        where.append(f"tenant IN ({', '.join(f':{name}' for name in names)})")
        values |= names
    if wanted.state in ("failed", "waiting"):
        where.append(f"reason {'' if wanted.state == 'waiting' else 'NOT '}IN {_WAITING}")
        values |= _NAMES
    return where, values


_ITS_DISCARD = (
    "SELECT 1 FROM discarded_letters d WHERE d.tenant = dead_letters.tenant AND d.source = dead_letters.source "
    "AND d.id = dead_letters.id AND d.stage = dead_letters.stage"
)


async def waiting(tx: Tx, *, tenant: str = "") -> Sequence[Waiting]:
    """Return what waits for an adapter, counted by source and kind, the kind with the latest first."""
    wanted = {"tenant": tenant} if tenant else {}
    rows = await tx.fetch(
        "SELECT tenant, source, detail, count(*), max(recorded) FROM dead_letters "
        f"WHERE reason IN {_WAITING}{' AND tenant = :tenant' if tenant else ''} AND NOT EXISTS ({_ITS_DISCARD}) "
        "GROUP BY tenant, source, detail ORDER BY max(recorded) DESC, tenant, source, detail",
        **_NAMES,
        **wanted,
    )
    return [Waiting(*row) for row in rows]


async def found(tx: Tx, id: str) -> Sequence[DeadLetter]:
    """Return every dead letter with this id, of whatever source and stage."""
    rows = await tx.fetch("SELECT body FROM dead_letters WHERE id = :id ORDER BY tenant, source, stage", id=id)
    return [decode_dead_letter(bytes(body)) for (body,) in rows]


async def where(tx: Tx, key: LetterKey) -> str:
    """Return the place on the log that a dead letter names; empty where there is no such letter."""
    letter = await one(tx, key)
    return letter.place if letter is not None else ""


async def one(tx: Tx, key: LetterKey) -> DeadLetter | None:
    """Return the dead letter that is known by these names, or None."""
    tenant, source, id, stage = key
    rows = await tx.fetch(
        "SELECT body FROM dead_letters WHERE tenant = :tenant AND source = :source AND id = :id AND stage = :stage",
        tenant=tenant,
        source=source,
        id=id,
        stage=stage,
    )
    return decode_dead_letter(bytes(rows[0][0])) if rows else None


_DEAD_LETTERS = shape_of(operations_tables.DEAD_LETTERS)

LetterKey = tuple[str, str, str, str]
"""(tenant, source, id, stage): what a dead letter is known by."""


async def delete_dead_letter(tx: Tx, key: LetterKey) -> None:
    """Settle a dead letter."""
    tenant, source, id, stage = key
    await tx.execute(
        "DELETE FROM dead_letters WHERE tenant = :tenant AND source = :source AND id = :id AND stage = :stage",
        tenant=tenant,
        source=source,
        id=id,
        stage=stage,
    )


async def write_dead_letters(tx: Tx, letters: Iterable[DeadLetter]) -> None:
    """Write dead letters; of several with the same key the first stands."""
    rows: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for row in map(letter_row, letters):
        rows.setdefault(row[:4], row)
    await tx.insert(_DEAD_LETTERS, [row for _, row in sorted(rows.items())], "ON CONFLICT DO NOTHING")


def letter_row(d: DeadLetter) -> tuple[Any, ...]:
    """Return the row of ``dead_letters``."""
    return (d.tenant, d.source, d.id, d.stage, d.reason, d.detail, d.recorded, encode_dead_letter(d))


async def read_reason(tx: Tx, tenant: str, source: str, id: str) -> str | None:
    """Return the reason why an event lies in the dead letters, or None. Copies in conflict are left out: one of them is
    used."""
    rows = await tx.fetch(
        "SELECT reason FROM dead_letters WHERE tenant = :tenant AND source = :source AND id = :id "
        "AND stage <> :conflict",
        conflict=CONFLICT,
        tenant=tenant,
        source=source,
        id=id,
    )
    return rows[0][0] if rows else None
