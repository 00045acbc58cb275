"""List candidates: identifiers in doubt, for a person to say whose they are.

An identifier is in doubt if it is shared, or if it is the weaker end (``weaker_end``) of a refused claim: somebody said
that it is his, and it belongs to somebody else. A person settles it by a merge that names it or by dismissing the
candidate, until that decision is withdrawn. A proof does not settle it: it links the identifier to somebody, but leaves
open who else uses it.

A claim with a shared end is *withheld*: ``resolution`` does not try it. It is a question for a person all the same
while its ends belong to two customers, unless the shared end is settled (``withheld_claims``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from cx_events.identifiers import rank_of
from cx_events.ids import NodeId
from cx_identity.model import Decision, Edge, Graph, Profile, SharedIdentifiers, confidence_of, strongest_evidence
from cx_identity.outcome import Candidate, CandidateCustomer, DecisionStatus, Refusal
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import never_linking, shared_reason

SETTLING_KINDS = frozenset({"dismiss", "merge"})
"""Kinds of decision that settle an identifier in doubt which they name."""

_MASK = 0xCA0D1DA7E000


def candidate_id(identifier: NodeId) -> bytes:
    """Return the candidate's id for an identifier, or the identifier for a candidate's id.

    It is its own inverse, so a dismissal names its identifier without a look-up. The result is a UUIDv8, but no
    profile's id.
    """
    return (int.from_bytes(identifier, "big") ^ _MASK).to_bytes(16, "big")


def candidate_for(
    identifier: Profile,
    edges: Iterable[Edge],
    profiles: Mapping[NodeId, Profile],
    customer_of: Mapping[NodeId, NodeId],
    rules: Rules,
) -> Candidate:
    """Return the candidate of an identifier in doubt.

    ``edges`` are all edges at the identifier, ``profiles`` their other ends, and ``customer_of`` gives the customers of
    those. The candidate's customers are in order of confidence, then latest evidence, then id.
    """
    others: list[Profile] = []
    best: dict[NodeId, CandidateCustomer] = {}
    for edge in edges:
        other = profiles[edge.b if edge.a == identifier.id else edge.a]
        if not rules.may_link(other):
            continue
        others.append(other)
        customer = _candidate_customer(edge, other.id, customer_of[other.id])
        known = best.get(customer.customer)
        if known is None or _by_confidence(customer) < _by_confidence(known):
            best[customer.customer] = customer
    shared = shared_reason(identifier, others, rules)
    return Candidate(
        id=candidate_id(identifier.id),
        identifier=identifier.id,
        customers=tuple(sorted(best.values(), key=_by_confidence)),
        reason=REFUSED if shared is None else shared.sentence(),
    )


REFUSED = "claimed by somebody else than whose it is"


def weaker_end(a: Profile, b: Profile) -> NodeId:
    """Return which end of a refused claim is in doubt: the one of the weaker kind."""
    return max((rank_of(one.kind), one.kind, one.value, one.scope, one.id) for one in (a, b))[-1]


def settled_identifiers(decisions: Iterable[Decision], statuses: Mapping[bytes, DecisionStatus]) -> frozenset[NodeId]:
    """Return the identifiers that a standing merge or dismissal names."""
    standing = [d for d in decisions if d.kind in SETTLING_KINDS and statuses[d.key].state == "stands"]
    return frozenset(end for decision in standing for end in (decision.a, decision.b))


def is_withheld(edge: Edge, shared: SharedIdentifiers) -> bool:
    """Return whether an edge is only claimed and not tried, since an end is shared. Both ends must be able to link."""
    return not edge.firm and (edge.a in shared.counting_all or edge.b in shared.counting_all)


def withheld_claims(
    graph: Graph, shared: SharedIdentifiers, customer_of: Mapping[NodeId, NodeId], settled: Set[NodeId], rules: Rules
) -> list[Refusal]:
    """Return a graph's withheld claims that a person should be asked about.

    Their ends belong to two customers, and no shared end is settled. An end that ``customer_of`` lacks counts as a
    customer of its own.
    """
    unlinked = never_linking(graph.profiles, rules)
    withheld: list[Refusal] = []
    for edge in graph.edges:
        a, b, at = edge.a, edge.b, edge.claimed
        if at is None or not is_withheld(edge, shared) or a in unlinked or b in unlinked:
            continue
        if customer_of.get(a, a) == customer_of.get(b, b):
            continue
        if any(end in settled and end in shared.counting_all for end in (a, b)):
            continue
        withheld.append(Refusal(a, b, "shared", "", at, claimed=True))
    return withheld


def find_candidates(
    graph: Graph,
    shared: SharedIdentifiers,
    refusals: Iterable[Refusal],
    customer_of: Mapping[NodeId, NodeId],
    settled: Set[NodeId],
    rules: Rules,
) -> list[Candidate]:
    """Return a candidate for each identifier in doubt that nobody settled, in order of identifier."""
    profiles = graph.profiles
    in_doubt = shared.counting_all & profiles.keys()
    in_doubt |= {weaker_end(profiles[one.a], profiles[one.b]) for one in refusals if one.is_question}
    if not in_doubt:
        return []
    edges: dict[NodeId, list[Edge]] = {id: [] for id in sorted(in_doubt - settled - graph.fixed_cores.keys())}
    for edge in graph.edges:
        for end in (edge.a, edge.b):
            if end in edges:
                edges[end].append(edge)
    return [candidate_for(profiles[id], edges[id], profiles, customer_of, rules) for id in edges]


def _candidate_customer(edge: Edge, profile: NodeId, customer: NodeId) -> CandidateCustomer:
    evidence = strongest_evidence(edge)
    return CandidateCustomer(customer, profile, evidence.rule, confidence_of(edge), evidence.at, evidence.weight)


def _by_confidence(one: CandidateCustomer) -> tuple[int, int, NodeId, NodeId]:
    return -one.confidence, -one.evidence[0], one.customer, one.profile
