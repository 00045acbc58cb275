"""Which edges link, and in which order they are tried."""

from __future__ import annotations

from typing import NamedTuple

from cx_events.ids import NodeId
from cx_identity.model import (
    Edge,
    Evidence,
    Graph,
    SharedIdentifiers,
    confidence_of,
)
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import never_linking

Step = tuple[int, Evidence, NodeId, NodeId, str, int]
"""(turn, evidence, a, b, rule, confidence): a merge or an edge; a proved edge has turn 0, an asserted one 1, a claimed
one 2."""

CLAIM_TURN = 2


class Attempts(NamedTuple):
    """The edges that link unless a guard refuses, in the order in which they are tried."""

    firm: list[Step]
    claims: list[Step]


def order_attempts(graph: Graph, shared: SharedIdentifiers, rules: Rules) -> Attempts:
    silent = never_linking(graph.profiles, rules)
    firm: list[Step] = []
    claims: list[Step] = []
    for edge in graph.edges:
        if silent and (edge.a in silent or edge.b in silent):
            continue
        step = _step(edge, shared)
        if step is not None:
            (claims if step[0] == CLAIM_TURN else firm).append(step)
    firm.sort()
    claims.sort()
    return Attempts(firm, claims)


def _step(edge: Edge, shared: SharedIdentifiers) -> Step | None:
    """Return how an edge is tried: by its strongest evidence that may link, or not at all."""
    a, b = edge.a, edge.b
    if edge.proved is not None:
        return 0, edge.proved, a, b, edge.proved_rule, confidence_of(edge)
    if edge.asserted is not None:
        if a in shared.firmly or b in shared.firmly:
            return None
        return 1, edge.asserted, a, b, edge.asserted_rule, confidence_of(edge)
    if edge.claimed is None or a in shared.counting_all or b in shared.counting_all:
        return None
    return CLAIM_TURN, edge.claimed, a, b, edge.claimed_rule, confidence_of(edge)


def is_active(edge: Edge, shared: SharedIdentifiers) -> bool:
    """Return whether an edge links unless a guard refuses, where both ends may link."""
    return _step(edge, shared) is not None
