"""Order the edges of a graph, and leave out those that do not link.

An edge is tried by its strongest evidence. No edge links an identifier that may not link. No claimed edge links a
shared identifier, and no asserted edge links one that is shared counting proved and asserted pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from cx_events.ids import NodeId
from cx_identity.model import Edge, Evidence, SharedIdentifiers, confidence_of

Step = tuple[int, Evidence, NodeId, NodeId, str, int]
"""(turn, evidence, a, b, rule, confidence) of a merge or an edge. Turns are 0 for merges and proved edges, 1 for
asserted and 2 for claimed ones. A plain tuple, since sorting these is the hot path of a resolution."""

CLAIM_TURN = 2


class Attempts(NamedTuple):
    """The edges that link unless a guard refuses, in the order in which to try them. ``firm``: proved or asserted."""

    firm: list[Step]
    claims: list[Step]


def order_attempts(edges: Iterable[Edge], shared: SharedIdentifiers, unlinked: Set[NodeId]) -> Attempts:
    """Return the edges to try: proved before asserted before claimed, each in order of earliest evidence.
    ``unlinked``: the profiles that never link."""
    firm: list[Step] = []
    claims: list[Step] = []
    for edge in edges:
        if unlinked and (edge.a in unlinked or edge.b in unlinked):
            continue
        turn = _turn_of(edge, shared)
        if turn is not None:
            (claims if turn == CLAIM_TURN else firm).append(_step(edge, turn))
    firm.sort()
    claims.sort()
    return Attempts(firm, claims)


def _step(edge: Edge, turn: int) -> Step:
    """Return the step that tries an edge in its turn."""
    if turn == 0:
        at, rule = edge.proved, edge.proved_rule
    elif turn == CLAIM_TURN:
        at, rule = edge.claimed, edge.claimed_rule
    else:
        at, rule = edge.asserted, edge.asserted_rule
    assert at is not None, "an edge is tried by evidence that it has"
    return turn, at, edge.a, edge.b, rule, confidence_of(edge)


def _turn_of(edge: Edge, shared: SharedIdentifiers) -> int | None:
    """Return the turn in which an edge is tried, that of its strongest evidence; None if the edge does not link."""
    if edge.proved is not None:
        return 0
    if edge.asserted is not None:
        return None if edge.a in shared.counting_firm or edge.b in shared.counting_firm else 1
    if edge.claimed is None or edge.a in shared.counting_all or edge.b in shared.counting_all:
        return None
    return CLAIM_TURN


def is_active(edge: Edge, shared: SharedIdentifiers) -> bool:
    """Return whether an edge links unless a guard refuses. Both ends must be identifiers that may link."""
    return _turn_of(edge, shared) is not None
