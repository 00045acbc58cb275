"""Identifiers in doubt: whose they may be, likeliest first, with what a person can do about it.

Nobody is joined by a rank. A person says whose an identifier is (``merge``), that it stays nobody's (``dismiss``), or
whose one interaction is that names nobody, or nobody but it (``attribute``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cx_context.definition import Owners
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.graph import edges_at, read_profiles
from cx_context.store.identifier_activity import contacts_at
from cx_context.store.members import customers_of
from cx_context.store.ownership import owners_of_interactions
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
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
    """``owner``: whose the identifier is, its own id where it is nobody's. ``customers``: likeliest first.
    ``unclaimed``: the contacts that name the identifier and nobody else, while it is nobody's."""

    candidate: Candidate
    identifier: Profile
    owner: NodeId
    customers: Sequence[RankedCustomer]
    unclaimed: IdentifierUse | None


async def read_candidate(tx: Tx, ids: IdSpace, identifier: Profile, rules: Rules) -> RankedCandidate:
    """Whose an identifier in doubt may be."""
    tenant = ids.tenant
    edges = await edges_at(tx, tenant, [identifier.id])
    profiles = await read_profiles(tx, tenant, _ends(edges, identifier))
    tied = _Tied(identifier, edges, profiles, await customers_of(tx, tenant, {*profiles, identifier.id}), rules)
    contacts = await contacts_at(tx, tenant, identifier, tied.stream_ids())
    return tied.doubt(contacts, await owners_of_interactions(CurrentGraph(tx, tenant), tied.nodes(ids, contacts)), ids)


async def read_candidate_as_of(then: Snapshot, identifier: Profile) -> RankedCandidate:
    """As ``read_candidate``, at a moment of the past."""
    edges = await then.edges_at([identifier.id])
    profiles = await then.profiles(_ends(edges, identifier))
    customer_of = await then.customers_of({*profiles, identifier.id})
    tied = _Tied(identifier, edges, profiles, customer_of, await then.rules())
    contacts = await then.contacts_at(identifier, tied.stream_ids())
    return tied.doubt(contacts, await owners_of_interactions(then, tied.nodes(then.ids, contacts)), then.ids)


def _ends(edges: Sequence[Edge], identifier: Profile) -> set[NodeId]:
    return {end for edge in edges for end in (edge.a, edge.b)} - {identifier.id}


@dataclass(frozen=True, slots=True)
class _Tied:
    """What is known of an identifier and those who are tied to it."""

    identifier: Profile
    edges: Sequence[Edge]
    profiles: Mapping[NodeId, Profile]
    customer_of: Mapping[NodeId, NodeId]
    rules: Rules

    def _said(self) -> dict[NodeId, Edge]:
        ends = {edge.b if edge.a == self.identifier.id else edge.a: edge for edge in self.edges}
        return {end: edge for end, edge in ends.items() if end in self.profiles}

    def stream_ids(self) -> list[NodeId]:
        """Where the identifier may have been used, the identifier's own first, then as they were said to have it."""
        said = {end: _latest(edge) for end, edge in self._said().items()}
        return [self.identifier.id, *sorted(said, key=lambda end: (said[end], end), reverse=True)]

    def nodes(self, ids: IdSpace, contacts: Mapping[NodeId, Sequence[IdentifierActivity]]) -> set[NodeId]:
        """The interactions that name the identifier alone; each may follow somebody."""
        return {ids.interaction(contact.interaction) for contact in contacts.get(self.identifier.id, ())}

    def doubt(
        self, contacts: Mapping[NodeId, Sequence[IdentifierActivity]], sides: Mapping[NodeId, Owners], ids: IdSpace
    ) -> RankedCandidate:
        known = list(self._said().values())
        candidate = candidate_for(self.identifier, known, self.profiles, self.customer_of, self.rules)
        of_customer: dict[NodeId, list[IdentifierActivity]] = {}
        for stream_id, found in contacts.items():
            for contact in found:
                of = sides.get(ids.interaction(contact.interaction)) if stream_id == self.identifier.id else None
                owner = (
                    self.customer_of[stream_id]
                    if of is None
                    else of.by_stream.get(stream_id, self.customer_of[stream_id])
                )
                of_customer.setdefault(owner, []).append(contact)
        uses = {customer: use for customer, found in of_customer.items() if (use := sum_activity(found)) is not None}
        owner = self.customer_of[self.identifier.id]
        own = any(tied.customer == owner for tied in candidate.customers)
        unclaimed = uses.get(owner) if not own else None
        return RankedCandidate(candidate, self.identifier, owner, rank_customers(candidate, uses), unclaimed)


def _latest(edge: Edge) -> Micros:
    return max(tie.at[0] for tie in evidence_of(edge))
