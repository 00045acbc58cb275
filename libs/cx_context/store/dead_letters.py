"""What lies in the dead letters, for the people who repair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cx_context.store import tables
from cx_context.store.sql import Tx
from cx_context.store.tables import shape_of
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


async def listed(
    tx: Tx,
    *,
    tenant: str = "",
    reason: str = "",
    state: State | None = None,
    most: int = 100,
    before: Place | None = None,
) -> Sequence[DeadLetter]:
    """Return the latest ``most`` dead letters, newest first, of one tenant, with one reason and in one state where
    given; those after the place ``before`` in that order."""
    wanted = {name: value for name, value in (("tenant", tenant), ("reason", reason)) if value}
    where = [f"{name} = :{name}" for name in wanted]
    if state is not None:
        where.append(f"reason {'' if state == 'waiting' else 'NOT '}IN {_WAITING}")
        wanted |= _NAMES
    if before is not None:
        where.append("(recorded, source, id, stage) < (:recorded, :source, :id, :stage)")
        wanted |= dict(zip(("recorded", "source", "id", "stage"), before, strict=True))
    rows = await tx.fetch(
        f"SELECT body FROM dead_letters WHERE {' AND '.join(where) or '1 = 1'} "
        f"ORDER BY recorded DESC, source DESC, id DESC, stage DESC LIMIT {int(most)}",
        **wanted,
    )
    return [decode_dead_letter(bytes(body)) for (body,) in rows]


async def waiting(tx: Tx, *, tenant: str = "") -> Sequence[Waiting]:
    """Return what waits for an adapter, counted by source and kind, the kind with the latest first."""
    wanted = {"tenant": tenant} if tenant else {}
    rows = await tx.fetch(
        "SELECT tenant, source, detail, count(*), max(recorded) FROM dead_letters "
        f"WHERE reason IN {_WAITING}{' AND tenant = :tenant' if tenant else ''} "
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


_DEAD_LETTERS = shape_of(tables.DEAD_LETTERS)

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
