"""Explain a customer's identity: its profiles, edges and decisions, each with its state and the reason."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cx_events.ids import NodeId
from cx_identity.linking import is_active
from cx_identity.model import Decision, Edge, Graph, Profile, confidence_of, newest_first
from cx_identity.outcome import DecisionStatus, JoinReason, Refusal, Resolution
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import shared_in, unlinked_in

EdgeState = Literal["links", "refused", "shared", "never-links"]


class ProfileView(Struct, frozen=True, gc=False):
    """A profile of the customer.

    ``join_reason`` is None for the profile whose id is the customer's. ``claimed`` says that only a claim ties it to
    the customer's core.
    """

    profile: Profile
    join_reason: JoinReason | None
    shared: bool
    may_link: bool
    claimed: bool = False


class EdgeView(Struct, frozen=True, gc=False):
    """An edge, with the ``refusal`` if its state is ``refused``. ``confidence`` is in hundredths, whether it links or
    not.
    """

    edge: Edge
    state: EdgeState
    confidence: int
    refusal: Refusal | None = None


class DecisionView(Struct, frozen=True, gc=False):
    """A decision and its status."""

    decision: Decision
    status: DecisionStatus


class Explanation(Struct, frozen=True):
    """A customer's profiles by first recorded time, edges by their ends, and decisions newest first."""

    customer: NodeId
    profiles: list[ProfileView]
    edges: list[EdgeView]
    decisions: list[DecisionView]


def explain_customer(customer: NodeId, graph: Graph, resolution: Resolution, rules: Rules) -> Explanation:
    """Explain one customer's identity, as ``GET .../identity`` answers.

    ``graph`` is the whole graph, or ``AffectedScope.surroundings()`` of a scope that began at the customer.
    ``resolution`` is that of the whole graph, or of the scope. Edges that lead out of the customer and do not link are
    listed too, with the reason, and so are decisions about its profiles and the withdrawals of those.
    """
    members = {id for id, of in resolution.customer_of.items() if of == customer}
    shared = shared_in(graph, rules, unlinked_in(graph, rules))
    refusals = {(refusal.a, refusal.b): refusal for refusal in resolution.refusals}

    def view(edge: Edge) -> EdgeView:
        refusal = refusals.get((edge.a, edge.b))
        state: EdgeState = "links" if refusal is None else "refused"
        if not (rules.may_link(graph.profiles[edge.a]) and rules.may_link(graph.profiles[edge.b])):
            state = "never-links"
        elif not is_active(edge, shared):
            state = "shared"
        return EdgeView(edge, state, confidence_of(edge), refusal)

    own = [graph.profiles[id] for id in members]
    edges = [edge for edge in graph.edges if edge.a in members or edge.b in members]
    return Explanation(
        customer=customer,
        profiles=[
            ProfileView(
                profile,
                resolution.join_reasons.get(profile.id),
                profile.id in shared.counting_all,
                rules.may_link(profile),
                profile.id in resolution.claimed,
            )
            for profile in sorted(own, key=lambda profile: (profile.first_recorded, profile.id))
        ],
        edges=[view(edge) for edge in sorted(edges, key=lambda edge: (edge.a, edge.b))],
        decisions=[DecisionView(d, resolution.decisions[d.key]) for d in _about(members, graph)],
    )


def _about(members: set[NodeId], graph: Graph) -> list[Decision]:
    """Return the decisions that name a member, the withdrawals of those, the withdrawals of such withdrawals, and so
    on.
    """
    named = [d for d in graph.decisions if d.a in members or d.b in members]
    names = {decision.name for decision in named}
    rest = [d for d in graph.decisions if d.kind == "withdraw"]
    while more := [d for d in rest if d.withdraws in names]:
        named += more
        names |= {decision.name for decision in more}
        rest = [d for d in rest if d.withdraws not in names]
    return newest_first(named)
