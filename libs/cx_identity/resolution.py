"""Decide identity: resolve a graph of profiles, edges and decisions into cores and customers.

Three steps, each in an order that depends on the facts alone:

1. *Decisions*, newest first. Withdrawn ones are left out (see ``unmerge``). A merge unites two groups, unless that
   would bring together a pair that a newer decision keeps apart. A pair is kept apart, unless newer merges united it.
2. *Proved edges, then asserted edges*, each in order of earliest evidence. An edge unites two groups, unless a pair
   across them is kept apart or both hold a value of one exclusive kind. (So only decisions bring two values of an
   exclusive kind together.) The groups are now *cores*. A core is *known* if it has two profiles or more, if it holds a
   ``crm`` or ``account`` that is proved or asserted, or if a standing decision names a member.
3. *Claimed edges*, in order of earliest evidence, with more guards (``guarded_groups.GuardedGroups.against_claim``): a
   claim never brings together two known cores, nor two values of one kind of crm, account, email or phone. The groups
   are now *customers*.

``linking`` says which edges are tried at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from cx_events.ids import NodeId
from cx_identity.candidates import find_candidates, settled_identifiers
from cx_identity.guarded_groups import GuardedGroup, GuardedGroups
from cx_identity.linking import CLAIM_TURN, Step, order_attempts
from cx_identity.model import (
    PERSON,
    Decision,
    Graph,
    Profile,
    SharedIdentifiers,
    makes_known,
    newest_first,
)
from cx_identity.outcome import STANDS, VOID, WAITING, DecisionStatus, JoinReason, Refusal, Resolution
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import shared_in, unlinked_in
from cx_identity.unmerge import withdrawn_decisions


def resolve(graph: Graph, rules: Rules) -> Resolution:
    """Return who is who in a graph. The order of profiles, edges and decisions makes no difference."""
    unlinked = unlinked_in(graph, rules)
    shared = shared_in(graph, rules, unlinked)
    groups = GuardedGroups(graph.profiles, rules.exclusive)
    _unite_fixed_cores(graph, groups)
    applied: list[Step] = []
    statuses = _apply_decisions(graph, groups, applied) if graph.decisions else {}
    attempts = order_attempts(graph.edges, shared, unlinked)
    refusals = _link(attempts.firm, groups, applied)
    decided = _named_by_standing(graph, statuses)
    core_of = _close_cores(graph.profiles, groups, decided)
    ambiguous = _ambiguous(graph.profiles, groups, shared)
    refusals += _link(attempts.claims, groups, applied)
    customer_of = _customers(graph.profiles, groups.of)
    settled = settled_identifiers(graph.decisions, statuses)
    return Resolution(
        customer_of=customer_of,
        core_of=core_of,
        join_reasons=_join_reasons(customer_of, applied),
        shared=shared,
        unlinked=unlinked,
        ambiguous=ambiguous,
        claimed=_tied_by_claim(customer_of, core_of, groups.of),
        decided=decided,
        settled=settled,
        refusals=refusals,
        candidates=find_candidates(graph, shared, refusals, customer_of, settled, rules),
        decisions=statuses,
    )


def _unite_fixed_cores(graph: Graph, groups: GuardedGroups) -> None:
    """Unite the profiles at the border into the cores that an earlier resolution found."""
    for id, fixed in graph.fixed_cores.items():
        one, core = groups.of[id], groups.of[fixed.core]
        if one is not core:
            groups.unite(one, core)


def _apply_decisions(graph: Graph, groups: GuardedGroups, applied: list[Step]) -> dict[bytes, DecisionStatus]:
    """Apply the decisions to the groups and return their statuses; append the merges that stand to ``applied``.

    A merge of two profiles at the border was applied when their cores were fixed.
    """
    newest = newest_first(graph.decisions)
    withdrawn = withdrawn_decisions(newest)
    statuses: dict[bytes, DecisionStatus] = {}
    for rank, decision in enumerate(newest):
        if decision.name in withdrawn:
            status = DecisionStatus("withdrawn", withdrawn[decision.name])
        elif decision.kind in {"withdraw", "dismiss"}:
            status = STANDS
        elif decision.a not in groups.of or decision.b not in groups.of:
            status = WAITING
        elif decision.kind == "merge" and decision.a in graph.fixed_cores and decision.b in graph.fixed_cores:
            status = STANDS if groups.of[decision.a] is groups.of[decision.b] else VOID
        elif decision.kind == "merge":
            status = _merge(decision, groups)
            if status is STANDS:
                applied.append((0, decision.at, decision.a, decision.b, "person", PERSON))
        else:
            status = _keep_apart(decision, groups, rank)
        statuses[decision.key] = status
    return statuses


def _merge(decision: Decision, groups: GuardedGroups) -> DecisionStatus:
    one, other = groups.of[decision.a], groups.of[decision.b]
    if one is not other:
        parting = groups.parting_decision(one, other)
        if parting:
            return DecisionStatus("void", parting)
        groups.unite(one, other)
    return STANDS


def _keep_apart(decision: Decision, groups: GuardedGroups, rank: int) -> DecisionStatus:
    if groups.of[decision.a] is groups.of[decision.b]:
        return VOID
    groups.keep_apart(decision.a, decision.b, rank, decision.name)
    return STANDS


def _link(attempts: list[Step], groups: GuardedGroups, applied: list[Step]) -> list[Refusal]:
    """Unite groups by edges, in order; append the edges that unite to ``applied``, and return those refused."""
    refusals = []
    for step in attempts:
        turn, evidence, a, b, _, _ = step
        one, other = groups.of[a], groups.of[b]
        if one is not other:
            against = groups.against_claim(one, other) if turn == CLAIM_TURN else groups.against(one, other)
            if against is not None:
                refusals.append(Refusal(a, b, *against, evidence, turn == CLAIM_TURN))
                continue
            groups.unite(one, other)
        applied.append(step)
    return refusals


def _named_by_standing(graph: Graph, statuses: Mapping[bytes, DecisionStatus]) -> frozenset[NodeId]:
    """Return the profiles that a standing merge or apart names."""
    named = {id for id, fixed in graph.fixed_cores.items() if fixed.decided}
    for decision in graph.decisions:
        if decision.kind in {"merge", "apart"} and statuses[decision.key].state == "stands":
            named.update((decision.a, decision.b))
    return frozenset(named)


def _close_cores(
    profiles: Mapping[NodeId, Profile], groups: GuardedGroups, decided: frozenset[NodeId]
) -> dict[NodeId, NodeId]:
    """Return every profile's core, and prepare the groups for claims: note which of them are known cores."""
    core_of: dict[NodeId, NodeId] = {}
    for id in profiles:
        if id not in core_of:
            group = groups.of[id]
            members = group.members
            core = _first_recorded(members, profiles)
            known = len(members) > 1 or makes_known(profiles[core]) or core in decided
            group.begin_claims(core if known else None)
            for member in members:
                core_of[member] = core
    return core_of


