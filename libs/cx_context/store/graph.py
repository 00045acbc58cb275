"""Read and write the identity graph's tables: ``profiles``, ``edges`` and ``link_events``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from cx_context.store import tables
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.ids import NodeId
from cx_identity.model import Edge, Evidence, Profile

_PROFILES = shape_of(tables.PROFILES)

_EDGES = shape_of(tables.EDGES)

_LINK_EVENTS = shape_of(tables.LINK_EVENTS)


async def delete_profiles_and_edges(
    tx: Tx, profiles: Collection[NodeId], pairs: Iterable[tuple[NodeId, NodeId]]
) -> None:
    """Delete profiles and edges, before they are written anew from the stored events. Only under the exclusive refold
    lock."""
    await tx.execute("DELETE FROM profiles WHERE id = ANY(:profiles)", profiles=list(profiles))
    for a, b in pairs:
        await tx.execute("DELETE FROM edges WHERE a = :a AND b = :b", a=a, b=b)


_PROFILE = ("id", "kind", "scope", "value", "first_recorded", "attested")


def profile_columns(alias: str) -> str:
    """Return the columns that ``profile_from_row`` reads, of ``profiles`` under this alias."""
    return ", ".join(f"{alias}.{name}" for name in _PROFILE)


def profile_from_row(row: Sequence[Any]) -> Profile:
    """Return the profile of a row (id, kind, scope, value, first_recorded, attested, ...)."""
    return Profile(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def profile_row(tenant: str, profile: Profile) -> tuple[Any, ...]:
    """Return the row of ``profiles``."""
    return (
        profile.id, tenant, profile.kind, profile.scope, profile.value, profile.first_recorded, profile.attested,
    )  # fmt: skip


async def read_profiles(tx: Tx, tenant: str, ids: Collection[NodeId]) -> dict[NodeId, Profile]:
    if not ids:
        return {}
    rows = await tx.fetch(
        f"SELECT {profile_columns('p')} FROM profiles p WHERE p.id = ANY(:ids) AND p.tenant = :tenant",
        ids=list(ids),
        tenant=tenant,
    )
    return {row[0]: profile_from_row(row) for row in rows}


async def insert_profiles(tx: Tx, tenant: str, found: Iterable[Profile]) -> set[NodeId]:
    """Insert the profiles that the store lacks, and return their ids. Waits for whoever inserts the same ones: then
    they are there. Until the transaction ends, others wait in turn, so nobody else knows one that was inserted."""
    return await tx.insert_missing(_PROFILES, sorted(profile_row(tenant, profile) for profile in found))


async def write_profiles(tx: Tx, tenant: str, found: Iterable[Profile]) -> None:
    """Write profiles. A profile's ``first_recorded`` is the least of all that are written; it is attested once any fact
    attests it."""
    await tx.insert(
        _PROFILES,
        sorted(profile_row(tenant, profile) for profile in found),
        "ON CONFLICT (id) DO UPDATE SET "
        "first_recorded = CASE WHEN excluded.first_recorded < profiles.first_recorded "
        "THEN excluded.first_recorded ELSE profiles.first_recorded END, "
        "attested = profiles.attested OR excluded.attested "
        "WHERE excluded.first_recorded < profiles.first_recorded OR (excluded.attested AND NOT profiles.attested)",
    )


_WEIGHTS = ("proved", "asserted", "claimed")

_OF_A_TIE = ("recorded", "source", "id", "rule")


async def add_edges(tx: Tx, tenant: str, found: Iterable[Edge]) -> None:
    """Write edges that are surely new: one end of each was inserted in this transaction."""
    await tx.append(_EDGES, sorted((edge_row(tenant, edge) for edge in found), key=lambda row: (row[0], row[1])))


async def write_edges(tx: Tx, tenant: str, found: Iterable[Edge]) -> None:
    """Write edges. The earliest evidence of each weight stays."""
    await tx.insert(
        _EDGES,
        sorted((edge_row(tenant, edge) for edge in found), key=lambda row: (row[0], row[1])),
        "ON CONFLICT (a, b) DO UPDATE SET " + ", ".join(map(_earliest, _WEIGHTS)),
    )


def _earliest(weight: str) -> str:
    fields = [f"{weight}_{name}" for name in _OF_A_TIE]
    place = ", ".join(f"{{table}}.{field}" for field in fields[:3])
    new, old = place.format(table="excluded"), place.format(table="edges")
    better = f"excluded.{fields[0]} IS NOT NULL AND (edges.{fields[0]} IS NULL OR ({new}) < ({old}))"
    return ", ".join(f"{f} = CASE WHEN {better} THEN excluded.{f} ELSE edges.{f} END" for f in fields)


_SELECT_EDGES = f"SELECT a, b, {', '.join(f'{weight}_{name}' for weight in _WEIGHTS for name in _OF_A_TIE)} FROM edges"


def _edge(row: Sequence[Any]) -> Edge:
    proved: Evidence | None = (row[2], row[3], row[4]) if row[2] is not None else None
    asserted: Evidence | None = (row[6], row[7], row[8]) if row[6] is not None else None
    claimed: Evidence | None = (row[10], row[11], row[12]) if row[10] is not None else None
    return Edge(row[0], row[1], proved, asserted, claimed, row[5] or "", row[9] or "", row[13] or "")


def edge_row(tenant: str, edge: Edge) -> tuple[Any, ...]:
    """Return the row of ``edges``."""
    proved = (*edge.proved, edge.proved_rule) if edge.proved is not None else _NO_TIE
    asserted = (*edge.asserted, edge.asserted_rule) if edge.asserted is not None else _NO_TIE
    claimed = (*edge.claimed, edge.claimed_rule) if edge.claimed is not None else _NO_TIE
    return (edge.a, edge.b, tenant, *proved, *asserted, *claimed)


_NO_TIE = (None,) * 4


async def edges_at(
    tx: Tx,
    tenant: str,
    nodes: Collection[NodeId],
    *,
    firm_only: Collection[NodeId] = (),
    proved_only: Collection[NodeId] = (),
) -> list[Edge]:
    """Return all edges that touch these profiles, none twice. Of profiles in ``firm_only`` return the proved and
    asserted ones alone, of those in ``proved_only`` the proved ones, and of both all edges among them."""
    proved, firm = set(proved_only), set(firm_only) - set(proved_only)
    ends = {
        "all": [node for node in nodes if node not in proved and node not in firm],
        "firm": list(firm),
        "proved": list(proved),
    }
    texts = [
        f"{_SELECT_EDGES} WHERE {end} = ANY(:{name}) AND tenant = :tenant{_SUCH_EDGES[name]}"
        for name, some in ends.items()
        if some
        for end in ("a", "b")
    ]
    if not texts:
        return []
    spared = proved | firm
    if len(spared) > 1:
        ends["spared"] = list(spared)
        texts.append(f"{_SELECT_EDGES} WHERE a = ANY(:spared) AND b = ANY(:spared) AND tenant = :tenant")
    rows = await tx.fetch(
        " UNION ALL ".join(texts), tenant=tenant, **{name: some for name, some in ends.items() if some}
    )
    return list({(row[0], row[1]): _edge(row) for row in rows}.values())


_SUCH_EDGES = {
    "all": "",
    "firm": " AND (proved_recorded IS NOT NULL OR asserted_recorded IS NOT NULL)",
    "proved": " AND proved_recorded IS NOT NULL",
}


async def write_link_events(tx: Tx, rows: Iterable[tuple[NodeId, bytes]]) -> None:
    """Write (profile, event) of events that name a profile and live elsewhere.

    Also (key of a name, event) of mails, which are known by their content (``cx_events.mail_copies``).
    """
    await tx.insert(_LINK_EVENTS, sorted(set(rows)), "ON CONFLICT DO NOTHING")


async def read_whole_graph(tx: Tx, tenant: str) -> tuple[dict[NodeId, Profile], list[Edge]]:
    """Return all profiles and edges of a tenant, for a change of rules."""
    found = await tx.fetch(f"SELECT {profile_columns('p')} FROM profiles p WHERE p.tenant = :tenant", tenant=tenant)
    rows = await tx.fetch(f"{_SELECT_EDGES} WHERE tenant = :tenant", tenant=tenant)
    return {row[0]: profile_from_row(row) for row in found}, [_edge(row) for row in rows]


async def has_more_profiles(tx: Tx, tenant: str, most: int) -> bool:
    rows = await tx.fetch(
        "SELECT count(*) FROM (SELECT 1 FROM profiles WHERE tenant = :tenant LIMIT :most) AS few",
        tenant=tenant,
        most=most + 1,
    )
    return int(rows[0][0]) > most
