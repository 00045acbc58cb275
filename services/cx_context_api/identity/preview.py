"""Preview a decision about identity: the contexts after it, from the stored parts, with identity resolved as if it were
taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from cx_context.document import context_body
from cx_context.reference_definition import Owners
from cx_context.sections.candidates import CLAIMS_COUNTED, RefusedClaims, claims_refused
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.store import ownership, refused_claims, withheld_claims
from cx_context.store.attributions import attributions_of
from cx_context.store.current_graph import CurrentGraph, PreviewGraph, Supposed
from cx_context.store.decisions import read_withdrawals
from cx_context.store.graph import read_profiles
from cx_context.store.graph_slices import resolve_surroundings
from cx_context.store.latest_events import read_latest_facts
from cx_context.store.members import customers_of, members_of
from cx_context.store.owned_parts import read_owned_parts
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.sql import Tx
from cx_context.store.withheld_claims import Settling
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.json_types import Json
from cx_identity.affected_scope import AffectedScope
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.decisions import decision_of
from cx_identity.model import Decision
from cx_identity.outcome import Resolution

SHOWN = 20
"""Contexts of one preview."""


def decode_decisions(raws: Iterable[bytes], ids: IdSpace) -> list[Decision | Attribution]:
    """Decode decisions that are not on the log."""
    found: list[Decision | Attribution] = []
    for raw in raws:
        decision = decision_of(Fact(decode(raw), raw, ids), ids)
        assert isinstance(decision, Decision | Attribution)
        found.append(decision)
    return found


async def preview_contexts(
    tx: Tx,
    tenant: str,
    tenancy: Tenancy,
    decided: Sequence[Decision | Attribution],
    profiles: Collection[NodeId],
    nodes: Collection[NodeId],
) -> list[Json]:
    """Return the bodies of all customers that would change.

    ``profiles``, ``nodes``: the profiles and interactions that the decisions concern.
    """
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    decisions = [one for one in decided if isinstance(one, Decision)]
    scope, resolution = await resolve_surroundings(tx, tenant, profiles, rules, decisions)
    graph = scope.graph()
    attributions = {node: await _attribution(tx, tenant, node, decided) for node in nodes}
    supposed = Supposed(resolution.customer_of, attributions)
    before = await customers_of(tx, tenant, scope.nodes)
    sides_before = await ownership.owners_of_interactions(CurrentGraph(tx, tenant), nodes)
    sides_after = await ownership.owners_of_interactions(PreviewGraph(tx, tenant, supposed), nodes)
    moved = {node for node in scope.nodes if resolution.customer_of[node] != before[node]}
    touched = {resolution.customer_of[id] for id in {*moved, *profiles} if id in resolution.customer_of}
    owners_before = {customer for sides in sides_before.values() for customer in _owners(sides)}
    touched |= {resolution.customer_of.get(id, id) for id in owners_before if id not in sides_after}
    touched |= {customer for sides in sides_after.values() for customer in _owners(sides)}
    found = []
    for customer in sorted(touched)[:SHOWN]:
        members = await _members(tx, tenant, customer, resolution, graph.profiles.keys())
        profiles = [member.id for member in members] or [customer]
        own = await ownership.ownership_of(PreviewGraph(tx, tenancy.ids.tenant, supposed), customer, profiles)
        claims = await _claims(tx, tenant, [member.id for member in members], scope, resolution)
        parts, latest = await read_owned_parts(tx, tenant, own), await read_latest_facts(tx, tenancy.ids, own, 50)
        made_of = customer, members, parts, latest, None, claims, rules.proof_lifetime
        known = CustomerFacts(*made_of, directory=tenancy.directory)
        if known.parts or known.members:
            found.append(context_body(known, tenancy.window))
    return found


def _owners(sides: Owners) -> Iterable[NodeId]:
    return {sides.whose, *sides.by_stream.values()}


async def _members(
    tx: Tx, tenant: str, customer: NodeId, resolution: Resolution, decided: Iterable[NodeId]
) -> list[Member]:
    """Return a customer's members: by the supposed resolution if it covers the customer, else today's."""
    own = [id for id in decided if resolution.customer_of[id] == customer]
    if not own:
        return await members_of(tx, tenant, customer)
    members = []
    for profile in (await read_profiles(tx, tenant, own)).values():
        joined = resolution.join_reasons.get(profile.id)
        claimed = profile.id in resolution.claimed
        why = (joined.rule, "#".join(joined.evidence), joined.confidence, joined.via) if joined is not None else None
        members.append(
            Member(profile.id, profile.kind, profile.scope, profile.value, profile.first_recorded, why, claimed)
        )
    return members


async def _claims(
    tx: Tx, tenant: str, members: Collection[NodeId], scope: AffectedScope, resolution: Resolution
) -> RefusedClaims:
    """Return the refused claims of members: by the supposed resolution if it covers them, else today's.

    No decision makes an identifier shared, so withheld claims stay withheld; a decision may settle them.
    """
    if scope.nodes.isdisjoint(members):
        return await refused_claims.asked_about(tx, tenant, members)
    claims = claims_refused(resolution, scope.graph().profiles)
    found = [claim for claim in claims if claim.identifier.id in members or claim.other.id in members]
    settling = Settling(resolution.settled & scope.nodes, scope.nodes - resolution.settled)
    further, count = await withheld_claims.asked_about(tx, tenant, members, settling)
    return RefusedClaims([*found, *further], min(len(found) + count, CLAIMS_COUNTED))


async def _attribution(
    tx: Tx, tenant: str, node: NodeId, decided: Iterable[Decision | Attribution]
) -> Attribution | None:
    """Return the attribution of an interaction that would count."""
    decided = list(decided)
    known = await attributions_of(tx, node)
    known += [one for one in decided if isinstance(one, Attribution) and one.interaction == node]
    withdrawals = await read_withdrawals(tx, tenant)
    withdrawals += [one for one in decided if isinstance(one, Decision) and one.kind == "withdraw"]
    return standing_attribution(known, withdrawals)