def _ambiguous(
    profiles: Mapping[NodeId, Profile], groups: GuardedGroups, shared: SharedIdentifiers
) -> frozenset[NodeId]:
    """Return the shared identifiers that belong to nobody, once cores are found.

    An attested identifier that only claims make shared stays its owner's. Otherwise a stranger who types an address a
    few times, beside made-up accounts, would shut its owner out. An identifier that is shared counting proved and
    asserted pairs belongs to nobody.
    """
    return frozenset(
        id
        for id in shared.counting_all
        if id in groups.of
        and len(groups.of[id].members) == 1
        and (id in shared.counting_firm or not profiles[id].attested)
    )


def _tied_by_claim(
    customer_of: Mapping[NodeId, NodeId], core_of: Mapping[NodeId, NodeId], group_of: Mapping[NodeId, GuardedGroup]
) -> frozenset[NodeId]:
    """Return the members that only a claim ties to their customer's known core, or to that of its first profile."""
    members = []
    for id, customer in customer_of.items():
        known = group_of[id].known
        if core_of[id] != (known if known is not None else core_of[customer]):
            members.append(id)
    return frozenset(members)


def _customers(profiles: Mapping[NodeId, Profile], group_of: Mapping[NodeId, GuardedGroup]) -> dict[NodeId, NodeId]:
    """Return every profile's customer: the least profile of its group by (first recorded time, id)."""
    customer_of: dict[NodeId, NodeId] = {}
    for id in profiles:
        if id not in customer_of:
            members = group_of[id].members
            customer = _first_recorded(members, profiles)
            for member in members:
                customer_of[member] = customer
    return customer_of


def _first_recorded(members: Sequence[NodeId], profiles: Mapping[NodeId, Profile]) -> NodeId:
    if len(members) == 1:
        return members[0]
    return min(members, key=lambda member: (profiles[member].first_recorded, member))


def _join_reasons(customer_of: Mapping[NodeId, NodeId], applied: list[Step]) -> dict[NodeId, JoinReason]:
    """Return why each profile belongs to its customer: the path of fewest steps, among equals the one applied first."""
    steps_at: dict[NodeId, list[tuple[NodeId, Step]]] = {}
    for step in applied:
        a, b = step[2], step[3]
        steps_at.setdefault(a, []).append((b, step))
        steps_at.setdefault(b, []).append((a, step))
    reasons: dict[NodeId, JoinReason] = {}
    for customer in steps_at:
        if customer_of[customer] != customer:
            continue
        reached = deque([(customer, PERSON)])
        while reached:
            via, sure = reached.popleft()
            for profile, (_, evidence, _, _, rule, confidence) in steps_at[via]:
                if profile != customer and profile not in reasons:
                    confidence_here = min(sure, confidence)
                    reasons[profile] = JoinReason(rule, evidence[1:], confidence_here, via)
                    reached.append((profile, confidence_here))
    return reasons
