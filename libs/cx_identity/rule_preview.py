"""Preview a change of rules: resolve the same facts under two sets of rules, and compare.

``preview_rules`` counts all differences, and explains some examples by the edges that cause them: those that link under
one set of rules only, with their state under both. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice

from msgspec import Struct

from cx_events.ids import NodeId
from cx_identity.explanation import EdgeState
from cx_identity.linking import is_active
from cx_identity.model import Edge, Graph, Profile, evidence_of, strongest_evidence
from cx_identity.outcome import Candidate, RefusalReason, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import shared_reason

EDGES_SHOWN = 5
EDGES_READ = 200
"""Most edges of one changed customer that are looked at to find ``EDGES_SHOWN`` that changed."""

CUSTOMERS_SHOWN = 10
MOST_EXAMPLES = 1000


class EdgeOutcome(Struct, frozen=True, gc=False):
    """The outcome for an edge under a set of rules, with the reason as a sentence."""

    state: EdgeState
    why: str


class ChangedEdge(Struct, frozen=True, gc=False):
    """An edge within a changed customer, with its outcome before and after."""

    edge: Edge
    before: EdgeOutcome
    after: EdgeOutcome

    def links_once(self) -> bool:
        """Return whether it links under exactly one of the two sets of rules."""
        return (self.before.state == "links") != (self.after.state == "links")


class CustomerChange(Struct, frozen=True, gc=False):
    """Customers that join into one, or one that parts.

    ``one`` is the id of the whole, after joining or before parting. ``others`` are the customers that it is made of, or
    that it becomes. ``profiles`` says how many it has. ``because`` holds the earliest edges within it that lead from
    one of the others to another and link under one set of rules only.
    """

    one: NodeId
    others: tuple[NodeId, ...]
    profiles: int
    because: tuple[ChangedEdge, ...]


class PreviewCounts(Struct, frozen=True, gc=False):
    """The counts of everything under the two sets of rules.

    ``customers_joined`` customers would become ``joined`` new ones; ``parted`` ones would become ``customers_parted``.
    """

    profiles: int
    edges: int
    customers_before: int
    customers_after: int
    joined: int
    customers_joined: int
    parted: int
    customers_parted: int
    candidates_before: int
    candidates_after: int
    candidates_appear: int
    candidates_vanish: int


class RulesPreview(Struct, frozen=True):
    """The counts and some examples.

    Examples are those with the most customers first, then the most profiles, then by id; candidates are by id.
    """

    counts: PreviewCounts
    joined: list[CustomerChange]
    parted: list[CustomerChange]
    appear: list[Candidate]
    vanish: list[Candidate]


def preview_rules(graph: Graph, before: Rules, after: Rules, examples: int = 10) -> RulesPreview:
    """Compare two sets of rules on a tenant's whole graph, with at most ``examples`` of each kind of difference."""
    was, now = resolve(graph, before), resolve(graph, after)
    parts_of = _overlaps(now.customer_of, was.customer_of)
    customers_after_of = _overlaps(was.customer_of, now.customer_of)
    joined = {one: others for one, others in parts_of.items() if len(others) > 1}
    parted = {one: others for one, others in customers_after_of.items() if len(others) > 1}
    candidates_was = {candidate.id: candidate for candidate in was.candidates}
    candidates_now = {candidate.id: candidate for candidate in now.candidates}
    appear = [candidate for id, candidate in candidates_now.items() if id not in candidates_was]
    vanish = [candidate for id, candidate in candidates_was.items() if id not in candidates_now]
    sizes_now, sizes_was = _sizes(now.customer_of, joined), _sizes(was.customer_of, parted)
    first_joined, first_parted = _largest(joined, sizes_now, examples), _largest(parted, sizes_was, examples)
    turned = _turned(graph, was, now, first_joined, first_parted)
    outcomes = _EdgeOutcomes(graph, (before, was), (after, now), turned)
    return RulesPreview(
        counts=PreviewCounts(
            profiles=len(graph.profiles),
            edges=len(graph.edges),
            customers_before=len(customers_after_of),
            customers_after=len(parts_of),
            joined=len(joined),
            customers_joined=sum(map(len, joined.values())),
            parted=len(parted),
            customers_parted=sum(map(len, parted.values())),
            candidates_before=len(was.candidates),
            candidates_after=len(now.candidates),
            candidates_appear=len(appear),
            candidates_vanish=len(vanish),
        ),
        joined=[outcomes.change(one, joined[one], sizes_now[one]) for one in first_joined],
        parted=[outcomes.change(one, parted[one], sizes_was[one]) for one in first_parted],
        appear=appear[:examples],
        vanish=vanish[:examples],
    )


_Customers = Mapping[NodeId, Collection[NodeId]]


def _overlaps(one: Mapping[NodeId, NodeId], other: Mapping[NodeId, NodeId]) -> dict[NodeId, set[NodeId]]:
    """Return, for each customer of one resolution, the customers of the other that it shares a profile with."""
    met: dict[NodeId, set[NodeId]] = {}
    for profile, customer in one.items():
        met.setdefault(customer, set()).add(other[profile])
    return met


