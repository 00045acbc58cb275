"""Read and write rows of ``refused_claims``: claims that join nobody, for a person to look at.

Only the holder of the locks of all customers concerned writes them, so nobody waits for one that is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cx_context.sections.candidates import CLAIMS_COUNTED, CLAIMS_SHOWN, NO_REFUSED_CLAIMS, RefusedClaim, RefusedClaims
from cx_context.store import claim_pairs, tables, withheld_claims
from cx_context.store.claim_pairs import EARLIEST, Pair, rows_at_ends, rows_of
from cx_context.store.graph import profile_columns, profile_from_row
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.candidates import weaker_end
from cx_identity.model import Profile
from cx_identity.outcome import Refusal

REFUSED_CLAIMS = shape_of(tables.REFUSED_CLAIMS)


class RefusedRow(NamedTuple):
    """``identifier``: the weaker end. ``recorded``, ``source``, ``id``: the claim's evidence. ``settled``: a standing
    merge or dismissal names the identifier."""

    identifier: NodeId
    other: NodeId
    tenant: str
    reason: str
    recorded: Micros
    source: str
    id: str
    settled: bool

    @property
    def pair(self) -> Pair:
        return self.identifier, self.other


def refused_row(
    tenant: str, refusal: Refusal, profiles: Mapping[NodeId, Profile], settled: Collection[NodeId]
) -> RefusedRow:
    """Return the row of a refusal that is a question."""
    a, b = refusal.a, refusal.b
    identifier = weaker_end(profiles[a], profiles[b])
    return RefusedRow(
        identifier, b if identifier == a else a, tenant, refusal.reason, *refusal.at, identifier in settled
    )


async def at_ends(tx: Tx, tenant: str, ends: Collection[NodeId]) -> dict[Pair, RefusedRow]:
    """Return the rows with an end among these."""
    return _by_pair(await rows_at_ends(tx, REFUSED_CLAIMS, tenant, ends))


async def all_of(tx: Tx, tenant: str) -> dict[Pair, RefusedRow]:
    """Return every row of a tenant."""
    return _by_pair(await rows_of(tx, REFUSED_CLAIMS, tenant))


def _by_pair(rows: Iterable[Sequence[Any]]) -> dict[Pair, RefusedRow]:
    found = [RefusedRow._make((*row[:7], bool(row[7]))) for row in rows]
    return {row.pair: row for row in found}


async def write(tx: Tx, rows: Iterable[RefusedRow], gone: Iterable[Pair]) -> None:
    """Write rows that are new or differ; delete those that are ``gone``."""
    await claim_pairs.write(tx, REFUSED_CLAIMS, rows, gone)


_AT = "(identifier = ANY(:members) OR other = ANY(:members)) AND NOT settled AND tenant = :tenant"


async def asked_about(tx: Tx, tenant: str, members: Collection[NodeId]) -> RefusedClaims:
    """Return the questions about a customer's profiles that nobody settled. ``members``: all of the customer's."""
    if not members:
        return NO_REFUSED_CLAIMS
    found = await _refused_at(tx, tenant, members)
    total = len(found)
    if total >= CLAIMS_SHOWN:
        total = await _count_at(tx, tenant, members)
    further, count = await withheld_claims.asked_about(tx, tenant, members)
    return RefusedClaims([*found, *further], min(total + count, CLAIMS_COUNTED))


async def _count_at(tx: Tx, tenant: str, members: Collection[NodeId]) -> int:
    rows = await tx.fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM refused_claims WHERE {_AT} LIMIT :most) AS few",
        members=list(members),
        tenant=tenant,
        most=CLAIMS_COUNTED,
    )
    return int(rows[0][0])


async def _refused_at(tx: Tx, tenant: str, members: Collection[NodeId]) -> list[RefusedClaim]:
    """Return at least the latest ``CLAIMS_SHOWN`` of those that a guard refused."""
    rows = await tx.fetch(
        f"SELECT r.reason, r.recorded, r.source, r.id, {profile_columns('i')}, {profile_columns('o')} "
        f"FROM (SELECT * FROM refused_claims WHERE {_AT} AND recorded >= coalesce("
        f"(SELECT recorded FROM refused_claims WHERE {_AT} ORDER BY recorded DESC LIMIT 1 OFFSET :skipped), :least)"
        ") AS r JOIN profiles i ON i.id = r.identifier JOIN profiles o ON o.id = r.other",
        members=list(members),
        tenant=tenant,
        skipped=CLAIMS_SHOWN - 1,
        least=EARLIEST,
    )
    return [
        RefusedClaim(profile_from_row(row[4:10]), profile_from_row(row[10:16]), row[0], (row[1], row[2], row[3]))
        for row in rows
    ]


async def identifiers_in_doubt(tx: Tx, tenant: str, after: NodeId, most: int) -> list[NodeId]:
    """Return identifiers that are shared, or that a claim was refused of, in order of id, from after one on; those that
    somebody settled among them."""
    rows = await tx.fetch(
        "SELECT profile FROM members WHERE tenant = :tenant AND shared AND profile > :after "
        "UNION SELECT identifier FROM refused_claims WHERE tenant = :tenant AND NOT settled AND identifier > :after "
        "ORDER BY 1 LIMIT :most",
        tenant=tenant,
        after=after,
        most=most,
    )
    return [bytes(row[0]) for row in rows]


async def in_doubt_among(tx: Tx, tenant: str, identifiers: Collection[NodeId]) -> set[NodeId]:
    """Return those that are shared, or that a claim was refused of."""
    if not identifiers:
        return set()
    rows = await tx.fetch(
        "SELECT profile FROM members WHERE profile = ANY(:ids) AND tenant = :tenant AND shared "
        "UNION SELECT identifier FROM refused_claims WHERE identifier = ANY(:ids) AND tenant = :tenant",
        ids=list(identifiers),
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}
