"""The definition of who is who.

Decisions first, newest first: a merge unites, unless that would put together a pair that a newer decision keeps apart;
a pair is kept apart, unless newer merges have united it. Then edges: proved ones, asserted ones, each weight in order
of earliest evidence: an edge unites, unless a pair across is kept apart, or both sides hold a value of one exclusive
kind. (Values that decisions united are on one side from the start; so only decisions bring two of them together.) What
is one now is a *core*.

Claimed edges last, in order of earliest evidence, with guards of their own (``groups.Groups.against_claim``): they
never bring two known cores together, nor two addresses, numbers, accounts or CRM ids.

No edge links of an identifier that may not link, no claim of one that is shared, no assertion of one that is firmly so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

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
from cx_identity.shared_identifiers import shared_in
from cx_identity.unmerge import withdrawn_decisions


def resolve(graph: Graph, rules: Rules) -> Resolution:
    """Return who is who in a graph. Pure, and the same for any order of profiles, edges and decisions."""
    shared = shared_in(graph, rules)
    groups = GuardedGroups(graph.profiles, rules.exclusive)
    _take_given(graph, groups)
    taken: list[Step] = []
    standings = _decide(graph, groups, taken) if graph.decisions else {}
    attempts = order_attempts(graph, shared, rules)
    refused = _link(attempts.firm, groups, taken)
    decided = _named_by_standing(graph, standings)
    core_of = _close_cores(graph.profiles, groups, decided)
    ambiguous = _ambiguous(graph.profiles, groups, shared)
    refused += _link(attempts.claims, groups, taken)
    customer_of = _customers(graph.profiles, groups.of)
    settled = settled_identifiers(graph.decisions, standings)
    return Resolution(
        customer_of=customer_of,
        core_of=core_of,
        joined=_joined(customer_of, taken),
        shared=shared,
        ambiguous=ambiguous,
        claimed=_claimed(customer_of, core_of, groups.of),
        decided=decided,
        settled=settled,
        refused=refused,
        candidates=find_candidates(graph, shared, refused, customer_of, settled, rules),
        decisions=standings,
    )


def _take_given(graph: Graph, groups: GuardedGroups) -> None:
    """Unite the cores that an earlier resolution found."""
    for id, given in graph.given.items():
        one, core = groups.of[id], groups.of[given.core]
        if one is not core:
            groups.unite(one, core)


def _decide(graph: Graph, groups: GuardedGroups, taken: list[Step]) -> dict[bytes, DecisionStatus]:
    """Apply the decisions to the groups; merges that stand are ``taken``. What those between given profiles did is
    given, too."""
    newest = newest_first(graph.decisions)
    gone = withdrawn_decisions(newest)
    standings: dict[bytes, DecisionStatus] = {}
    for rank, decision in enumerate(newest):
        if decision.name in gone:
            standing = DecisionStatus("withdrawn", gone[decision.name])
        elif decision.kind in {"withdraw", "dismiss"}:
            standing = STANDS
        elif decision.a not in groups.of or decision.b not in groups.of:
            standing = WAITING
        elif decision.kind == "merge" and decision.a in graph.given and decision.b in graph.given:
            standing = STANDS if groups.of[decision.a] is groups.of[decision.b] else VOID
        elif decision.kind == "merge":
            standing = _merge(decision, groups)
            if standing is STANDS:
                taken.append((0, decision.at, decision.a, decision.b, "person", PERSON))
        else:
            standing = _keep_apart(decision, groups, rank)
        standings[decision.key] = standing
    return standings


def _merge(decision: Decision, groups: GuardedGroups) -> DecisionStatus:
    one, other = groups.of[decision.a], groups.of[decision.b]
    if one is not other:
        foe = groups.foe(one, other)
        if foe:
            return DecisionStatus("void", foe)
        groups.unite(one, other)
    return STANDS


def _keep_apart(decision: Decision, groups: GuardedGroups, rank: int) -> DecisionStatus:
    if groups.of[decision.a] is groups.of[decision.b]:
        return VOID
    groups.keep_apart(decision.a, decision.b, rank, decision.name)
    return STANDS


def _link(attempts: list[Step], groups: GuardedGroups, taken: list[Step]) -> list[Refusal]:
    """Apply edges to the groups; those that no guard refuses are ``taken``, the others returned."""
    refused = []
    for step in attempts:
        turn, evidence, a, b, _, _ = step
        one, other = groups.of[a], groups.of[b]
        if one is not other:
            against = groups.against_claim(one, other) if turn == CLAIM_TURN else groups.against(one, other)
            if against is not None:
                refused.append(Refusal(a, b, *against, evidence, turn == CLAIM_TURN))
                continue
            groups.unite(one, other)
        taken.append(step)
    return refused


def _named_by_standing(graph: Graph, standings: Mapping[bytes, DecisionStatus]) -> frozenset[NodeId]:
    """Return the profiles that a merge or an apart names that stands."""
    found = {id for id, given in graph.given.items() if given.decided}
    for decision in graph.decisions:
        if decision.kind in {"merge", "apart"} and standings[decision.key].state == "stands":
            found.update((decision.a, decision.b))
    return frozenset(found)


def _close_cores(
    profiles: Mapping[NodeId, Profile], groups: GuardedGroups, decided: frozenset[NodeId]
) -> dict[NodeId, NodeId]:
    """Begin with claims: return every profile's core, and note which groups hold a known one."""
    core_of: dict[NodeId, NodeId] = {}
    for id in profiles:
        if id not in core_of:
            group = groups.of[id]
            members = group.members
            core = min(members, key=lambda member: (profiles[member].first_recorded, member))
            known = len(members) > 1 or makes_known(profiles[core]) or core in decided
            group.begin_claims(core if known else None)
            for member in members:
                core_of[member] = core
    return core_of