def _sizes(customer_of: Mapping[NodeId, NodeId], customers: Collection[NodeId]) -> dict[NodeId, int]:
    sizes = dict.fromkeys(customers, 0)
    for customer in customer_of.values():
        if customer in sizes:
            sizes[customer] += 1
    return sizes


def _largest(changed: _Customers, sizes: Mapping[NodeId, int], most: int) -> list[NodeId]:
    return sorted(changed, key=lambda one: (-len(changed[one]), -sizes[one], one))[:most]


def _turned(
    graph: Graph, was: Resolution, now: Resolution, joined: Iterable[NodeId], parted: Iterable[NodeId]
) -> dict[NodeId, list[Edge]]:
    """Return, for each changed customer, its edges that bridge two customers of the other set of rules."""
    found: dict[NodeId, list[Edge]] = {one: [] for one in (*joined, *parted)}
    joined, parted = set(joined), set(parted)
    for edge in graph.edges:
        was_a, was_b = was.customer_of[edge.a], was.customer_of[edge.b]
        now_a, now_b = now.customer_of[edge.a], now.customer_of[edge.b]
        if now_a == now_b and was_a != was_b and now_a in joined:
            found[now_a].append(edge)
        if was_a == was_b and now_a != now_b and was_a in parted:
            found[was_a].append(edge)
    return {one: sorted(edges, key=_by_evidence)[:EDGES_READ] for one, edges in found.items()}


def _by_evidence(edge: Edge) -> tuple[object, NodeId, NodeId]:
    return min(tie.at for tie in evidence_of(edge)), edge.a, edge.b


class _EdgeOutcomes:
    """The outcomes of the bridging edges under both sets of rules.

    The edges at shared identifiers are collected once for all of them.
    """

    def __init__(
        self,
        graph: Graph,
        before: tuple[Rules, Resolution],
        after: tuple[Rules, Resolution],
        turned: Mapping[NodeId, list[Edge]],
    ) -> None:
        self._profiles = graph.profiles
        self._turned = turned
        self._sides = (before, after)
        shared = before[1].shared.counting_all | after[1].shared.counting_all
        asked = {end for edges in turned.values() for edge in edges for end in (edge.a, edge.b) if end in shared}
        self._edges: dict[NodeId, list[Edge]] = {id: [] for id in asked}
        if asked:
            for edge in graph.edges:
                for end in (edge.a, edge.b):
                    if end in asked:
                        self._edges[end].append(edge)
        self._refused = [{(r.a, r.b): r for r in resolution.refusals} for _, resolution in self._sides]

    def change(self, one: NodeId, others: Collection[NodeId], profiles: int) -> CustomerChange:
        """Return the change of one customer with the edges that cause it."""
        looked_at = (ChangedEdge(edge, self._state(edge, 0), self._state(edge, 1)) for edge in self._turned[one])
        because = tuple(islice((one for one in looked_at if one.links_once()), EDGES_SHOWN))
        return CustomerChange(one, tuple(sorted(others)), profiles, because)

    def _state(self, edge: Edge, side: int) -> EdgeOutcome:
        rules, resolution = self._sides[side]
        for end in (edge.a, edge.b):
            if not rules.may_link(self._profiles[end]):
                return EdgeOutcome("never-links", f"{_value(self._profiles[end])} never links")
        if not is_active(edge, resolution.shared):
            return EdgeOutcome("shared", self._why_shared(edge, rules, resolution))
        refusal = self._refused[side].get((edge.a, edge.b))
        if refusal is not None:
            return EdgeOutcome("refused", _WHY_REFUSED[refusal.reason].format(refusal.by))
        tie = strongest_evidence(edge)
        return EdgeOutcome("links", f"{tie.weight} by {tie.rule}")

    def _why_shared(self, edge: Edge, rules: Rules, resolution: Resolution) -> str:
        """Return which end is shared and why, counting the edges that the edge's strongest evidence is held against."""
        shared = resolution.shared.counting_firm if edge.firm else resolution.shared.counting_all
        end = self._profiles[edge.a if edge.a in shared else edge.b]
        counted = [one.other(end.id) for one in self._edges[end.id] if one.firm or not edge.firm]
        crowd = shared_reason(end, (self._profiles[id] for id in counted), rules)
        return f"{_value(end)} is {crowd.sentence() if crowd is not None else 'shared'}"


_WHY_REFUSED: Mapping[RefusalReason, str] = {
    "apart": "kept apart by {}",
    "exclusive": "on both sides stand values of the exclusive kind {}",
    "known": "both sides are known people, and a claim joins no two of them",
    "kind": "on both sides stands a value of the kind {}, and a claim joins no two of them",
    "size": "claims have joined as many as they may",
}


def _value(profile: Profile) -> str:
    return f"{profile.kind}:{profile.value}"
