"""Read and write the table ``members``: the customer of each profile, as resolved last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from cx_context.sections.members import Member
from cx_context.store import tables
from cx_context.store.graph import profile_columns, profile_from_row, read_profiles
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_context.store.tables import NO_ID
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.model import Profile
from cx_identity.outcome import Resolution

_MEMBERS = shape_of(tables.MEMBERS)

SOME_SHARED_SQL = "(SELECT EXISTS (SELECT 1 FROM members WHERE tenant = :tenant AND shared))"

SOME_AMBIGUOUS_SQL = "(SELECT EXISTS (SELECT 1 FROM members WHERE tenant = :tenant AND ambiguous))"
"""Asked once a statement: mostly nothing is ambiguous, and then no side of an interaction need be looked at."""


class ResolvedProfiles(NamedTuple):
    """Profiles, and the rows of ``members`` of those that are not simply a customer of their own."""

    profiles: dict[NodeId, Profile]
    rows: dict[NodeId, MemberRow]


async def read_resolved(tx: Tx, tenant: str, ids: Collection[NodeId]) -> ResolvedProfiles:
    """Return what is known of these profiles."""
    if not ids:
        return ResolvedProfiles({}, {})
    return _resolved_from_rows(
        await tx.fetch(
            f"{_SELECT_RESOLVED} WHERE p.id = ANY(:ids) AND p.tenant = :tenant", ids=list(ids), tenant=tenant
        )
    )


async def read_resolved_with_companions(tx: Tx, tenant: str, ids: Collection[NodeId]) -> ResolvedProfiles:
    """Return what is known of these profiles and of all that are of one customer with one of them."""
    if not ids:
        return ResolvedProfiles({}, {})
    rows = await tx.fetch(
        "WITH asked AS (SELECT p.id, coalesce(m.customer, p.id) AS customer "
        "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id = ANY(:ids) AND p.tenant = :tenant) "
        f"{_SELECT_RESOLVED} WHERE p.tenant = :tenant "
        "AND p.id IN (SELECT id FROM asked UNION SELECT customer FROM asked "
        "UNION SELECT c.profile FROM members c WHERE c.customer IN (SELECT customer FROM asked))",
        ids=list(ids),
        tenant=tenant,
    )
    return _resolved_from_rows(rows)


def _resolved_from_rows(rows: Iterable[Sequence[Any]]) -> ResolvedProfiles:
    found = ResolvedProfiles({}, {})
    for row in rows:
        profile = profile_from_row(row)
        found.profiles[profile.id] = profile
        if row[6] is not None:
            found.rows[profile.id] = _member_row(row[6:])
    return found


async def read_all_customers(tx: Tx, tenant: str) -> set[NodeId]:
    """Return every customer of a tenant that has a profile, for a change of rules."""
    rows = await tx.fetch(
        "SELECT DISTINCT coalesce(m.customer, p.id) FROM profiles p LEFT JOIN members m ON m.profile = p.id "
        "WHERE p.tenant = :tenant",
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}


async def streams_of_nobody(tx: Tx, tenant: str) -> set[NodeId]:
    """Return every stream with parts that is no profile's: interactions of which some event names nobody."""
    rows = await tx.fetch(
        "SELECT DISTINCT p.stream_id FROM parts p LEFT JOIN profiles f ON f.id = p.stream_id "
        "WHERE p.tenant = :tenant AND f.id IS NULL",
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}


async def customers_of(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, NodeId]:
    """Return the customer of each profile; one that is not a member of anything is its own."""
    return (await customers_and_ambiguous(tx, tenant, nodes))[0]


async def customers_and_ambiguous(
    tx: Tx, tenant: str, nodes: Collection[NodeId]
) -> tuple[dict[NodeId, NodeId], set[NodeId]]:
    """Return what ``customers_of`` does, and which of the profiles are ambiguous."""
    found = await memberships_of(tx, tenant, nodes)
    customer_of = {node: found[node].customer if node in found else node for node in nodes}
    return customer_of, {node for node, standing in found.items() if standing.ambiguous}


class Membership(NamedTuple):
    """A profile's customer. ``ambiguous``: it is a shared identifier, and nothing proves or asserts whose it is."""

    customer: NodeId
    ambiguous: bool


