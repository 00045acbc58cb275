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
from typing import NamedTuple

from cx_events.ids import NodeId
from cx_identity.candidates import candidates_among, settled_by
from cx_identity.decisions import STANDS, VOID, WAITING, newest_first, withdrawn
from cx_identity.guarded_groups import Group, Groups
from cx_identity.model import (
    PERSON,
    Decision,
    Edge,
    Evidence,
    Graph,
    Joined,
    Profile,
    Refusal,
    Resolution,
    Shared,
    Standing,
    confidence_of,
    makes_known,
)
from cx_identity.rules import Rules
from cx_identity.sharing import shared_of, silent_among

_Step = tuple[int, Evidence, NodeId, NodeId, str, int]
"""(turn, evidence, a, b, rule, confidence): a merge or an edge; a proved edge has turn 0, an asserted one 1, a claimed
one 2."""

_CLAIM = 2


def resolve(graph: Graph, rules: Rules) -> Resolution:
    """Return who is who in a graph. Pure, and the same for any order of profiles, edges and decisions."""
    shared = shared_of(graph, rules)
    groups = Groups(graph.profiles, rules.exclusive)
    _take_given(graph, groups)
    taken: list[_Step] = []
    standings = _decide(graph, groups, taken) if graph.decisions else {}
    attempts = _attempts(graph, shared, rules)
    refused = _link(attempts.firm, groups, taken)
    decided = _named_by_standing(graph, standings)
    core_of = _close_cores(graph.profiles, groups, decided)
    ambiguous = _ambiguous(graph.profiles, groups, shared)
    refused += _link(attempts.claims, groups, taken)
    customer_of = _customers(graph.profiles, groups.of)
    settled = settled_by(graph.decisions, standings)
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
        candidates=candidates_among(graph, shared, refused, customer_of, settled, rules),
        decisions=standings,
    )


def _take_given(graph: Graph, groups: Groups) -> None:
    """Unite the cores that an earlier resolution found."""
    for id, given in graph.given.items():
        one, core = groups.of[id], groups.of[given.core]
        if one is not core:
            groups.unite(one, core)


def _decide(graph: Graph, groups: Groups, taken: list[_Step]) -> dict[bytes, Standing]:
    """Apply the decisions to the groups; merges that stand are ``taken``. What those between given profiles did is
    given, too."""
    newest = newest_first(graph.decisions)
    gone = withdrawn(newest)
    standings: dict[bytes, Standing] = {}
    for rank, decision in enumerate(newest):
        if decision.name in gone:
            standing = Standing("withdrawn", gone[decision.name])
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


class _Attempts(NamedTuple):
    """The edges that link unless a guard refuses, in the order in which they are tried."""

    firm: list[_Step]
    claims: list[_Step]


def _attempts(graph: Graph, shared: Shared, rules: Rules) -> _Attempts:
    silent = silent_among(graph.profiles, rules)
    firm: list[_Step] = []
    claims: list[_Step] = []
    for edge in graph.edges:
        if silent and (edge.a in silent or edge.b in silent):
            continue
        step = _step(edge, shared)
        if step is not None:
            (claims if step[0] == _CLAIM else firm).append(step)
    firm.sort()
    claims.sort()
    return _Attempts(firm, claims)


def _step(edge: Edge, shared: Shared) -> _Step | None:
    """Return how an edge is tried: by its strongest evidence that may link, or not at all."""
    a, b = edge.a, edge.b
    if edge.proved is not None:
        return 0, edge.proved, a, b, edge.proved_rule, confidence_of(edge)
    if edge.asserted is not None:
        if a in shared.firmly or b in shared.firmly:
            return None
        return 1, edge.asserted, a, b, edge.asserted_rule, confidence_of(edge)
    if edge.claimed is None or a in shared.counting_all or b in shared.counting_all:
        return None
    return _CLAIM, edge.claimed, a, b, edge.claimed_rule, confidence_of(edge)


def is_active(edge: Edge, shared: Shared) -> bool:
    """Return whether an edge links unless a guard refuses, where both ends may link."""
    return _step(edge, shared) is not None


def _link(attempts: list[_Step], groups: Groups, taken: list[_Step]) -> list[Refusal]:
    """Apply edges to the groups; those that no guard refuses are ``taken``, the others returned."""
    refused = []
    for step in attempts:
        turn, evidence, a, b, _, _ = step
        one, other = groups.of[a], groups.of[b]
        if one is not other:
            against = groups.against_claim(one, other) if turn == _CLAIM else groups.against(one, other)
            if against is not None:
                refused.append(Refusal(a, b, *against, evidence, turn == _CLAIM))
                continue
            groups.unite(one, other)
        taken.append(step)
    return refused


def _named_by_standing(graph: Graph, standings: Mapping[bytes, Standing]) -> frozenset[NodeId]:
    """Return the profiles that a merge or an apart names that stands."""
    found = {id for id, given in graph.given.items() if given.decided}
    for decision in graph.decisions:
        if decision.kind in {"merge", "apart"} and standings[decision.key].state == "stands":
            found.update((decision.a, decision.b))
    return frozenset(found)


def _close_cores(
    profiles: Mapping[NodeId, Profile], groups: Groups, decided: frozenset[NodeId]
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


def _ambiguous(profiles: Mapping[NodeId, Profile], groups: Groups, shared: Shared) -> frozenset[NodeId]:
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
    customer_of: Mapping[NodeId, NodeId], core_of: Mapping[NodeId, NodeId], group_of: Mapping[NodeId, Group]
) -> frozenset[NodeId]:
    """Return the members that only a claim ties to their customer's known core, or to that of its first profile."""
    found = []
    for id, customer in customer_of.items():
        known = group_of[id].known
        if core_of[id] != (known if known is not None else core_of[customer]):
            found.append(id)
    return frozenset(found)


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
