"""The definition of who is who.

Decisions first, newest first: a merge unites, unless that would put together a pair that a newer decision keeps apart;
a pair is kept apart, unless newer merges have united it. Then edges, verified before asserted, each class in order of
earliest evidence: an edge unites, unless a pair across is kept apart, or both sides hold a value of one exclusive kind.
(Values that decisions united are on one side from the start; so only decisions bring two of them together.)

No edge links of an identifier that may not link, no unverified edge of one that is shared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from cx_events.ids import NodeId
from cx_identity.candidates import candidates_among
from cx_identity.decisions import STANDS, VOID, WAITING, newest_first, withdrawn
from cx_identity.groups import Group, Groups
from cx_identity.model import (
    PERSON,
    Decision,
    Evidence,
    Graph,
    Joined,
    Profile,
    Refusal,
    Resolution,
    Standing,
    confidence_of,
)
from cx_identity.rules import Rules
from cx_identity.sharing import shared_of, silent_among

_Step = tuple[int, Evidence, NodeId, NodeId, str, int]
"""(turn, evidence, a, b, rule, confidence): a merge or an edge; verified edges have turn 0, asserted ones 1."""


def resolve(graph: Graph, rules: Rules) -> Resolution:
    """Who is who in a graph. Pure, and the same for any order of profiles, edges and decisions."""
    shared = shared_of(graph, rules)
    groups = Groups(graph.profiles, rules.exclusive)
    taken: list[_Step] = []
    standings = _decide(graph.decisions, groups, taken) if graph.decisions else {}
    refused = _link(_attempts(graph, shared, rules), groups, taken)
    customer_of = _customers(graph.profiles, groups.of)
    return Resolution(
        customer_of=customer_of,
        joined=_joined(customer_of, taken),
        shared=shared,
        refused=refused,
        candidates=candidates_among(graph, shared, customer_of, standings, rules) if shared else [],
        decisions=standings,
    )


def _decide(decisions: Iterable[Decision], groups: Groups, taken: list[_Step]) -> dict[bytes, Standing]:
    """Apply the decisions to the groups; merges that stand are ``taken``."""
    newest = newest_first(decisions)
    gone = withdrawn(newest)
    standings: dict[bytes, Standing] = {}
    for rank, decision in enumerate(newest):
        if decision.name in gone:
            standing = Standing("withdrawn", gone[decision.name])
        elif decision.kind in {"withdraw", "dismiss"}:
            standing = STANDS
        elif decision.a not in groups.of or decision.b not in groups.of:
            standing = WAITING
        elif decision.kind == "merge":
            standing = _merge(decision, groups)
            if standing is STANDS:
                taken.append((0, decision.at, decision.a, decision.b, "person", PERSON))
        else:
            standing = _keep_apart(decision, groups, rank)
        standings[decision.key] = standing
    return standings


def _merge(decision: Decision, groups: Groups) -> Standing:
    one, other = groups.of[decision.a], groups.of[decision.b]
    if one is not other:
        foe = groups.foe(one, other)
        if foe:
            return Standing("void", foe)
        groups.unite(one, other)
    return STANDS


def _keep_apart(decision: Decision, groups: Groups, rank: int) -> Standing:
    if groups.of[decision.a] is groups.of[decision.b]:
        return VOID
    groups.keep_apart(decision.a, decision.b, rank, decision.name)
    return STANDS


def _attempts(graph: Graph, shared: frozenset[NodeId], rules: Rules) -> list[_Step]:
    """The edges that link unless a guard refuses, in the order in which they are tried."""
    silent = silent_among(graph.profiles, rules)
    attempts: list[_Step] = []
    for edge in graph.edges:
        a, b = edge.a, edge.b
        if silent and (a in silent or b in silent):
            continue
        if edge.verified is not None:
            attempts.append((0, edge.verified, a, b, edge.verified_rule, confidence_of(edge)))
        elif edge.asserted is not None and not (shared and (a in shared or b in shared)):
            attempts.append((1, edge.asserted, a, b, edge.asserted_rule, confidence_of(edge)))
    attempts.sort()
    return attempts


def _link(attempts: list[_Step], groups: Groups, taken: list[_Step]) -> list[Refusal]:
    """Apply the edges to the groups; those that no guard refuses are ``taken``, the others returned."""
    refused = []
    for step in attempts:
        _, evidence, a, b, _, _ = step
        one, other = groups.of[a], groups.of[b]
        if one is not other:
            foe = groups.foe(one, other)
            if foe:
                refused.append(Refusal(a, b, "apart", foe, evidence[1:]))
                continue
            if one.exclusive and other.exclusive and not one.exclusive.isdisjoint(other.exclusive):
                refused.append(Refusal(a, b, "exclusive", min(one.exclusive & other.exclusive), evidence[1:]))
                continue
            groups.unite(one, other)
        taken.append(step)
    return refused


def _customers(profiles: Mapping[NodeId, Profile], group_of: Mapping[NodeId, Group]) -> dict[NodeId, NodeId]:
    """Every profile's customer: the least of its group by (first recorded time, id)."""
    customer_of: dict[NodeId, NodeId] = {}
    for id in profiles:
        if id not in customer_of:
            members = group_of[id].members
            customer = min(members, key=lambda member: (profiles[member].first_recorded, member))
            for member in members:
                customer_of[member] = customer
    return customer_of


def _joined(customer_of: Mapping[NodeId, NodeId], taken: list[_Step]) -> dict[NodeId, Joined]:
    """How each profile hangs on its customer: the fewest steps; of several ways the one that was taken first."""
    ways: dict[NodeId, list[tuple[NodeId, _Step]]] = {}
    for step in taken:
        a, b = step[2], step[3]
        ways.setdefault(a, []).append((b, step))
        ways.setdefault(b, []).append((a, step))
    joined: dict[NodeId, Joined] = {}
    for customer in ways:
        if customer_of[customer] != customer:
            continue
        reached = deque([(customer, PERSON)])
        while reached:
            via, sure = reached.popleft()
            for profile, (_, evidence, _, _, rule, confidence) in ways[via]:
                if profile != customer and profile not in joined:
                    sureness = min(sure, confidence)
                    joined[profile] = Joined(rule, evidence[1:], sureness, via)
                    reached.append((profile, sureness))
    return joined
