"""Read and write the table ``decisions``: merges, unmerges, dismissals and withdrawals by people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cx_context.store import tables
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_context.store.tables import NO_ID
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.model import Decision

_DECISIONS = shape_of(tables.DECISIONS)


async def write_decisions(tx: Tx, tenant: str, found: Iterable[Decision], effective: Mapping[bytes, Micros]) -> None:
    """Write decisions. ``effective``: the effective times of their events, by key."""
    rows = sorted(
        (d.key, tenant, effective[d.key], *d.at, d.kind, d.a or NO_ID, d.b or NO_ID, d.withdraws, d.reason)
        for d in found
    )
    await tx.insert(_DECISIONS, rows, "ON CONFLICT DO NOTHING")


_SELECT_DECISIONS = "SELECT key, recorded, source, id, kind, a, b, withdraws, reason FROM decisions"


def _decision(row: Sequence[Any]) -> Decision:
    key, recorded, source, id, kind, a, b, withdraws, reason = row
    return Decision(key, (recorded, source, id), kind, _named(a), _named(b), withdraws, reason)


def _named(node: NodeId) -> NodeId:
    return node if node != NO_ID else b""


async def read_decisions(tx: Tx, tenant: str) -> list[Decision]:
    """Return all of a tenant's decisions."""
    return await decisions_where(tx, "tenant = :tenant", tenant=tenant)


async def decisions_where(tx: Tx, condition: str, **values: Any) -> list[Decision]:
    return [_decision(row) for row in await tx.fetch(f"{_SELECT_DECISIONS} WHERE {condition}", **values)]


class TenantFlags(NamedTuple):
    """Flags of a tenant: whether anybody ever decided about profiles, whether anybody ever attributed an interaction,
    whether any claim is refused or withheld. Mostly none is set, which saves the look-ups."""

    decided: bool
    attributed: bool
    refused: bool
    withheld: bool


ALL_FLAGS = TenantFlags(decided=True, attributed=True, refused=True, withheld=True)


async def read_tenant_flags(tx: Tx, tenant: str) -> TenantFlags:
    """Return the tenant's flags. Under the graph lock they stay so: whoever decides takes it exclusively."""
    rows = await tx.fetch(
        "SELECT EXISTS (SELECT 1 FROM decisions WHERE tenant = :tenant), "
        "EXISTS (SELECT 1 FROM attributions WHERE tenant = :tenant), "
        "EXISTS (SELECT 1 FROM refused_claims WHERE tenant = :tenant), "
        "EXISTS (SELECT 1 FROM withheld_claims WHERE tenant = :tenant)",
        tenant=tenant,
    )
    return TenantFlags(*map(bool, rows[0]))


async def decisions_naming(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> list[Decision]:
    """Return the decisions about these profiles, withdrawn ones too."""
    found: dict[bytes, Decision] = {}
    for end in ("a", "b"):
        for row in await tx.fetch(
            f"{_SELECT_DECISIONS} WHERE {end} = ANY(:nodes) AND tenant = :tenant", nodes=list(nodes), tenant=tenant
        ):
            found[row[0]] = _decision(row)
    return list(found.values())


async def read_withdrawals(tx: Tx, tenant: str) -> list[Decision]:
    """Return every withdrawal of a tenant: few, and each names a decision that may be anybody's."""
    rows = await tx.fetch(f"{_SELECT_DECISIONS} WHERE tenant = :tenant AND kind = 'withdraw'", tenant=tenant)
    return [_decision(row) for row in rows]


async def delete_decision(tx: Tx, key: bytes) -> None:
    """Delete what one event decided. Only under the exclusive refold lock."""
    for table in ("decisions", "attributions", "rule_changes"):
        await tx.execute(f"DELETE FROM {table} WHERE key = :key", key=key)


async def read_named(tx: Tx, table: str, column: str, tenant: str, names: Iterable[str]) -> set[bytes]:
    """Return the ``column`` of rows whose event is called one of the names, ``SOURCE#ID``."""
    found: set[bytes] = set()
    for name in names:
        rows = await tx.fetch(
            f"SELECT {column} FROM {table} WHERE tenant = :tenant AND source || '#' || id = :name",
            tenant=tenant,
            name=name,
        )
        found.update(row[0] for row in rows)
    return found