def _ambiguous(
    profiles: Mapping[NodeId, Profile], groups: GuardedGroups, shared: SharedIdentifiers
) -> frozenset[NodeId]:
    """Return the shared identifiers that are nobody's, once cores are found.

    Who proves an identifier is one person, and no claim of others takes it away: else a stranger who types an address
    a few times beside made-up accounts would shut its owner out. An identifier that is firmly shared stays nobody's.
    """
    return frozenset(
        id
        for id in shared.counting_all
        if id in groups.of and len(groups.of[id].members) == 1 and (id in shared.firmly or not profiles[id].attested)
    )


def _claimed(
    customer_of: Mapping[NodeId, NodeId], core_of: Mapping[NodeId, NodeId], group_of: Mapping[NodeId, GuardedGroup]
) -> frozenset[NodeId]:
    """Return the members that only a claim ties to their customer's known core, or to that of its first profile."""
    found = []
    for id, customer in customer_of.items():
        known = group_of[id].known
        if core_of[id] != (known if known is not None else core_of[customer]):
            found.append(id)
    return frozenset(found)


def _customers(profiles: Mapping[NodeId, Profile], group_of: Mapping[NodeId, GuardedGroup]) -> dict[NodeId, NodeId]:
    """Every profile's customer: the least of its group by (first recorded time, id)."""
    customer_of: dict[NodeId, NodeId] = {}
    for id in profiles:
        if id not in customer_of:
            members = group_of[id].members
            customer = min(members, key=lambda member: (profiles[member].first_recorded, member))
            for member in members:
                customer_of[member] = customer
    return customer_of


def _joined(customer_of: Mapping[NodeId, NodeId], taken: list[Step]) -> dict[NodeId, JoinReason]:
    """How each profile hangs on its customer: the fewest steps; of several ways the one that was taken first."""
    ways: dict[NodeId, list[tuple[NodeId, Step]]] = {}
    for step in taken:
        a, b = step[2], step[3]
        ways.setdefault(a, []).append((b, step))
        ways.setdefault(b, []).append((a, step))
    joined: dict[NodeId, JoinReason] = {}
    for customer in ways:
        if customer_of[customer] != customer:
            continue
        reached = deque([(customer, PERSON)])
        while reached:
            via, sure = reached.popleft()
            for profile, (_, evidence, _, _, rule, confidence) in ways[via]:
                if profile != customer and profile not in joined:
                    sureness = min(sure, confidence)
                    joined[profile] = JoinReason(rule, evidence[1:], sureness, via)
                    reached.append((profile, sureness))
    return joined
