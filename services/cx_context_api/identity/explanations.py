"""Explain why these identifiers are one person: profiles, edges with their evidence, decisions and their state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from cx_context.directory_names import named_event
from cx_context.store.attributions import attributions_about
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.events import read_raws
from cx_context.store.graph_slices import resolve_surroundings
from cx_context.store.graph_view import GraphView
from cx_context.store.ownership import ownership_of
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.settled_identifiers import settled_among
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.identity.candidate_views import candidate_view, evidence_view, profile_view
from cx_context_api.identity.candidates import RankedCandidate, read_candidate
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.directory import Directory
from cx_events.envelope import Event
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_identity.attribution import Attribution
from cx_identity.candidates import weaker_end
from cx_identity.explanation import DecisionView, EdgeView, Explanation, ProfileView, explain_customer
from cx_identity.merge import MergeObstacle
from cx_identity.model import Evidence, Graph, Profile
from cx_identity.outcome import Resolution
from cx_identity.rules import Rules

SHOWN = 500
"""Profiles, edges, decisions and attributions shown, each; ``totals`` counts all."""

CANDIDATES_SHOWN = 20


def obstacles_view(against: Sequence[MergeObstacle], profiles: Mapping[NodeId, Profile]) -> list[Json]:
    """Show the obstacles to a merge. ``name`` is what ``despite`` takes."""
    return [
        {
            "reason": one.reason,
            "name": one.name,
            "a": profile_view(profiles[one.a]),
            "b": profile_view(profiles[one.b]),
        }
        for one in against[:SHOWN]
    ]


class _Inputs(NamedTuple):
    """The inputs of an explanation. ``open_ids``: undecided identifiers; ``candidates``: the first of them."""

    explanation: Explanation
    profiles: Mapping[NodeId, Profile]
    attributions: Sequence[tuple[Attribution, str]]
    open_ids: Sequence[NodeId]
    candidates: Sequence[RankedCandidate]
    rules: Rules


async def read_explanation(tx: Tx, tenant: str, tenancy: Tenancy, customer: NodeId) -> Json:
    """Return what joined a customer's identifiers, and what did not."""
    rules = await read_rules_in_force(tx, tenant, tenancy.rules)
    view = CurrentGraph(tx, tenant)
    members = [member.id for member in await view.members_of(customer)]
    scope, resolution = await resolve_surroundings(tx, tenant, members, rules)
    gathered = await _gather(view, tenancy.ids, customer, members, scope.surroundings(), resolution, rules)
    return await _view(tx, customer, gathered, tenancy.directory)


async def read_explanation_as_of(tx: Tx, then: Snapshot, customer: NodeId) -> Json:
    """Return an explanation as of a moment of the past."""
    rules = await then.rules()
    members = [member.id for member in await then.members_of(customer)]
    graph, resolution = await then.explained(members)
    gathered = await _gather(then, then.ids, customer, members, graph, resolution, rules)
    return await _view(tx, customer, gathered, then.directory)


async def _gather(
    view: GraphView,
    ids: IdSpace,
    customer: NodeId,
    members: Collection[NodeId],
    graph: Graph,
    resolution: Resolution,
    rules: Rules,
) -> _Inputs:
    """Gather the inputs of an explanation. ``graph``, ``resolution``: of what surrounds the members."""
    explanation = explain_customer(customer, graph, resolution, rules)
    own = await ownership_of(view, customer, members)
    attributions = await attributions_about(view, members, own.nodes)
    in_candidate = _in_candidate(graph, resolution, members)
    open_ids = sorted(in_candidate - await settled_among(view, in_candidate))
    candidates = [await read_candidate(view, ids, graph.profiles[id], rules) for id in open_ids[:CANDIDATES_SHOWN]]
    return _Inputs(explanation, graph.profiles, attributions, open_ids, candidates, rules)


