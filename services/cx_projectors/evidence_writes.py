"""Write what a plan says about identity: first mentions of profiles and pairs, and decisions.

Nobody's customer changes here: that is worked out under the graph lock (``publish``, ``identity``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field

import msgspec

from cx_context.store import first_mentions
from cx_context.store.attributions import write_attributions
from cx_context.store.decisions import read_decisions, read_named, read_withdrawals, write_decisions
from cx_context.store.graph import add_edges, insert_profiles, write_edges, write_link_events
from cx_context.store.rule_changes import write_rule_changes
from cx_context.store.sql import Tx
from cx_events.ids import NodeId
from cx_identity.first_mentions import (
    ATTESTED,
    EDGE_KINDS,
    NAMED,
    Mention,
    MentionKey,
    edge_of,
    first_edges,
    pareto_front,
)
from cx_identity.model import Decision, Edge, Profile, sum_profiles
from cx_projectors.plan import TenantPlan

Pair = tuple[NodeId, NodeId]


@dataclass(slots=True)
class IdentityChanges:
    """The changes of a plan to what is known about identity.

    ``affected``: profiles whose customer may change. ``new_profiles``: those that the store had no row of, as they are
    now: until this transaction ends nobody else can write anything about one of them, or read it. ``edges``: those that
    are new or changed, as the batch knows them; all edges of new profiles are among them. ``known_profiles``: as the
    batch knows them, those that are to be written under the graph lock. ``newly_attested``: profiles that are attested
    now and were not, new ones too. ``mentions``: the first mentions that the store has now. ``attributed``:
    interactions that were attributed, or whose attribution was withdrawn. ``decided``: whether anybody decided about
    profiles. ``rules``: whether the rules changed. ``withdrawals``: what they concern is found by ``add_withdrawn``.
    """

    affected: set[NodeId] = field(default_factory=set)
    new_profiles: dict[NodeId, Profile] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    known_profiles: Collection[Profile] = ()
    newly_attested: set[NodeId] = field(default_factory=set)
    mentions: dict[MentionKey, list[Mention]] = field(default_factory=dict)
    attributed: set[NodeId] = field(default_factory=set)
    decided: bool = False
    rules: bool = False
    withdrawals: list[Decision] = field(default_factory=list)


async def write_identity(tx: Tx, plan: TenantPlan) -> IdentityChanges:
    """Write profiles, edges and decisions that are new or known from an earlier time now."""
    changes = IdentityChanges(
        attributed={attribution.interaction for attribution in plan.attributions},
        decided=bool(plan.decisions),
        rules=bool(plan.rule_changes),
        withdrawals=plan.withdrawals,
    )
    if plan.mentions:
        await _write_mentions(tx, plan, changes)
    await write_link_events(tx, plan.link_events)
    await write_attributions(tx, plan.tenant, plan.attributions, plan.effective)
    await write_rule_changes(tx, plan.tenant, plan.rule_changes, plan.effective)
    if plan.decisions:
        await write_decisions(tx, plan.tenant, plan.decisions, plan.effective)
        changes.affected |= _profiles_of(plan.decisions)
    return changes


async def _write_mentions(tx: Tx, plan: TenantPlan, changes: IdentityChanges) -> None:
    """Write profiles, edges and first mentions. What the store lacks shows when it is inserted: only what it has is
    looked up."""
    named = _profiles_named(plan)
    inserted = await insert_profiles(tx, plan.tenant, named.values())
    changes.new_profiles = {id: named[id] for id in inserted}
    of_known = _note_new(plan, inserted, changes)
    additions = dict(changes.mentions)
    new_edges = first_edges(additions)
    await add_edges(tx, plan.tenant, new_edges)

    stored = await first_mentions.stored(tx, of_known.keys())
    earliest = _note_known(of_known, stored, changes, additions)
    changes.known_profiles, pairs = _note_earliest(plan, stored, earliest, changes)
    known_edges = [_edge(changes.mentions, *pair) for pair in pairs]
    await write_edges(tx, plan.tenant, known_edges)
    await first_mentions.write(tx, plan.tenant, additions)
    changes.edges = new_edges + known_edges
    changes.affected.update(end for edge in changes.edges for end in (edge.a, edge.b))


def _profiles_named(plan: TenantPlan) -> dict[NodeId, Profile]:
    """Return the profiles of which the plan has mentions, as far as these say."""
    named: dict[NodeId, Profile] = {}
    for id, profile in plan.profiles.items():
        steps = plan.mentions.get((NAMED, id, id))
        if steps is not None:
            recorded = steps[0].at[0] if len(steps) == 1 else min(step.at[0] for step in steps)
            attested = (ATTESTED, id, id) in plan.mentions
            named[id] = Profile(id, profile.kind, profile.scope, profile.value, recorded, attested)
    return named


def _note_new(plan: TenantPlan, inserted: Set[NodeId], changes: IdentityChanges) -> dict[MentionKey, list[Mention]]:
    """Note the first mentions of what the store lacks, and return the others. ``inserted``: the profiles that are
    new."""
    others: dict[MentionKey, list[Mention]] = {}
    for seen, steps in plan.mentions.items():
        if seen[1] not in inserted and seen[2] not in inserted:
            others[seen] = steps
            continue
        changes.mentions[seen] = steps if len(steps) == 1 else pareto_front(steps)
        if seen[0] == ATTESTED:
            changes.newly_attested.add(seen[1])
    return others


def _note_known(
    of_known: Mapping[MentionKey, list[Mention]],
    stored: Mapping[MentionKey, list[Mention]],
    changes: IdentityChanges,
    additions: dict[MentionKey, list[Mention]],
) -> list[MentionKey]:
    """Note the first mentions of what the store has, add those that it lacks to ``additions``, and return what is known
    from an earlier time now, or from these alone."""
    earliest: list[MentionKey] = []
    for seen, steps in of_known.items():
        known = stored.get(seen, [])
        first = changes.mentions[seen] = pareto_front([*known, *steps])
        additions[seen] = [step for step in first if step not in known]
        if not known or first[0].at < min(step.at for step in known):
            earliest.append(seen)
    return earliest


def _note_earliest(
    plan: TenantPlan, stored: Mapping[MentionKey, object], earliest: Iterable[MentionKey], changes: IdentityChanges
) -> tuple[Collection[Profile], Collection[Pair]]:
    """Return the profiles and pairs that are known from an earlier time now, or by other evidence, and note whom that
    affects. ``earliest``: those of the plan's mentions that are earlier than all that the store has."""
    profiles: dict[NodeId, Profile] = {}
    for seen in earliest:
        kind, a, _ = seen
        if kind not in (NAMED, ATTESTED):
            continue
        profile = msgspec.structs.replace(
            plan.profiles[a], first_recorded=changes.mentions[seen][0].at[0], attested=kind == ATTESTED
        )
        profiles[a] = sum_profiles(profiles[a], profile) if a in profiles else profile
        if kind == NAMED:
            changes.affected.add(a)
        elif seen not in stored:
            changes.newly_attested.add(a)
            changes.affected.add(a)
    return profiles.values(), _pairs_of(earliest)


