"""Candidates: identifiers in doubt, for a person to say whose they are.

An identifier is in doubt if it is shared, or if a claim was refused of which it is the weaker end (``weaker_end``):
somebody said that it is his, and it stands for somebody else. It links nobody by that. A person says whose one is by a
merge that names it, or dismisses the question; either settles it until it is withdrawn. A proof links it to somebody,
and leaves open who else uses it.

A claim with a shared end is *withheld*: it is not tried (``components``). It is a question all the same while its ends
are two customers', unless the shared end is settled (``withheld_among``).
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
"""Decisions that answer whose an identifier is that they name."""

_MASK = 0xCA0D1DA7E000


def candidate_id(identifier: NodeId) -> bytes:
    """The id of the candidate that a shared identifier yields; given that id, the identifier's.

    Its own inverse, so a dismissal names its identifier without a look-up, and it still is a UUIDv8 and no profile.
    """
    return (int.from_bytes(identifier, "big") ^ _MASK).to_bytes(16, "big")


def candidate_for(
    identifier: Profile,
    edges: Iterable[Edge],
    profiles: Mapping[NodeId, Profile],
    customer_of: Mapping[NodeId, NodeId],
    rules: Rules,
) -> Candidate:
    """Return the whole candidate of an identifier in doubt. ``edges``: all at the identifier; ``profiles``: their other
    ends; ``customer_of``: whose those are.

    Customers stand in order of confidence, then of the latest evidence, then by id.
    """
    others: list[Profile] = []
    best: dict[NodeId, CandidateCustomer] = {}
    for edge in edges:
        other = profiles[edge.b if edge.a == identifier.id else edge.a]
        if not rules.may_link(other):
            continue
        others.append(other)
        tied = _tied(edge, other.id, customer_of[other.id])
        known = best.get(tied.customer)
        if known is None or _surest_first(tied) < _surest_first(known):
            best[tied.customer] = tied
    crowd = shared_reason(identifier, others, rules)
    return Candidate(
        id=candidate_id(identifier.id),
        identifier=identifier.id,
        customers=tuple(sorted(best.values(), key=_surest_first)),
        reason=REFUSED if crowd is None else crowd.sentence(),
    )


REFUSED = "claimed by somebody else than whose it is"


def weaker_end(a: Profile, b: Profile) -> NodeId:
    """Return the end of a refused claim that is in doubt: the one of the weaker kind."""
    return max((rank_of(one.kind), one.kind, one.value, one.scope, one.id) for one in (a, b))[-1]


def settled_identifiers(decisions: Iterable[Decision], standings: Mapping[bytes, DecisionStatus]) -> frozenset[NodeId]:
    """Return the identifiers that a decision names that settles and stands."""
    standing = [d for d in decisions if d.kind in SETTLING_KINDS and standings[d.key].state == "stands"]
    return frozenset(end for decision in standing for end in (decision.a, decision.b))


def is_withheld(edge: Edge, shared: SharedIdentifiers) -> bool:
    """Return whether a pair of two values that may link is claimed alone, and not tried since an end is shared."""
    return not edge.firm and (edge.a in shared.counting_all or edge.b in shared.counting_all)


def withheld_claims(
    graph: Graph, shared: SharedIdentifiers, customer_of: Mapping[NodeId, NodeId], settled: Set[NodeId], rules: Rules
) -> list[Refusal]:
    """Return the withheld claims of a graph that a person should be asked about: of two customers, no shared end of
    them settled. Of an end that ``customer_of`` does not name, it is somebody else's than the other end."""
    silent = never_linking(graph.profiles, rules)
    found: list[Refusal] = []
    for edge in graph.edges:
        a, b, at = edge.a, edge.b, edge.claimed
        if at is None or not is_withheld(edge, shared) or a in silent or b in silent:
            continue
        if customer_of.get(a, a) == customer_of.get(b, b):
            continue
        if any(end in settled and end in shared.counting_all for end in (a, b)):
            continue
        found.append(Refusal(a, b, "shared", "", at, claimed=True))
    return found


def find_candidates(
    graph: Graph,
    shared: SharedIdentifiers,
    refused: Iterable[Refusal],
    customer_of: Mapping[NodeId, NodeId],
    settled: Set[NodeId],
    rules: Rules,
) -> list[Candidate]:
    """Return a candidate for each identifier in doubt that nobody settled, by identifier."""
    profiles = graph.profiles
    doubtful = shared.counting_all & profiles.keys()
    doubtful |= {weaker_end(profiles[one.a], profiles[one.b]) for one in refused if one.is_question}
    if not doubtful:
        return []
    edges: dict[NodeId, list[Edge]] = {id: [] for id in sorted(doubtful - settled - graph.given.keys())}
    for edge in graph.edges:
        for end in (edge.a, edge.b):
            if end in edges:
                edges[end].append(edge)
    return [candidate_for(profiles[id], edges[id], profiles, customer_of, rules) for id in edges]


def _tied(edge: Edge, profile: NodeId, customer: NodeId) -> CandidateCustomer:
    tie = strongest_evidence(edge)
    return CandidateCustomer(customer, profile, tie.rule, confidence_of(edge), tie.at, tie.weight)


def _surest_first(tied: CandidateCustomer) -> tuple[int, int, NodeId, NodeId]:
    return -tied.confidence, -tied.evidence[0], tied.customer, tied.profile
