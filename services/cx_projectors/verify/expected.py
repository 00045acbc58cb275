"""What the definition makes of all that the log tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from cx_context.definition import Definition, define
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.model import Part
from cx_context.store.tables import NO_ID
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.log import Partition
from cx_identity.attribution import Attribution
from cx_identity.decisions import decision_of
from cx_identity.evidence import EventLinks, links_of
from cx_identity.model import Decision
from cx_identity.rules import RulesChange
from cx_projectors.epoch_announcements import Announcement
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.log_contents import LogContents


def mark_faults(told: LogContents, tenants: Mapping[str, Tenancy], not_applied: Mapping[bytes, str]) -> None:
    """Note of each event that counts whether anything is made of it. ``not_applied``: the problems of those that the
    store could not apply."""
    for key, incoming in told.counting.items():
        ids = tenants[incoming.fact.event.tenantid].ids
        incoming.mark(ids, not_applied.get(key))


def without(told: LogContents, keys: Iterable[bytes]) -> None:
    """Forget these events: they were not applied, since their tenant was not configured then."""
    for key in keys:
        told.counting.pop(key, None)
        told.others.pop(key, None)


@dataclass(frozen=True, slots=True)
class OneTenant:
    """One tenant's events of which something is made, and what the definition makes of them."""

    tenancy: Tenancy
    facts: list[Fact]
    named: dict[bytes, EventLinks]
    whole: Definition


class Expected:
    """``told``: where each event's fault is marked already. ``ends``: where the log's partitions end. ``stored``: the
    keys of all stored events. ``announced``: what the log says of the store's epoch, if it has one."""

    def __init__(
        self,
        told: LogContents,
        tenants: Mapping[str, Tenancy],
        ends: Mapping[Partition, int],
        stored: set[bytes],
        announced: Announcement | None,
    ) -> None:
        self.told = told
        self.ends = ends
        self.stored = stored
        self.announced = announced
        self.unread_tenants = {unread.tenant for unread in told.unread.values()}
        self.tenants = {name: self._of(tenancy) for name, tenancy in tenants.items()}

    def _of(self, tenancy: Tenancy) -> OneTenant:
        tenant, ids = tenancy.ids.tenant, tenancy.ids
        counting = [incoming for incoming in self.told.counting.values() if incoming.fact.event.tenantid == tenant]
        aside = {incoming.fact.key for incoming in counting if incoming.left_out is not None}
        facts = [incoming.fact for incoming in counting if incoming.left_out is None]
        named = {fact.key: links_of(fact, ids) for fact in facts if makes_part(fact.event.type)}
        whole = define([incoming.fact for incoming in counting], ids, tenancy.rules, aside)
        return OneTenant(tenancy, facts, named, whole)

    @cached_property
    def nodes(self) -> set[NodeId]:
        """Every id that any copy of an event ever spoke of."""
        found: set[NodeId] = {one.tenancy.ids.tenant_node() for one in self.tenants.values()}
        for fact in self.told.all_copies:
            ids = self.tenants[fact.event.tenantid].tenancy.ids
            found.update((fact.stream_id, fact.interaction_node))
            try:
                if makes_part(fact.event.type):
                    found.update(profile.id for profile in links_of(fact, ids).profiles)
                    continue
                decision = decision_of(fact, ids)
            except Exception:  # noqa: S112 - it can't be folded, and so says nothing
                continue
            if isinstance(decision, Decision):
                found.update((decision.a, decision.b))
            elif isinstance(decision, Attribution):
                found.update((decision.interaction, decision.profile or NO_ID))
        return found

    def of_facts(self) -> Iterable[tuple[str, OneTenant, Fact]]:
        """Every event that is in a part."""
        for tenant, one in self.tenants.items():
            for fact in one.facts:
                if fact.key in one.named:
                    yield tenant, one, fact

    def decided(self) -> Iterable[tuple[str, Fact, Decision | Attribution | RulesChange]]:
        for tenant, one in self.tenants.items():
            for fact in one.facts:
                if fact.key not in one.named:
                    try:
                        decision = decision_of(fact, one.tenancy.ids)
                    except Refused:
                        continue
                    if decision is not None:
                        yield tenant, fact, decision

    @cached_property
    def parts(self) -> dict[NodeId, tuple[str, Fact, Part]]:
        """By part id: the tenant, one of the facts, the part."""
        one_of = {fact.part_id: fact for _, _, fact in self.of_facts()}
        return {
            each.part_id: (tenant, one_of[each.part_id], each.part)
            for tenant, one in self.tenants.items()
            for known in one.whole.known.values()
            for each in known.parts
        }

    def unknown(self, node: NodeId) -> str | None:
        """Why an id may not stand there. Of tenants that are not configured no ids are known."""
        return None if node in self.nodes or self.unread_tenants else "it is the id of nothing that any event speaks of"
