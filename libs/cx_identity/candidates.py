"""Candidates: shared identifiers, for a person to say whose they are.

They link nobody by themselves. A person says whose one is by a merge that names it, or dismisses the question; either
settles it until it is withdrawn. A verification links it to somebody, and leaves open who else uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_events.ids import NodeId
from cx_identity.model import Candidate, Edge, Graph, Profile, Standing, Tied, confidence_of
from cx_identity.rules import Rules
from cx_identity.sharing import crowd_at

SETTLING = frozenset({"dismiss", "merge"})
"""Decisions that answer whose an identifier is that they name."""

CLAIMING = frozenset({"merge"})
"""Those of them that answer with somebody: a shared identifier stands for them, and is in doubt no more."""

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
    """The whole candidate of a shared identifier. ``edges``: all at the identifier; ``profiles``: their other ends;
    ``customer_of``: whose those are.

    Customers stand in order of confidence, then of the latest evidence, then by id.
    """
    others: list[Profile] = []
    best: dict[NodeId, Tied] = {}
    for edge in edges:
        other = profiles[edge.b if edge.a == identifier.id else edge.a]
        if not rules.may_link(other):
            continue
        others.append(other)
        tied = _tied(edge, other.id, customer_of[other.id])
        known = best.get(tied.customer)
        if known is None or _surest_first(tied) < _surest_first(known):
            best[tied.customer] = tied
    crowd = crowd_at(identifier, others, rules)
    return Candidate(
        id=candidate_id(identifier.id),
        identifier=identifier.id,
        customers=tuple(sorted(best.values(), key=_surest_first)),
        reason="shared" if crowd is None else crowd.sentence(),
    )


def candidates_among(
    graph: Graph,
    shared: frozenset[NodeId],
    customer_of: Mapping[NodeId, NodeId],
    standings: Mapping[bytes, Standing],
    rules: Rules,
) -> list[Candidate]:
    """A candidate for each shared identifier that nobody settled, by identifier."""
    settling = [d for d in graph.decisions if d.kind in SETTLING and standings[d.key].state == "stands"]
    settled = {end for decision in settling for end in (decision.a, decision.b)}
    edges: dict[NodeId, list[Edge]] = {id: [] for id in sorted(shared - settled)}
    for edge in graph.edges:
        for end in (edge.a, edge.b):
            if end in edges:
                edges[end].append(edge)
    return [candidate_for(graph.profiles[id], edges[id], graph.profiles, customer_of, rules) for id in edges]


def _tied(edge: Edge, profile: NodeId, customer: NodeId) -> Tied:
    if edge.verified is not None:
        return Tied(customer, profile, edge.verified_rule, confidence_of(edge), edge.verified)
    assert edge.asserted is not None
    return Tied(customer, profile, edge.asserted_rule, confidence_of(edge), edge.asserted)


def _surest_first(tied: Tied) -> tuple[int, int, NodeId, NodeId]:
    return -tied.confidence, -tied.evidence[0], tied.customer, tied.profile
