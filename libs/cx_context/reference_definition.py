"""Define a context: one pure function over the whole set of a tenant's events.

Whatever the projectors keep incrementally must equal this, byte for byte: in any order of arrival, with any duplicates,
in any batch size. It is written to be read, not to be fast; ``cx verify`` and the tests hold the store against it.

It is total. An event that can't be folded (``cx_context.fold_faults``) is left out, before anything is made of
the others, and so is one that the store could not apply (``set_aside``): that alone is no function of the events, so it
is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cx_context.document import context_body
from cx_context.fold_faults import fault_of, part_of
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.sections.candidates import RefusedClaim, RefusedClaims, unsettled_claims
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.decisions import decision_of
from cx_identity.evidence import links_of, sum_links
from cx_identity.model import Decision, Graph
from cx_identity.outcome import Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules, RulesChange, rules_in_force


@dataclass(frozen=True, slots=True)
class Definition:
    """All customers of a tenant. ``customer_of``: any profile or node to the customer of today. ``rules``: those in
    force."""

    known: Mapping[NodeId, CustomerFacts]
    customer_of: Mapping[NodeId, NodeId]
    resolution: Resolution
    rules: Rules


def counting_copies(copies: Iterable[Fact]) -> list[Fact]:
    """Return the copy that counts of each event: the least by (recorded time, bytes)."""
    least: dict[bytes, Fact] = {}
    for fact in copies:
        other = least.get(fact.key)
        if other is None or fact.copy_order < other.copy_order:
            least[fact.key] = fact
    return list(least.values())


FaultOf = Callable[[Fact, IdSpace], str | None]
"""``fold_faults.fault_of``, or what knows its answers."""


def define(
    copies: Iterable[Fact], ids: IdSpace, rules: Rules, set_aside: Collection[bytes] = (), fault_of: FaultOf = fault_of
) -> Definition:
    """Return who there is, and what each one's facts add up to. ``set_aside``: keys of events that a store could not
    apply. ``fault_of``: that of whoever has asked ``fold_faults.fault_of`` already, which costs as much as the rest."""
    facts = [fact for fact in counting_copies(copies) if fact.key not in set_aside and fault_of(fact, ids) is None]
    said = IdentityFacts.of(facts, ids, rules)
    graph = said.graph
    resolution = resolve(graph, said.rules)

    facts = [fact for fact in facts if makes_part(fact.event.type)]
    streams_in: dict[NodeId, set[NodeId]] = defaultdict(set)
    for fact in facts:
        streams_in[fact.interaction_node].add(fact.stream_id)

    def sides(node: NodeId) -> Owners:
        standing = standing_attribution(said.attributions.get(node, ()), graph.decisions)
        return owners_of(node, standing, streams_in.get(node, set()), resolution.customer_of, resolution.ambiguous)

    customer_of = dict(resolution.customer_of)
    for stream_id in {fact.stream_id for fact in facts} - set(graph.profiles):
        customer_of[stream_id] = sides(stream_id).whose

    by_part: dict[bytes, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_part[fact.part_id].append(fact)
    parts: dict[bytes, tuple[NodeId, Part]] = {}
    by_customer: dict[NodeId, list[Fact]] = defaultdict(list)
    for part_id, group in by_part.items():
        stream_id, node = group[0].stream_id, group[0].interaction_node
        strays = stream_id in resolution.ambiguous and node != stream_id
        whose = sides(node).by_stream[stream_id] if strays else customer_of[stream_id]
        parts[part_id] = (whose, part_of(group))
        by_customer[whose] += group

    members = _members_of(graph, resolution)
    claims = _claims_of(graph, resolution, said.rules, customer_of)
    parts_of: dict[NodeId, list[KeyedPart]] = defaultdict(list)
    for part_id, (whose, part) in parts.items():
        parts_of[whose].append(KeyedPart(part_id, part))
    known = {
        customer: CustomerFacts(
            customer,
            members.get(customer, ()),
            parts_of[customer],
            by_customer[customer],
            claims=RefusedClaims.of(claims[customer]),
            lifetimes=said.rules.proof_lifetime,
        )
        for customer in set(customer_of.values())
    }
    return Definition(known, customer_of, resolution, said.rules)


def _members_of(graph: Graph, resolution: Resolution) -> Mapping[NodeId, Sequence[Member]]:
    """Return the profiles of each customer, and how each was joined."""
    members: dict[NodeId, list[Member]] = defaultdict(list)
    for profile in graph.profiles.values():
        joined = resolution.join_reasons.get(profile.id)
        members[resolution.customer_of[profile.id]].append(
            Member(
                profile.id,
                profile.kind,
                profile.scope,
                profile.value,
                profile.first_recorded,
                (joined.rule, "#".join(joined.evidence), joined.confidence, joined.via) if joined is not None else None,
                profile.id in resolution.claimed,
            )
        )
    return members


def _claims_of(
    graph: Graph, resolution: Resolution, rules: Rules, customer_of: Mapping[NodeId, NodeId]
) -> Mapping[NodeId, list[RefusedClaim]]:
    """Return the unsettled claims of each customer."""
    claims: dict[NodeId, list[RefusedClaim]] = defaultdict(list)
    for claim in unsettled_claims(graph, resolution, rules):
        for end in (claim.identifier.id, claim.other.id):
            claims[customer_of[end]].append(claim)
    return claims


def resolve_owner(
    node: NodeId,
    standing: Attribution | None,
    namers: Collection[NodeId],
    customer_of: Mapping[NodeId, NodeId],
    ambiguous: Collection[NodeId],
) -> NodeId:
    """Return the owner of an interaction in which some events name nobody.

    By a person's word that of the profile it was attributed to (once some fact names it), or nobody's; else the one
    customer that its other events name, where an ambiguous identifier counts only if they name nothing else; else, if
    they name none or several, it stands alone: then it is a customer of its own, by its node.
    """
    if standing is not None:
        return node if standing.profile is None else customer_of.get(standing.profile, node)
    people = [profile for profile in namers if profile not in ambiguous] or namers
    named = {customer_of.get(profile, profile) for profile in people}
    return named.pop() if len(named) == 1 else node


class Owners(NamedTuple):
    """The owner of an interaction, and the owner of each stream's side of it."""

    whose: NodeId
    by_stream: Mapping[NodeId, NodeId]


def owners_of(
    node: NodeId,
    standing: Attribution | None,
    stream_ids: Collection[NodeId],
    customer_of: Mapping[NodeId, NodeId],
    ambiguous: Collection[NodeId],
) -> Owners:
    """Facts stay with the customer of their stream. Those of an ambiguous identifier name nobody in particular: they go
    with the interaction to whom that follows, and stay where it stands alone."""
    whose = resolve_owner(
        node, standing, [stream_id for stream_id in stream_ids if stream_id != node], customer_of, ambiguous
    )
    return Owners(
        whose,
        {
            stream_id: whose
            if stream_id == node or (stream_id in ambiguous and whose != node)
            else customer_of.get(stream_id, stream_id)
            for stream_id in stream_ids
        },
    )


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """Everything that a tenant's facts say about identity."""

    graph: Graph
    attributions: Mapping[NodeId, Sequence[Attribution]]
    rules: Rules

    @classmethod
    def of(cls, facts: Iterable[Fact], ids: IdSpace, configured: Rules) -> IdentityFacts:
        facts = list(facts)
        profiles, edges = sum_links(links_of(fact, ids) for fact in facts if makes_part(fact.event.type))
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