async def memberships_of(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, Membership]:
    """Return the memberships of those profiles that are not simply a customer of their own."""
    if not nodes:
        return {}
    rows = await tx.fetch(
        "SELECT profile, customer, ambiguous FROM members WHERE profile = ANY(:nodes) AND tenant = :tenant",
        nodes=list(nodes),
        tenant=tenant,
    )
    return {profile: Membership(customer, bool(ambiguous)) for profile, customer, ambiguous in rows}


class MemberRow(NamedTuple):
    """A row of ``members``. ``confidence`` in hundredths."""

    profile: NodeId
    tenant: str
    customer: NodeId
    core: NodeId
    shared: bool
    firmly_shared: bool
    ambiguous: bool
    claimed: bool
    decided: bool
    settled: bool
    rule: str
    evidence: str
    confidence: int
    via: NodeId


_SELECT_RESOLVED = (
    f"SELECT {profile_columns('p')}, {', '.join(f'm.{name}' for name in _MEMBERS.columns)} "
    "FROM profiles p LEFT JOIN members m ON m.profile = p.id"
)


def member_row(tenant: str, profile: NodeId, resolution: Resolution) -> MemberRow:
    joined = resolution.join_reasons.get(profile)
    why = ("", "", 0, NO_ID)
    if joined is not None:
        why = (joined.rule, "#".join(joined.evidence), joined.confidence, joined.via)
    return MemberRow(
        profile,
        tenant,
        resolution.customer_of[profile],
        resolution.core_of[profile],
        profile in resolution.shared.counting_all,
        profile in resolution.shared.counting_firm,
        profile in resolution.ambiguous,
        profile in resolution.claimed,
        profile in resolution.decided,
        profile in resolution.settled,
        *why,
    )


def lone_member_row(tenant: str, profile: NodeId) -> MemberRow:
    """Return the row of a profile that is a member of nothing."""
    return MemberRow(profile, tenant, profile, profile, False, False, False, False, False, False, "", "", 0, NO_ID)


async def read_member_rows(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, MemberRow]:
    if not nodes:
        return {}
    rows = await tx.fetch(
        f"SELECT {', '.join(_MEMBERS.columns)} FROM members WHERE profile = ANY(:nodes) AND tenant = :tenant",
        nodes=list(nodes),
        tenant=tenant,
    )
    return {row[0]: _member_row(row) for row in rows}


def _member_row(row: Sequence[Any]) -> MemberRow:
    return MemberRow(*row[:4], *map(bool, row[4:10]), *row[10:])


async def add_members(tx: Tx, rows: Iterable[MemberRow]) -> None:
    """Write rows of profiles that surely have none: they were inserted in this transaction."""
    await tx.append(_MEMBERS, sorted(rows))


async def write_members(tx: Tx, rows: Iterable[MemberRow]) -> None:
    updates = ", ".join(f"{name} = excluded.{name}" for name in _MEMBERS.columns[2:])
    await tx.insert(_MEMBERS, sorted(rows), f"ON CONFLICT (profile) DO UPDATE SET {updates}")


async def members_of(tx: Tx, tenant: str, customer: NodeId) -> list[Member]:
    """Return the profiles of a customer; none where it is an interaction that stands alone."""
    rows = await tx.fetch(
        "SELECT p.id, p.kind, p.scope, p.value, p.first_recorded, m.rule, m.evidence, m.confidence, m.via, m.claimed "
        "FROM members m JOIN profiles p ON p.id = m.profile WHERE m.customer = :customer",
        customer=customer,
    )
    found = [member_from_columns(*row) for row in rows]
    if all(member.id != customer for member in found):
        found += [
            Member(p.id, p.kind, p.scope, p.value, p.first_recorded)
            for p in (await read_profiles(tx, tenant, [customer])).values()
        ]
    return found


def member_from_columns(
    id: NodeId,
    kind: str,
    scope: str,
    value: str,
    first_recorded: Micros,
    rule: str | None,
    evidence: str,
    confidence: int,
    via: NodeId,
    claimed: bool,
) -> Member:
    joined = (rule, evidence, confidence, via) if rule else None
    return Member(id, kind, scope, value, first_recorded, joined, bool(claimed))
