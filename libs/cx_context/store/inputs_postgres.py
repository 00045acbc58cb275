"""Read what several contexts are made of in one statement (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Collection

from cx_context.sections.timeline import TIMELINE_SHOWN
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.members import SOME_AMBIGUOUS_SQL, member_from_columns
from cx_context.store.parts import names_nobody_sql
from cx_context.store.rule_changes import read_proof_lifetimes
from cx_context.store.sql import Tx
from cx_events.ids import IdSpace, NodeId

MANY_PARTS = 500

_AT_ONCE = f"""
WITH own AS MATERIALIZED (
  SELECT asked.node, coalesce(m.customer, asked.node) AS customer
  FROM unnest(:nodes::bytea[]) AS asked (node)
  LEFT JOIN members m ON m.profile = asked.node AND m.tenant = :tenant
), mine AS MATERIALIZED (
  SELECT own.node, own.customer, p.id, p.kind, p.scope, p.value, p.first_recorded,
    m.rule, m.evidence, m.confidence, m.via, m.claimed
  FROM own JOIN members m ON m.customer = own.customer JOIN profiles p ON p.id = m.profile
  WHERE p.tenant = :tenant
  UNION ALL
  SELECT own.node, own.customer, p.id, p.kind, p.scope, p.value, p.first_recorded, NULL, NULL, NULL, NULL, NULL
  FROM own JOIN profiles p ON p.id = own.customer
  WHERE p.tenant = :tenant AND NOT EXISTS (SELECT 1 FROM members m WHERE m.profile = p.id AND m.customer = p.id)
)
SELECT mine.*,
  ({FIRST_VERSION} + (SELECT coalesce(sum(v.n), 0) FROM versions v WHERE v.customer = mine.customer))::bigint,
  kept.part_ids, kept.bodies,
  ARRAY(
    SELECT e.raw FROM events e WHERE e.stream_id = mine.id AND e.tenant = :tenant
    ORDER BY e.effective DESC FETCH FIRST :most ROWS WITH TIES
  ),
  EXISTS (
    SELECT 1 FROM parts p
    WHERE p.stream_id = mine.id AND p.interaction <> p.stream_id AND p.tenant = :tenant
    AND {names_nobody_sql("p.interaction")}
  ) OR EXISTS (SELECT 1 FROM attributions a WHERE a.profile = mine.id AND a.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM refused_claims r WHERE r.identifier = mine.id AND r.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM refused_claims r WHERE r.other = mine.id AND r.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM withheld_claims r WHERE r.identifier = mine.id AND r.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM withheld_claims r WHERE r.other = mine.id AND r.tenant = :tenant)
  OR {SOME_AMBIGUOUS_SQL} AND (
    EXISTS (SELECT 1 FROM members m WHERE m.profile = mine.id AND m.ambiguous) OR EXISTS (
      SELECT 1 FROM parts p JOIN parts o ON o.interaction = p.interaction AND o.stream_id <> p.stream_id
      JOIN members m ON m.profile = o.stream_id AND m.ambiguous
      WHERE p.stream_id = mine.id AND p.interaction <> p.stream_id AND p.tenant = :tenant
    )
  )
FROM mine CROSS JOIN LATERAL (
  SELECT array_agg(few.part_id) AS part_ids, array_agg(few.body) AS bodies
  FROM (
    SELECT p.part_id, p.body FROM parts p WHERE p.stream_id = mine.id AND p.tenant = :tenant LIMIT {MANY_PARTS}
  ) AS few
) AS kept
"""
"""A row a member, with lists in it: a row of its own for each part and event takes the driver longer than they do."""


async def read_inputs_at_once(
    tx: Tx, ids: IdSpace, nodes: Collection[NodeId], timeline: int = TIMELINE_SHOWN
) -> dict[NodeId, ContextInputs]:
    """As ``whole``, of several in one statement, which sees one state by itself: a round trip costs more than all that
    it brings.

    Left out are nodes that are nobody's profile, those whose customer an interaction follows or who has to do with an
    ambiguous identifier (whose events those are is a longer question) or with a refused claim, and those with a profile
    of ``MANY_PARTS``: nobody else should wait for them. Nothing is found on SQLite, where no way need be saved.
    """
    if not tx.for_update:
        return {}
    rows = await tx.fetch(_AT_ONCE, nodes=list(nodes), tenant=ids.tenant, most=timeline)
    lifetimes = await read_proof_lifetimes(tx, ids.tenant) if rows else {}
    wholes: dict[NodeId, ContextInputs] = {}
    left_out: set[NodeId] = set()
    for row in rows:
        node, customer = row[:2]
        version, part_ids, bodies, raws, followed = row[12:]
        if followed or (part_ids is not None and len(part_ids) >= MANY_PARTS):
            left_out.add(node)
        member = member_from_columns(*row[2:12])
        parts = zip(part_ids, bodies, strict=True) if part_ids else ()
        whole = wholes.get(node)
        if whole is None:
            wholes[node] = ContextInputs(
                ids, CustomerMatch(customer, version), [member], list(parts), raws, lifetimes=lifetimes
            )
        else:
            whole.members.append(member)
            whole.parts.extend(parts)
            whole.raws.extend(raws)
    for node in left_out:
        del wholes[node]
    return wholes
