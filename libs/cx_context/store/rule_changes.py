"""Read and write the changes of a tenant's rules of identity, as applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cx_context.sections.proofs import Lifetimes
from cx_context.store import tables
from cx_context.store.decisions import read_withdrawals
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT, Rules, RulesChange
from cx_identity.rules import rules_in_force as latest_rules


async def latest(tx: Tx, tenant: str) -> tuple[Micros, str]:
    """Return when the last change was recorded, in µs, and its name (``SOURCE#ID``), withdrawn or not; 0 and an empty
    name where there never was one."""
    rows = await tx.fetch(
        "SELECT recorded, source, id FROM rule_changes WHERE tenant = :tenant "
        "ORDER BY recorded DESC, source DESC, id DESC LIMIT 1",
        tenant=tenant,
    )
    return (int(rows[0][0]), f"{rows[0][1]}#{rows[0][2]}") if rows else (0, "")


_RULE_CHANGES = shape_of(tables.RULE_CHANGES)


async def write_rule_changes(
    tx: Tx, tenant: str, found: Iterable[RulesChange], effective: Mapping[bytes, Micros]
) -> None:
    rows = [(c.key, tenant, effective[c.key], *c.at, rules_text(c.rules)) for c in found]
    await tx.insert(_RULE_CHANGES, sorted(rows), "ON CONFLICT DO NOTHING")


def rules_text(rules: Rules) -> str:
    """Return rules as ``rule_changes`` holds them."""
    return msgspec.json.encode(rules.as_mapping()).decode()


async def read_rules_in_force(tx: Tx, tenant: str, base: Rules) -> Rules:
    """Return the latest change of rules that was not withdrawn; ``base`` if there never was one."""
    rows = await tx.fetch(
        "SELECT key, recorded, source, id, rules FROM rule_changes WHERE tenant = :tenant", tenant=tenant
    )
    if not rows:
        return base
    return latest_rules([rules_change_from_row(row) for row in rows], await read_withdrawals(tx, tenant), base)


def rules_change_from_row(row: Sequence[Any]) -> RulesChange:
    """Return the change of a row (key, recorded, source, id, rules)."""
    key, recorded, source, id, rules = row
    return RulesChange(key, (recorded, source, id), Rules.parse(msgspec.json.decode(rules)))


async def read_proof_lifetimes(tx: Tx, tenant: str) -> Lifetimes:
    """Return for how long proofs count, by the rules in force."""
    return (await read_rules_in_force(tx, tenant, DEFAULT)).proof_lifetime
