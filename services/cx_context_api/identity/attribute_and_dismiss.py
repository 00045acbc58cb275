"""Plan decisions about one interaction (``attribute``) or one candidate (``dismiss``)."""

from __future__ import annotations

from cx_context.store import refused_claims
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.decisions import decisions_naming
from cx_context.store.graph import read_profiles
from cx_context.store.members import customers_and_ambiguous
from cx_context.store.parts import streams_of
from cx_context.store.settled_identifiers import settled_among
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
    """Plan that an interaction that names nobody is a profile's.

    Raises ``Refused``: ``unknown-interaction``, ``unknown-profile`` (404), ``names-somebody`` (422).
    """
    node = tenancy.ids.interaction(body.interaction)
    stream_ids = (await streams_of(tx, tenant, [node])).get(node, set())
    if not stream_ids:
        raise Refused("unknown-interaction", f"There is no interaction {body.interaction[:64]!r}.", 404)
    if node not in stream_ids and not (await customers_and_ambiguous(tx, tenant, stream_ids))[1]:
        raise Refused(
            "names-somebody", f"Every event of {body.interaction[:64]!r} names somebody; merge or unmerge instead."
        )
    profile = by_id(body.profile).node
    if profile not in await read_profiles(tx, tenant, [profile]):
        raise Refused("unknown-profile", f"There is no profile {body.profile}.", 404)
    identity = IdentityDecision(interaction=body.interaction, profile=text_of(profile))
    after = await latest_about_interaction(tx, tenant, node)
    return DecisionPlan(
        [draft_decision(tenancy, ATTRIBUTED, identity, body, after)], frozenset((profile,)), frozenset((node,))
    )


async def dismiss(tx: Tx, tenant: str, tenancy: Tenancy, body: bodies.Dismiss) -> DecisionPlan:
    """Plan that a candidate's identifier stays nobody's.

    Raises ``Refused("unknown-candidate", 404)``, also if somebody has decided about it.
    """
    candidate = by_id(body.candidate).node
    identifier = candidate_id(candidate)
    known = await read_profiles(tx, tenant, [identifier])
    in_doubt = await refused_claims.in_doubt_among(tx, tenant, known)
    if identifier not in in_doubt or await settled_among(CurrentGraph(tx, tenant), in_doubt):
        raise Refused("unknown-candidate", f"There is no open candidate {body.candidate}.", 404)
    identity = IdentityDecision(candidate=text_of(candidate))
    after = latest_of(await decisions_naming(tx, tenant, [identifier]))
    return DecisionPlan([draft_decision(tenancy, DISMISSED, identity, body, after)])
