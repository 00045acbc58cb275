"""Read and write the table ``attributions``: interactions that a person gave to a profile."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from cx_context.store import tables
from cx_context.store.decisions import read_withdrawals
from cx_context.store.graph_view import GraphView
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_context.store.tables import NO_ID
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.model import Decision
from cx_identity.unmerge import withdrawn_decisions

_ATTRIBUTIONS = shape_of(tables.ATTRIBUTIONS)


async def nodes_attributed_to(tx: Tx, tenant: str, profiles: Collection[NodeId]) -> set[NodeId]:
    """Return the interactions that a person ever attributed to one of these profiles."""
    if not profiles:
        return set()
    rows = await tx.fetch(
        "SELECT DISTINCT interaction FROM attributions WHERE profile = ANY(:profiles) AND tenant = :tenant",
        profiles=list(profiles),
        tenant=tenant,
    )
    return {row[0] for row in rows}


async def attributions_where(tx: Tx, condition: str, **values: Any) -> list[Attribution]:
    """Return the attributions that meet a condition."""
    rows = await tx.fetch(
        f"SELECT key, recorded, source, id, interaction, profile FROM attributions WHERE {condition}", **values
    )
    return [
        Attribution(key, (recorded, source, id), node, profile if profile != NO_ID else None)
        for key, recorded, source, id, node, profile in rows
    ]


async def write_attributions(
    tx: Tx, tenant: str, found: Iterable[Attribution], effective: Mapping[bytes, Micros]
) -> None:
    rows = sorted((a.key, tenant, effective[a.key], *a.at, a.interaction, a.profile or NO_ID) for a in found)
    await tx.insert(_ATTRIBUTIONS, rows, "ON CONFLICT DO NOTHING")


async def standing_attributions(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, Attribution]:
    """Return the attribution that counts of each interaction that a person attributed, by node."""
    if not nodes:
        return {}
    found = await attributions_where(
        tx, "interaction = ANY(:nodes) AND tenant = :tenant", nodes=list(nodes), tenant=tenant
    )
    return standing_among(found, await read_withdrawals(tx, tenant) if found else [])


def standing_among(attributions: Iterable[Attribution], withdrawals: Sequence[Decision]) -> dict[NodeId, Attribution]:
    """Return the attribution that counts of each interaction, by node; none where all were withdrawn."""
    by_node = _by_node(attributions)
    standing = {node: standing_attribution(of_one, withdrawals) for node, of_one in by_node.items()}
    return {node: attribution for node, attribution in standing.items() if attribution is not None}


def _by_node(attributions: Iterable[Attribution]) -> dict[NodeId, list[Attribution]]:
    by_node: dict[NodeId, list[Attribution]] = {}
    for attribution in attributions:
        by_node.setdefault(attribution.interaction, []).append(attribution)
    return by_node


async def attributed_profiles(tx: Tx, tenant: str, node: NodeId) -> set[NodeId]:
    """Return every profile that an interaction was ever attributed to."""
    rows = await tx.fetch(
        "SELECT profile FROM attributions WHERE interaction = :node AND tenant = :tenant", node=node, tenant=tenant
    )
    return {row[0] for row in rows} - {NO_ID}


async def attributed_nodes(tx: Tx, tenant: str, profiles: Collection[NodeId], nodes: Collection[NodeId]) -> set[NodeId]:
    """Return the interactions ever attributed to one of the profiles, and those of ``nodes`` ever attributed."""
    rows = await tx.fetch(
        "SELECT DISTINCT interaction FROM attributions WHERE tenant = :tenant "
        "AND (profile = ANY(:profiles) OR interaction = ANY(:nodes))",
        profiles=list(profiles),
        nodes=list(nodes),
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}


async def attributions_about(
    graph: GraphView, profiles: Collection[NodeId], nodes: Collection[NodeId]
) -> list[tuple[Attribution, str]]:
    """Return every attribution to one of the profiles or of one of the interactions, newest first, with its standing:
    ``stands``, ``superseded`` by a newer one, ``withdrawn``."""
    named = await graph.attributed_nodes(profiles, nodes)
    if not named:
        return []
    return standings_of(await graph.attributions_of(named), await graph.withdrawals())


def standings_of(attributions: Iterable[Attribution], withdrawals: Sequence[Decision]) -> list[tuple[Attribution, str]]:
    """Return each attribution with its standing, the newest first."""
    gone = withdrawn_decisions(withdrawals)
    told = []
    for of_one in _by_node(attributions).values():
        counts = standing_attribution(of_one, withdrawals)
        for attribution in of_one:
            standing = "withdrawn" if attribution.name in gone else "stands" if attribution is counts else "superseded"
            told.append((attribution, standing))
    told.sort(key=lambda one: one[0].at, reverse=True)
    return told


async def attributions_of(tx: Tx, node: NodeId) -> list[Attribution]:
    """Return every attribution of one interaction, withdrawn ones too."""
    rows = await tx.fetch(
        "SELECT key, recorded, source, id, profile FROM attributions WHERE interaction = :node", node=node
    )
    return [
        Attribution(key, (recorded, source, id), node, profile if profile != NO_ID else None)
        for key, recorded, source, id, profile in rows
    ]