def _pairs_of(seen: Iterable[MentionKey]) -> Collection[Pair]:
    return dict.fromkeys((a, b) for kind, a, b in seen if kind not in (NAMED, ATTESTED))


def _edge(mentions: Mapping[MentionKey, list[Mention]], a: NodeId, b: NodeId) -> Edge:
    return edge_of(a, b, {kind: mentions.get((kind, a, b), ()) for kind in EDGE_KINDS.values()})


async def add_withdrawn(tx: Tx, tenant: str, changes: IdentityChanges) -> None:
    """Add what the withdrawals concern: profiles, attributed interactions, rules. Under the exclusive graph lock, since
    what is withdrawn may come from another partition at the same time."""
    withdrawn = await _withdrawn_names(tx, tenant, changes.withdrawals)
    changes.attributed |= await read_named(tx, "attributions", "interaction", tenant, withdrawn)
    changes.rules |= bool(await read_named(tx, "rule_changes", "key", tenant, withdrawn))
    concerned = [decision for decision in await read_decisions(tx, tenant) if decision.name in withdrawn]
    changes.affected |= _profiles_of(concerned)


async def _withdrawn_names(tx: Tx, tenant: str, withdrawals: Iterable[Decision]) -> set[str]:
    """Return the names (``SOURCE#ID``) of what these decisions withdraw, or restore by withdrawing a withdrawal."""
    names = {decision.withdraws for decision in withdrawals}
    if names:
        withdraws = {decision.name: decision.withdraws for decision in await read_withdrawals(tx, tenant)}
        reached = list(names)
        for name in reached:
            if name in withdraws and withdraws[name] not in names:
                names.add(withdraws[name])
                reached.append(withdraws[name])
    return names


def _profiles_of(decisions: Iterable[Decision]) -> set[NodeId]:
    return {node for decision in decisions for node in (decision.a, decision.b) if node}
