"""Read and write rows of ``withheld_claims``: claims that are not tried, since an end is shared.

A row says that of the pair alone, so nothing but the pair and its ends can change it: who becomes whose customer, and
which identifier is settled, is asked by readers. An identifier may have thousands, and no recomputation reads them all
but one that settles it. Only the holder of the locks of all customers concerned writes them (``graph_locks``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cx_context.sections.candidates import CLAIMS_COUNTED, CLAIMS_SHOWN, RefusedClaim
from cx_context.store import claim_pairs, tables
from cx_context.store.claim_pairs import EARLIEST, Pair, rows_at_ends, rows_of
from cx_context.store.graph import profile_columns, profile_from_row
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.candidates import weaker_end
from cx_identity.model import Edge, Profile

WITHHELD_CLAIMS = shape_of(tables.WITHHELD_CLAIMS)
_COLUMNS = ", ".join(WITHHELD_CLAIMS.columns)


class WithheldRow(NamedTuple):
    """``identifier``: the weaker end. ``recorded``, ``source``, ``id``: the claim's evidence."""

    identifier: NodeId
    other: NodeId
    tenant: str
    recorded: Micros
    source: str
    id: str

    @property
    def pair(self) -> Pair:
        return self.identifier, self.other


def withheld_row(tenant: str, edge: Edge, profiles: Mapping[NodeId, Profile]) -> WithheldRow:
    """Return the row of a claim that is withheld."""
    assert edge.claimed is not None
    identifier = weaker_end(profiles[edge.a], profiles[edge.b])
    return WithheldRow(identifier, edge.other(identifier), tenant, *edge.claimed)


async def of_pairs(tx: Tx, tenant: str, edges: Collection[Edge]) -> dict[Pair, WithheldRow]:
    """Return the rows of these pairs."""
    if not edges:
        return {}
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM withheld_claims "
        "WHERE identifier = ANY(:ends) AND other = ANY(:ends) AND tenant = :tenant",
        ends=list({end for edge in edges for end in (edge.a, edge.b)}),
        tenant=tenant,
    )
    pairs = {(edge.a, edge.b) for edge in edges}
    return {pair: row for pair, row in _by_pair(rows).items() if (min(pair), max(pair)) in pairs}


async def at_ends(tx: Tx, tenant: str, ends: Collection[NodeId]) -> dict[Pair, WithheldRow]:
    """Return the rows with an end among these."""
    return _by_pair(await rows_at_ends(tx, WITHHELD_CLAIMS, tenant, ends))


async def all_of(tx: Tx, tenant: str) -> dict[Pair, WithheldRow]:
    """Return every row of a tenant."""
    return _by_pair(await rows_of(tx, WITHHELD_CLAIMS, tenant))


def _by_pair(rows: Iterable[Sequence[Any]]) -> dict[Pair, WithheldRow]:
    found = [WithheldRow._make(row) for row in rows]
    return {row.pair: row for row in found}


async def write(tx: Tx, rows: Iterable[WithheldRow], gone: Iterable[Pair]) -> None:
    """Write rows that are new or differ; delete those that are ``gone``."""
    await claim_pairs.write(tx, WITHHELD_CLAIMS, rows, gone)


_ENDS = (("identifier", "other"), ("other", "identifier"))
_SETTLED = "m.shared AND (m.settled AND m.profile <> ALL(:lifted) OR m.profile = ANY(:added))"
_OPEN = (
    "r.{theirs} <> ALL(:members) AND r.tenant = :tenant AND NOT EXISTS "
    f"(SELECT 1 FROM members m WHERE m.profile = r.{{theirs}} AND {_SETTLED})"
)
"""Of the claims at a profile that are somebody else's too: those of which the other end settles nothing."""


class Settling(NamedTuple):
    """Identifiers that decisions which are not taken yet would settle (``added``), and those that they would not leave
    settled (``lifted``)."""

    added: Collection[NodeId] = ()
    lifted: Collection[NodeId] = ()


AS_IT_IS = Settling()


async def asked_about(
    tx: Tx, tenant: str, members: Collection[NodeId], supposed: Settling = AS_IT_IS
) -> tuple[list[RefusedClaim], int]:
    """Return at least the latest ``CLAIMS_SHOWN`` questions that withheld claims are about a customer's profiles, and
    how many there are, as far as they are counted. ``members``: all of the customer's."""
    if not await _any_at(tx, tenant, members):
        return [], 0
    values: dict[str, Any] = {"members": list(members), **{k: list(v) for k, v in supposed._asdict().items()}}
    settled = await tx.fetch(
        f"SELECT m.profile FROM members m WHERE m.profile = ANY(:members) AND m.tenant = :tenant AND {_SETTLED}",
        tenant=tenant,
        **values,
    )
    values["unsettled"] = list(set(members) - {bytes(row[0]) for row in settled})
    found: list[RefusedClaim] = []
    total = 0
    for own, theirs in _ENDS:
        which = _OPEN.format(theirs=theirs)
        rows = await tx.fetch(
            f"SELECT r.recorded, r.source, r.id, {profile_columns('i')}, {profile_columns('o')} "
            f"FROM profiles h JOIN withheld_claims r ON r.{own} = h.id AND r.recorded >= coalesce("
            f"(SELECT f.recorded FROM withheld_claims f WHERE f.{own} = h.id AND {which.replace('r.', 'f.')} "
            "ORDER BY f.recorded DESC LIMIT 1 OFFSET :skipped), :least) "
            "JOIN profiles i ON i.id = r.identifier JOIN profiles o ON o.id = r.other "
            f"WHERE h.id = ANY(:unsettled) AND {which}",
            tenant=tenant,
            skipped=CLAIMS_SHOWN - 1,
            least=EARLIEST,
            **values,
        )
        found += [
            RefusedClaim(profile_from_row(row[3:9]), profile_from_row(row[9:15]), "shared", (row[0], row[1], row[2]))
            for row in rows
        ]
        counted = await tx.fetch(
            f"SELECT count(*) FROM (SELECT 1 FROM withheld_claims r WHERE r.{own} = ANY(:unsettled) AND {which} "
            "LIMIT :most) AS few",
            tenant=tenant,
            most=CLAIMS_COUNTED,
            **values,
        )
        total += int(counted[0][0])
    return found, total


async def _any_at(tx: Tx, tenant: str, members: Collection[NodeId]) -> bool:
    if not members:
        return False
    rows = await tx.fetch(
        "SELECT EXISTS (SELECT 1 FROM withheld_claims WHERE identifier = ANY(:members) AND tenant = :tenant) "
        "OR EXISTS (SELECT 1 FROM withheld_claims WHERE other = ANY(:members) AND tenant = :tenant)",
        members=list(members),
        tenant=tenant,
    )
    return bool(rows[0][0])


async def asking_about(tx: Tx, tenant: str, ends: Collection[NodeId]) -> set[NodeId]:
    """Return the profiles that withheld claims tie to these."""
    if not ends:
        return set()
    rows = await tx.fetch(
        "SELECT other FROM withheld_claims WHERE identifier = ANY(:ends) AND tenant = :tenant "
        "UNION SELECT identifier FROM withheld_claims WHERE other = ANY(:ends) AND tenant = :tenant",
        ends=list(ends),
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}
