"""Order the edges of a graph, and leave out those that do not link.

An edge is tried by its strongest evidence. No edge links an identifier that may not link. No claimed edge links a
shared identifier, and no asserted edge links one that is shared counting proved and asserted pairs.
"""

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
"""(turn, evidence, a, b, rule, confidence) of a merge or an edge. Turns are 0 for merges and proved edges, 1 for
asserted and 2 for claimed ones. A plain tuple, since sorting these is the hot path of a resolution."""

CLAIM_TURN = 2


class Attempts(NamedTuple):
    """The edges that link unless a guard refuses, in the order in which to try them. ``firm``: proved or asserted."""

    firm: list[Step]
    claims: list[Step]


def order_attempts(graph: Graph, shared: SharedIdentifiers, rules: Rules) -> Attempts:
    """Return the edges to try: proved before asserted before claimed, each in order of earliest evidence."""
    unlinked = never_linking(graph.profiles, rules)
    firm: list[Step] = []
    claims: list[Step] = []
    for edge in graph.edges:
        if unlinked and (edge.a in unlinked or edge.b in unlinked):
            continue
        step = _step(edge, shared)
        if step is not None:
            (claims if step[0] == CLAIM_TURN else firm).append(step)
    firm.sort()
    claims.sort()
    return Attempts(firm, claims)


def _step(edge: Edge, shared: SharedIdentifiers) -> Step | None:
    """Return the step that tries an edge, or None if the edge does not link."""
    a, b = edge.a, edge.b
    if edge.proved is not None:
        return 0, edge.proved, a, b, edge.proved_rule, confidence_of(edge)
    if edge.asserted is not None:
        if a in shared.counting_firm or b in shared.counting_firm:
            return None
        return 1, edge.asserted, a, b, edge.asserted_rule, confidence_of(edge)
    if edge.claimed is None or a in shared.counting_all or b in shared.counting_all:
        return None
    return CLAIM_TURN, edge.claimed, a, b, edge.claimed_rule, confidence_of(edge)


def is_active(edge: Edge, shared: SharedIdentifiers) -> bool:
    """Return whether an edge links unless a guard refuses. Both ends must be identifiers that may link."""
    return _step(edge, shared) is not None
