"""Plan the decisions about one interaction or one candidate."""

from __future__ import annotations

from cx_context.store import refused_claims
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.decisions import decisions_naming
from cx_context.store.graph import read_profiles
from cx_context.store.members import customers_and_ambiguous
from cx_context.store.parts import streams_of
from cx_context.store.settled import settled_among
from cx_context.store.sql import Tx
from cx_context_api.identity.decision_plans import DecisionPlan, draft_decision
from cx_context_api.identity.latest_decisions import latest_about_interaction, latest_of
from cx_context_api.requests import bodies
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.envelope import IdentityDecision
from cx_events.errors import Refused
from cx_events.ids import text_of
from cx_identity.candidates import candidate_id
from cx_identity.decisions import ATTRIBUTED, DISMISSED


async def attribute(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Attribute) -> DecisionPlan:
    """``Refused``: ``unknown-interaction``, ``unknown-profile`` (404), ``names-somebody`` (422)."""
    node = tenancy.ids.interaction(body.interaction)
    stream_ids = (await streams_of(tx, tenant, [node])).get(node, set())
    if not stream_ids:
        raise Refused("unknown-interaction", f"there is no interaction {body.interaction[:64]!r}", 404)
    if node not in stream_ids and not (await customers_and_ambiguous(tx, tenant, stream_ids))[1]:
        raise Refused(
            "names-somebody", f"every event of {body.interaction[:64]!r} names somebody; merge or part people instead"
        )
    profile = by_id(body.profile).node
    if profile not in await read_profiles(tx, tenant, [profile]):
        raise Refused("unknown-profile", f"there is no profile {body.profile}", 404)
    said = IdentityDecision(interaction=body.interaction, profile=text_of(profile))
    after = await latest_about_interaction(tx, tenant, node)
    return DecisionPlan(
        [draft_decision(tenancy, ATTRIBUTED, said, body, after)], frozenset((profile,)), frozenset((node,))
    )


async def dismiss(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Dismiss) -> DecisionPlan:
    """``Refused("unknown-candidate", 404)``, also for one that is settled."""
    candidate = by_id(body.candidate).node
    identifier = candidate_id(candidate)
    known = await read_profiles(tx, tenant, [identifier])
    doubtful = await refused_claims.in_doubt_among(tx, tenant, known)
    if identifier not in doubtful or await settled_among(CurrentGraph(tx, tenant), doubtful):
        raise Refused("unknown-candidate", f"there is no open candidate {body.candidate}", 404)
    said = IdentityDecision(candidate=text_of(candidate))
    after = latest_of(await decisions_naming(tx, tenant, [identifier]))
    return DecisionPlan([draft_decision(tenancy, DISMISSED, said, body, after)])
