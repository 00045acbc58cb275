"""Find the time of the latest identity decision that a new one may contradict, replace or withdraw.

Of two decisions the later recorded one wins, and two machines' clocks never agree. So a new decision is stamped later
than every decision that its author may have seen (``DecisionDraft.after``). All times are µs since 1970; 0 means that
there is no decision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cx_context.store.attributions import attributions_where
from cx_context.store.decisions import read_withdrawals
from cx_context.store.graph_slices import resolve_surroundings
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.sql import Tx
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution
from cx_identity.model import Decision
from cx_identity.rules import RulesChange


def latest_of(decisions: Iterable[Decision | Attribution | RulesChange]) -> Micros:
    """Return when the latest of these was recorded."""
    return max((decision.at[0] for decision in decisions), default=0)


async def latest_about_people(tx: Tx, tenant: str, tenancy: Tenancy, profiles: Collection[NodeId]) -> Micros:
    """Return when the latest decision was recorded that has a say in whose these profiles are."""
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    scope, _ = await resolve_surroundings(tx, tenant, profiles, rules)
    return latest_of(scope.graph().decisions)


async def latest_about_interaction(tx: Tx, tenant: str, node: NodeId) -> Micros:
    """Return when an interaction was attributed last, or an attribution withdrawn."""
    found = await attributions_where(tx, "interaction = :node AND tenant = :tenant", node=node, tenant=tenant)
    return latest_of([*found, *await read_withdrawals(tx, tenant)]) if found else 0
