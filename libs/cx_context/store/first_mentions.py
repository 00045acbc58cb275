"""Read and write rows of ``sightings``: what a worker knows before it writes more, and what a moment of the past is
read from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from cx_context.store import tables
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId
from cx_identity.first_mentions import ATTESTED, NAMED, Mention, MentionKey

SIGHTINGS = shape_of(tables.SIGHTINGS)
_COLUMNS = "kind, a, b, key, effective, recorded, source, id, rule"

OF_EDGES = f"kind > {NAMED} AND kind < {ATTESTED}"
"""SQL: a sighting of an edge."""

_SUCH: Mapping[int, str] = {NAMED: f"kind = {NAMED}", ATTESTED: f"kind = {ATTESTED}"}

Row = tuple[int, NodeId, NodeId, bytes, int, int, str, str, str]


def read_row(row: Sequence[object]) -> tuple[MentionKey, Mention]:
    kind, a, b, key, effective, recorded, source, id, rule = row
    return (kind, a, b), Mention(effective, (recorded, source, id), rule, key)  # type: ignore[arg-type, return-value]


async def stored(tx: Tx, seen: Collection[MentionKey]) -> dict[MentionKey, list[Mention]]:
    """Return the stored sightings of these."""
    found: dict[MentionKey, list[Mention]] = {}
    if not seen:
        return found
    ends: dict[str, set[NodeId]] = {}
    for kind, a, _ in seen:
        ends.setdefault(_SUCH.get(kind, OF_EDGES), set()).add(a)
    for condition, some in ends.items():
        if some:
            for row in await tx.fetch(
                f"SELECT {_COLUMNS} FROM sightings WHERE {condition} AND a = ANY(:ends)", ends=list(some)
            ):
                what, one = read_row(row)
                if what in seen:
                    found.setdefault(what, []).append(one)
    return found


async def write(tx: Tx, tenant: str, found: Mapping[MentionKey, Iterable[Mention]]) -> None:
    """Write sightings of events that are new: nobody wrote them before."""
    await tx.append(SIGHTINGS, _rows(tenant, found))


async def rewrite(
    tx: Tx, tenant: str, seen: Iterable[MentionKey], found: Mapping[MentionKey, Iterable[Mention]]
) -> None:
    """Replace the sightings of these by what is found. Only under the exclusive refold lock."""
    for kind, a, b in seen:
        await tx.execute("DELETE FROM sightings WHERE kind = :kind AND a = :a AND b = :b", kind=kind, a=a, b=b)
    await tx.append(SIGHTINGS, _rows(tenant, found))


def _rows(tenant: str, found: Mapping[MentionKey, Iterable[Mention]]) -> list[tuple[object, ...]]:
    rows = [(*what, one.key, tenant, one.effective, *one.at, one.rule) for what, each in found.items() for one in each]
    return sorted(rows, key=lambda row: row[:4])
