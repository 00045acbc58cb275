"""What a context is: one pure function over the whole set of a tenant's events.

Whatever the projectors keep incrementally must equal this, byte for byte: in any order of arrival, with any duplicates,
in any batch size. It is written to be read, not to be fast; ``cx verify`` and the tests hold the store against it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cx_context.finish import Json, Known, Member, context_body
from cx_context.fold import apply, makes_part, new_part
from cx_context.model import Part
from cx_context.threading import AnchoredPart
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.components import resolve
from cx_identity.facts import decision_of, links_of, sum_of
from cx_identity.model import Decision, Graph, Resolution
from cx_identity.rules import Rules, RulesChange, rules_in_force


@dataclass(frozen=True, slots=True)
class Whole:
    """All customers of a tenant. ``customer_of``: any profile or node to the customer of today."""

    known: Mapping[NodeId, Known]
    customer_of: Mapping[NodeId, NodeId]
    resolution: Resolution


def winners(copies: Iterable[Fact]) -> list[Fact]:
    """Of several copies of one event the least by (recorded time, bytes) counts."""
    least: dict[bytes, Fact] = {}
    for fact in copies:
        other = least.get(fact.key)
        if other is None or fact.copy_order < other.copy_order:
            least[fact.key] = fact
    return list(least.values())


def define(copies: Iterable[Fact], ids: IdSpace, rules: Rules) -> Whole:
    """Who there is, and what each one's facts add up to."""
    facts = winners(copies)
    said = Said.of(facts, ids, rules)
    graph = said.graph
    resolution = resolve(graph, said.rules)

    facts = [fact for fact in facts if makes_part(fact.event.type)]
    namers: dict[NodeId, set[NodeId]] = defaultdict(set)
    for fact in facts:
        if fact.interaction != fact.home:
            namers[fact.interaction].add(fact.home)

    customer_of = dict(resolution.customer_of)
    for home in {fact.home for fact in facts} - set(graph.profiles):
        standing = standing_attribution(said.attributions.get(home, ()), graph.decisions)
        named = namers.get(home, set())
        customer_of[home] = follow(home, standing, named, resolution.customer_of, resolution.shared)

    parts: dict[bytes, tuple[NodeId, Part]] = {}
    by_customer: dict[NodeId, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_customer[customer_of[fact.home]].append(fact)
        if fact.anchor in parts:
            apply(parts[fact.anchor][1], fact)
        else:
            parts[fact.anchor] = (fact.home, new_part(fact))

    members: dict[NodeId, list[Member]] = defaultdict(list)
    for profile in graph.profiles.values():
        joined = resolution.joined.get(profile.id)
        members[customer_of[profile.id]].append(
            Member(
                profile.id,
                profile.kind,
                profile.scope,
                profile.value,
                profile.first_recorded,
                (joined.rule, "#".join(joined.evidence), joined.confidence, joined.via) if joined is not None else None,
            )
        )
    parts_of: dict[NodeId, list[AnchoredPart]] = defaultdict(list)
    for anchor, (home, part) in parts.items():
        parts_of[customer_of[home]].append(AnchoredPart(anchor, part))
    known = {
        customer: Known(customer, members[customer], parts_of[customer], by_customer[customer])
        for customer in set(customer_of.values())
    }
    return Whole(known, customer_of, resolution)


def follow(
    node: NodeId,
    standing: Attribution | None,
    namers: Collection[NodeId],
    customer_of: Mapping[NodeId, NodeId],
    shared: Collection[NodeId],
) -> NodeId:
    """Whose an interaction is that some events name nobody in.

    By a person's word that of the profile it was attributed to (once some fact names it), or nobody's; else the one
    customer that its other events name, where a shared identifier counts only if they name nothing else; else, if they
    name none or several, it stands alone: then it is a customer of its own, by its node.
    """
    if standing is not None:
        return node if standing.profile is None else customer_of.get(standing.profile, node)
    people = [profile for profile in namers if profile not in shared] or namers
    named = {customer_of.get(profile, profile) for profile in people}
    return named.pop() if len(named) == 1 else node


@dataclass(frozen=True, slots=True)
class Said:
    """What all facts together say about identity."""

    graph: Graph
    attributions: Mapping[NodeId, Sequence[Attribution]]
    rules: Rules

    @classmethod
    def of(cls, facts: Iterable[Fact], ids: IdSpace, configured: Rules) -> Said:
        facts = list(facts)
        profiles, edges = sum_of(links_of(fact, ids) for fact in facts if makes_part(fact.event.type))
        decisions: list[Decision] = []
        attributions: dict[NodeId, list[Attribution]] = defaultdict(list)
        changes: list[RulesChange] = []
        for fact in facts:
            if makes_part(fact.event.type):
                continue
            try:
                decision = decision_of(fact, ids)
            except Refused:
                continue
            if isinstance(decision, Attribution):
                attributions[decision.interaction].append(decision)
            elif isinstance(decision, RulesChange):
                changes.append(decision)
            elif decision is not None:
                decisions.append(decision)
        graph = Graph(profiles, list(edges.values()), decisions)
        return cls(graph, attributions, rules_in_force(changes, decisions, configured))


def define_bodies(copies: Iterable[Fact], ids: IdSpace, rules: Rules, window: Micros) -> dict[NodeId, Json]:
    """The body of every customer's context."""
    return {customer: context_body(known, window) for customer, known in define(copies, ids, rules).known.items()}
