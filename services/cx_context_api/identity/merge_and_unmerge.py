"""Plan the decisions that merge two customers, withdraw a decision, or keep two profiles apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.decisions import read_withdrawals
from cx_context.store.events import read_event
from cx_context.store.graph import read_profiles
from cx_context.store.graph_slices import resolve_surroundings
from cx_context.store.members import members_of
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.sql import Tx
from cx_context_api.decisions import read_siblings
from cx_context_api.identity.decision_plans import DecisionPlan, draft_decision
from cx_context_api.identity.latest_decisions import latest_about_people, latest_of
from cx_context_api.requests import bodies
from cx_context_api.requests.queries import EventName, event_name
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.envelope import IdentityDecision
from cx_events.errors import Refused
from cx_events.facts import Fact, decision_source
from cx_events.ids import NodeId, event_key, text_of
from cx_identity.attribution import Attribution
from cx_identity.decisions import MERGED, UNMERGED, decision_of
from cx_identity.merge import MergeObstacle, merge_obstacles, merge_pairs
from cx_identity.model import Decision, Profile
from cx_identity.rules import RulesChange
from cx_identity.unmerge import withdrawn_decisions


class MergeBlocked(Refused):
    """A merge has obstacles that its ``despite`` does not name."""

    def __init__(self, against: Sequence[MergeObstacle], profiles: Mapping[NodeId, Profile]) -> None:
        reasons = [
            f"{_value(profiles[one.a])} and {_value(profiles[one.b])} "
            + (f"are kept apart by {one.name}" if one.reason == "apart" else f"are two values of kind {one.name}")
            for one in against
        ]
        names = ", ".join(dict.fromkeys(one.name for one in against))
        detail = f"{'; '.join(reasons[:3])}. To merge nevertheless, give despite: [{names}]."
        super().__init__("kept-apart" if against[0].reason == "apart" else "excluded", detail[:2000], 409)
        self.against = against
        self.profiles = profiles


def _value(profile: Profile) -> str:
    return f"{profile.kind}:{profile.value}"


async def merge(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Merge) -> DecisionPlan:
    """Plan that two customers are one: one event per pair of profiles.

    Raises ``Refused``: ``unknown-customer`` (404), ``same-customer``, ``not-a-profile`` (422); ``MergeBlocked`` (409).
    """
    one = await _customer(tx, tenant, body.a)
    other = await _customer(tx, tenant, body.b)
    if one == other:
        raise Refused("same-customer", f"{body.a} and {body.b} are one customer already.")
    ones, others = await _profiles(tx, tenant, one, body.a), await _profiles(tx, tenant, other, body.b)
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    scope, resolution = await resolve_surroundings(tx, tenant, [p.id for p in (*ones, *others)], rules)
    standings = resolution.decisions
    apart = [d for d in scope.graph().decisions if d.kind == "apart" and standings[d.key].state == "stands"]
    against = [one for one in merge_obstacles(ones, others, rules, apart) if one.name not in body.despite]
    if against:
        raise MergeBlocked(against, {profile.id: profile for profile in (*ones, *others)})
    pairs = merge_pairs(ones, others, rules, apart, core_of=resolution.core_of, claimed=resolution.claimed)
    identities = [IdentityDecision(a=text_of(a), b=text_of(b)) for a, b in pairs]
    after = latest_of(scope.graph().decisions)
    return DecisionPlan(
        [draft_decision(tenancy, MERGED, identity, body, after) for identity in identities],
        frozenset(id for pair in pairs for id in pair),
    )


async def unmerge(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Unmerge) -> DecisionPlan:
    """Plan that a decision is withdrawn, or that two profiles are kept apart.

    Raises ``Refused``: ``bad-body`` (422), and what ``_withdraw`` and ``_keep_apart`` raise.
    """
    if (body.decision is None) == (body.apart is None):
        raise Refused("bad-body", "Give either decision or apart.")
    if body.apart is not None:
        return await _keep_apart(tx, tenant, tenancy, body, *body.apart)
    assert body.decision is not None
    return await _withdraw(tx, tenant, tenancy, body, event_name(body.decision))


async def _keep_apart(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Unmerge, a: str, b: str) -> DecisionPlan:
    """Raises ``Refused``: ``unknown-profile`` (404), ``same-profile`` (422)."""
    one, other = by_id(a).node, by_id(b).node
    known = await read_profiles(tx, tenant, [one, other])
    for id, text in ((one, a), (other, b)):
        if id not in known:
            raise Refused("unknown-profile", f"There is no profile {text}.", 404)
    if one == other:
        raise Refused("same-profile", f"{a} can't be kept apart from itself.")
    identity = IdentityDecision(a=text_of(one), b=text_of(other))
    after = await latest_about_people(tx, tenant, tenancy, (one, other))
    return DecisionPlan([draft_decision(tenancy, UNMERGED, identity, body, after)], frozenset((one, other)))


async def _withdraw(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Unmerge, name: EventName) -> DecisionPlan:
    """Withdraw all events of one decision together.

    Raises ``Refused``: ``unknown-decision`` (404), ``already-withdrawn`` (409).
    """
    first = await _decision(tx, tenant, tenancy, name)
    if first is None:
        raise Refused("unknown-decision", f"There is no decision {name}.", 404)
    withdrawals = await read_withdrawals(tx, tenant)
    withdrawn = withdrawn_decisions(withdrawals)
    if str(name) in withdrawn:
        raise Refused("already-withdrawn", f"The decision {name} was withdrawn by {withdrawn[str(name)]}.", 409)
    names = [name]
    decisions = [first]
    if name.source == decision_source(tenant):
        for sibling in await read_siblings(tx, tenant, name):
            decision = await _decision(tx, tenant, tenancy, sibling)
            if decision is not None and sibling != name:
                names.append(sibling)
                decisions.append(decision)
    profiles, nodes, concerns_all = set[NodeId](), set[NodeId](), False
    for decision in decisions:
        if isinstance(decision, Attribution):
            nodes.add(decision.interaction)
        elif isinstance(decision, RulesChange) or decision.kind == "withdraw":
            concerns_all = True
        else:
            profiles.update((decision.a, decision.b))
    identities = [IdentityDecision(decision=str(each)) for each in reversed(names)]
    after = latest_of([*decisions, *withdrawals])
    choices = [draft_decision(tenancy, UNMERGED, identity, body, after) for identity in identities]
    return DecisionPlan(choices, frozenset(profiles), frozenset(nodes), concerns_all)


async def _customer(tx: Tx, tenant: str, id: str) -> NodeId:
    found = await find_node(CurrentGraph(tx, tenant), by_id(id).node)
    if found is None:
        raise Refused("unknown-customer", f"There is no customer or profile {id}.", 404)
    return found.customer


async def _profiles(tx: Tx, tenant: str, customer: NodeId, text: str) -> list[Profile]:
    members = [member.id for member in await members_of(tx, tenant, customer)]
    if not members:
        raise Refused("not-a-profile", f"{text} is an interaction that names nobody; use attribute instead.")
    return list((await read_profiles(tx, tenant, members)).values())


async def _decision(
    tx: Tx, tenant: str, tenancy: Tenancy, name: EventName
) -> Decision | Attribution | RulesChange | None:
    """Return the applied decision about identity of that name, None if there is none."""
    stored = await read_event(tx, tenant, event_key(tenant, *name))
    if stored is None or stored.problem is not None or stored.stream_id != tenancy.ids.tenant_node():
        return None
    fact = Fact(decode_leniently(stored.raw)[0], stored.raw, tenancy.ids)
    return decision_of(fact, tenancy.ids)
