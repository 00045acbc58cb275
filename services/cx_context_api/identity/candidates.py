"""Rank who may own an identifier that several people use or claim.

A rank joins nobody. A person decides: whose the identifier is (``merge``), that it stays nobody's (``dismiss``), or
whose one interaction is that names only this identifier or nobody (``attribute``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cx_context.reference_definition import Owners
from cx_context.store.graph_view import GraphView
from cx_context.store.ownership import owners_of_interactions
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros
from cx_identity.candidate_ranking import (
    IdentifierActivity,
    IdentifierUse,
    RankedCustomer,
    rank_customers,
    sum_activity,
)
from cx_identity.candidates import candidate_for
from cx_identity.model import Edge, Profile, evidence_of
from cx_identity.outcome import Candidate
from cx_identity.rules import Rules


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """An identifier with the customers who may own it, likeliest first.

    ``owner``: its customer today; its own id if it is nobody's. ``unclaimed``: the contacts that name only this
    identifier, while it is nobody's.
    """

    candidate: Candidate
    identifier: Profile
    owner: NodeId
    customers: Sequence[RankedCustomer]
    unclaimed: IdentifierUse | None


async def read_candidate(graph: GraphView, ids: IdSpace, identifier: Profile, rules: Rules) -> RankedCandidate:
    """Return who may own an identifier, today or at the moment of the graph. ``rules``: those in force there."""
    edges = await graph.edges_at([identifier.id])
    profiles = await graph.profiles(_ends(edges, identifier))
    customer_of = await graph.customers_of({*profiles, identifier.id})
    inputs = _CandidateInputs(identifier, edges, profiles, customer_of, rules)
    contacts = await graph.contacts_at(identifier, inputs.stream_ids())
    return inputs.rank(contacts, await owners_of_interactions(graph, inputs.nodes(ids, contacts)), ids)


def _ends(edges: Sequence[Edge], identifier: Profile) -> set[NodeId]:
    return {end for edge in edges for end in (edge.a, edge.b)} - {identifier.id}


@dataclass(frozen=True, slots=True)
class _CandidateInputs:
    """The edges of an identifier, and the profiles at their other ends."""

    identifier: Profile
    edges: Sequence[Edge]
    profiles: Mapping[NodeId, Profile]
    customer_of: Mapping[NodeId, NodeId]
    rules: Rules

    def _edge_by_end(self) -> dict[NodeId, Edge]:
        ends = {edge.b if edge.a == self.identifier.id else edge.a: edge for edge in self.edges}
        return {end: edge for end, edge in ends.items() if end in self.profiles}

    def stream_ids(self) -> list[NodeId]:
        """Return the streams that may have used the identifier: its own first, then the latest tied first."""
        latest = {end: _latest(edge) for end, edge in self._edge_by_end().items()}
        return [self.identifier.id, *sorted(latest, key=lambda end: (latest[end], end), reverse=True)]

    def nodes(self, ids: IdSpace, contacts: Mapping[NodeId, Sequence[IdentifierActivity]]) -> set[NodeId]:
        """Return the interactions that name only the identifier; each may follow another customer."""
        return {ids.interaction(contact.interaction) for contact in contacts.get(self.identifier.id, ())}

    def rank(
        self, contacts: Mapping[NodeId, Sequence[IdentifierActivity]], owners: Mapping[NodeId, Owners], ids: IdSpace
    ) -> RankedCandidate:
        """Rank the customers by their ties and by who used the identifier."""
        edges = list(self._edge_by_end().values())
        candidate = candidate_for(self.identifier, edges, self.profiles, self.customer_of, self.rules)
        by_customer: dict[NodeId, list[IdentifierActivity]] = {}
        for stream_id, activity in contacts.items():
            for contact in activity:
                customer = self.customer_of[stream_id]
                if stream_id == self.identifier.id:
                    interaction = owners.get(ids.interaction(contact.interaction))
                    if interaction is not None:
                        customer = interaction.by_stream.get(stream_id, customer)
                by_customer.setdefault(customer, []).append(contact)
        sums = {customer: sum_activity(activity) for customer, activity in by_customer.items()}
        uses = {customer: use for customer, use in sums.items() if use is not None}
        owner = self.customer_of[self.identifier.id]
        is_tied = any(tied.customer == owner for tied in candidate.customers)
        unclaimed = uses.get(owner) if not is_tied else None
        return RankedCandidate(candidate, self.identifier, owner, rank_customers(candidate, uses), unclaimed)


def _latest(edge: Edge) -> Micros:
    return max(tie.at[0] for tie in evidence_of(edge))