def _in_candidate(graph: Graph, resolution: Resolution, members: Collection[NodeId]) -> set[NodeId]:
    """Return the identifiers of a customer and around it that are shared or have a refused claim."""
    shared = graph.shared.counting_all if graph.shared is not None else frozenset[NodeId]()
    own = set(members)
    refused = [one for one in resolution.refusals if one.is_question and not own.isdisjoint((one.a, one.b))]
    return {
        *(shared & graph.profiles.keys()),
        *(weaker_end(graph.profiles[one.a], graph.profiles[one.b]) for one in refused),
    }


async def _view(tx: Tx, customer: NodeId, found: _Inputs, directory: Directory) -> Json:
    explanation, attributions = found.explanation, found.attributions
    keys = [view.decision.key for view in explanation.decisions[:SHOWN]] + [a.key for a, _ in attributions[:SHOWN]]
    raws = await read_raws(tx, keys)
    events = {key: named_event(decode_leniently(raw)[0], directory) for key, raw in raws.items()}
    return {
        "customer": text_of(customer),
        "profiles": [_profile(view) for view in explanation.profiles[:SHOWN]],
        "edges": [_edge(view, found.profiles) for view in explanation.edges[:SHOWN]],
        "decisions": [_decision(view, events) for view in explanation.decisions[:SHOWN]],
        "attributions": [_attribution(one, standing, events) for one, standing in attributions[:SHOWN]],
        "candidates": [candidate_view(one) for one in found.candidates],
        "totals": {
            "profiles": len(explanation.profiles),
            "edges": len(explanation.edges),
            "decisions": len(explanation.decisions),
            "attributions": len(attributions),
            "candidates": len(found.open_ids),
        },
        "rules": found.rules.as_mapping(),
    }


def _profile(view: ProfileView) -> Json:
    joined = view.join_reason
    return {
        **profile_view(view.profile),
        "first_recorded": format_time(view.profile.first_recorded),
        "shared": view.shared,
        "claimed": view.claimed,
        "may_link": view.may_link,
        "joined": None
        if joined is None
        else {
            "rule": joined.rule,
            "event": _event_name(joined.evidence),
            "confidence": joined.confidence / 100,
            "via": text_of(joined.via),
        },
    }


def _event_name(name: Sequence[str]) -> Json:
    return {"source": name[0], "id": name[1]}


def _edge(view: EdgeView, profiles: Mapping[NodeId, Profile]) -> Json:
    edge, refusal = view.edge, view.refusal
    return {
        "a": profile_view(profiles[edge.a]),
        "b": profile_view(profiles[edge.b]),
        "state": view.state,
        "confidence": view.confidence / 100,
        "proved": _tie(edge.proved, edge.proved_rule),
        "asserted": _tie(edge.asserted, edge.asserted_rule),
        "claimed": _tie(edge.claimed, edge.claimed_rule),
        "refused": None if refusal is None else {"reason": refusal.reason, "by": refusal.by},
    }


def _tie(evidence: Evidence | None, rule: str) -> Json | None:
    return None if evidence is None else {"rule": rule, **evidence_view(evidence)}


def _decision(view: DecisionView, events: Mapping[bytes, Event]) -> Json:
    decision, standing = view.decision, view.status
    return {
        **evidence_view(decision.at),
        "kind": decision.kind,
        "profiles": [text_of(id) for id in dict.fromkeys((decision.a, decision.b)) if id],
        "withdraws": decision.withdraws or None,
        **_author(events.get(decision.key)),
        "standing": {"state": standing.state, "by": standing.by or None},
    }


def _attribution(attribution: Attribution, standing: str, events: Mapping[bytes, Event]) -> Json:
    event = events.get(attribution.key)
    identity = event.data.identity if event is not None else None
    return {
        **evidence_view(attribution.at),
        "interaction": identity.interaction if identity is not None else None,
        "profile": text_of(attribution.profile) if attribution.profile is not None else None,
        **_author(event),
        "standing": {"state": standing, "by": None},
    }


def _author(event: Event | None) -> dict[str, Any]:
    """Show who decided, and why."""
    if event is None:
        return {"reason": None, "agent": None}
    agent = event.data.agent
    return {
        "reason": event.data.reason or None,
        "agent": {"id": agent.id, "name": agent.name} if agent is not None else None,
    }
