"""Plan what a batch's new events change, tenant by tenant. Pure.

A plan is made of what the events say and what the cache knows, before anything is read from the store. So it may hold
more than the store lacks (a first mention that another worker wrote), but never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution
from cx_identity.first_mentions import (
    ATTESTED,
    EDGE_KINDS,
    NAMED,
    Mention,
    MentionKey,
    mention_of,
    profile_mentions,
    surely_precedes,
)
from cx_identity.model import Decision, Edge, Profile, evidence_of
from cx_identity.rules import RulesChange
from cx_projectors.cache import ProjectionCache
from cx_projectors.classify import ClassifiedEvent, IdentityDecision
from cx_projectors.records import Batch


@dataclass(slots=True)
class TenantPlan:
    """The changes that one tenant's new events make.

    ``parts``: the events to be folded, by part id.
    ``new_interactions``: interactions of which nobody may have a part yet; they are announced before their parts are
    written.
    ``mentions``: by profile or pair, the mentions that precede all that the cache knows of it, in time of happening or
    of recording, without most of those that another of them precedes in both; ``profiles``: the profiles among them, as
    the first of these events mentions each.
    ``link_events``: (profile, event) where an event names a profile from a stream that no edge leads from.
    ``effective``: by event key, the effective times of the decisions.
    ``said``: the keys of the events whose words are searched, or change what is.
    """

    tenant: str
    parts: dict[bytes, list[Fact]] = field(default_factory=dict)
    new_interactions: set[NodeId] = field(default_factory=set)
    mentions: dict[MentionKey, list[Mention]] = field(default_factory=dict)
    profiles: dict[NodeId, Profile] = field(default_factory=dict)
    link_events: list[tuple[NodeId, bytes]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    attributions: list[Attribution] = field(default_factory=list)
    rule_changes: list[RulesChange] = field(default_factory=list)
    effective: dict[bytes, Micros] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)

    @property
    def withdrawals(self) -> list[Decision]:
        """Return the decisions that withdraw others."""
        return [decision for decision in self.decisions if decision.kind == "withdraw"]

    @property
    def may_change_rules(self) -> bool:
        """Return whether the plan changes the tenant's rules, or may withdraw a change of them."""
        return bool(self.rule_changes or self.withdrawals)

    def add(self, event: ClassifiedEvent, cache: ProjectionCache) -> None:
        """Add one new event."""
        if not event.makes_part:
            if event.decision is not None:
                self._add_decision(event.decision, event.fact)
            return
        fact = event.fact
        group = self.parts.get(fact.part_id)
        if group is None:
            self.parts[fact.part_id] = [fact]
        else:
            group.append(fact)
        if event.holds_words:
            self.said.append(fact.key)
        if event.identifier is not None:
            self._add_only_identifier(event, cache)
        elif event.links.profiles:
            self._add_links(event, cache)

    def _add_decision(self, decision: IdentityDecision, fact: Fact) -> None:
        self.effective[fact.key] = fact.effective
        if isinstance(decision, Decision):
            self.decisions.append(decision)
        elif isinstance(decision, Attribution):
            self.attributions.append(decision)
        else:
            self.rule_changes.append(decision)

    def _add_only_identifier(self, event: ClassifiedEvent, cache: ProjectionCache) -> None:
        """Nearly every event names one known profile: that costs two look-ups and makes nothing."""
        fact, id = event.fact, event.profile_id
        if not self._is_known(id, event.attested, fact, cache):
            self._mention(event.only_profile(), fact, cache)
        if id != fact.stream_id:
            self.link_events.append((id, fact.key))

    def _add_links(self, event: ClassifiedEvent, cache: ProjectionCache) -> None:
        """Add what an event says of several identifiers: most is known, and costs a look-up."""
        fact, links = event.fact, event.links
        for profile in links.profiles:
            if not self._is_known(profile.id, profile.attested, fact, cache):
                self._mention(profile, fact, cache)
        for edge in links.edges:
            if not cache.knows_edge(edge, fact.recorded, fact.effective):
                self._mention_edge(edge, fact, cache)
        if fact.identifier is None or fact.event.data.links:
            self.link_events += link_events_of(event)

    def _is_known(self, id: NodeId, attested: bool, fact: Fact, cache: ProjectionCache) -> bool:
        """Return whether an earlier mention of a profile is in the store or in the plan: then this one says nothing.
        Who attests names, too."""
        if cache.knows_profile(id, attested, fact.recorded, fact.effective):
            return True
        return self._has((ATTESTED if attested else NAMED, id, id), fact)

    def _has(self, seen: MentionKey, fact: Fact) -> bool:
        steps = self.mentions.get(seen)
        return steps is not None and surely_precedes(steps[0], fact.recorded, fact.effective)

    def _mention_edge(self, edge: Edge, fact: Fact, cache: ProjectionCache) -> None:
        for weight, _, rule in evidence_of(edge):
            seen = (EDGE_KINDS[weight], edge.a, edge.b)
            if not self._has(seen, fact):
                step = mention_of(fact, rule)
                if not cache.knows(seen, step):
                    self._add_mention(seen, step)

    def _mention(self, profile: Profile, fact: Fact, cache: ProjectionCache) -> None:
        for seen, step in profile_mentions(profile, fact):
            if not cache.knows(seen, step):
                self.profiles.setdefault(profile.id, profile)
                self._add_mention(seen, step)

    def _add_mention(self, seen: MentionKey, step: Mention) -> None:
        steps = self.mentions.get(seen)
        if steps is None:
            self.mentions[seen] = [step]
        else:
            steps.append(step)

    def find_new_interactions(self, cache: ProjectionCache) -> None:
        """Note the interactions that must be announced, once all events are added."""
        for part_id, group in self.parts.items():
            node = group[0].interaction_node
            if part_id in cache.parts or node in cache.interactions:
                continue
            if not are_outside_interactions(group):
                self.new_interactions.add(node)


def plan_batch(batch: Batch, new: Set[bytes], cache: ProjectionCache) -> list[TenantPlan]:
    """Return the plans of those events of a batch whose keys are ``new`` and that aren't left out, in order of the
    tenants' names."""
    events = (event for key, event in batch.events.items() if key in new)
    return plan_events(events, cache)


def plan_events(events: Iterable[ClassifiedEvent], cache: ProjectionCache) -> list[TenantPlan]:
    """Return the plans of events that are new, in order of the tenants' names."""
    plans: dict[str, TenantPlan] = {}
    for event in events:
        if event.left_out is not None:
            continue
        tenant = event.fact.event.tenantid
        plan = plans.get(tenant)
        if plan is None:
            plan = plans[tenant] = TenantPlan(tenant)
        plan.add(event, cache)
    for plan in plans.values():
        plan.find_new_interactions(cache)
    return [plans[tenant] for tenant in sorted(plans)]


def link_events_of(event: ClassifiedEvent) -> list[tuple[NodeId, bytes]]:
    """Return (profile, event) for each profile that an event names though no edge leads to it from the event's
    stream."""
    fact, profiles = event.fact, event.mentions().profiles
    if fact.event.data.links or all(profile.id != fact.stream_id for profile in profiles):
        return [(profile.id, fact.key) for profile in profiles]
    return []


def are_outside_interactions(facts: Sequence[Fact]) -> bool:
    """Return whether the facts of a part belong to no interaction, and each lies in the stream of the profile that it
    names. Nobody else has a part there, so it is not announced."""
    one = facts[0]
    return one.interaction_node == one.stream_id and all(fact.identifier is not None for fact in facts)
