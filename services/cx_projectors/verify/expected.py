"""Work out what the definition makes of all that the log holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from cx_context.definition import Definition, define
from cx_context.parts.model import Part
from cx_context.store.tables import NO_ID
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.log import Partition
from cx_identity.attribution import Attribution
from cx_identity.evidence import EventLinks
from cx_identity.model import Decision
from cx_projectors.classify import ClassifiedEvent, IdentityDecision
from cx_projectors.epoch_announcements import Announcement
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.log_contents import LogContents


def mark_faults(log: LogContents, tenants: Mapping[str, Tenancy], not_applied: Mapping[bytes, str]) -> None:
    """Leave out the events that can't be folded, and those that the store could not apply. ``not_applied``: by event
    key, the problems of the latter."""
    for key, event in log.counting.items():
        ids = tenants[event.fact.event.tenantid].ids
        log.counting[key] = event.checked(ids, not_applied.get(key))


def forget_events(log: LogContents, keys: Iterable[bytes]) -> None:
    """Forget events that were not applied, since their tenant was not configured then."""
    for key in keys:
        log.counting.pop(key, None)
        log.other_copies.pop(key, None)


@dataclass(frozen=True, slots=True)
class OneTenant:
    """One tenant's events of which something is made, and what the definition makes of them.

    ``links``: by event key, what each event that makes a part mentions.
    """

    tenancy: Tenancy
    events: list[ClassifiedEvent]
    links: dict[bytes, EventLinks]
    whole: Definition


class Expected:
    """The contents that the store must have.

    ``log``: what the log holds, faults marked. ``ends``: where its partitions end. ``stored``: the keys of all stored
    events. ``announced``: what the log says of the store's epoch, if it has one.
    """

    def __init__(
        self,
        log: LogContents,
        tenants: Mapping[str, Tenancy],
        ends: Mapping[Partition, int],
        stored: set[bytes],
        announced: Announcement | None,
    ) -> None:
        self.log = log
        self.ends = ends
        self.stored = stored
        self.announced = announced
        self.unknown_tenants = {event.tenant for event in log.of_unknown_tenants.values()}
        self.tenants = {name: self._define(tenancy) for name, tenancy in tenants.items()}

    def _define(self, tenancy: Tenancy) -> OneTenant:
        tenant, ids = tenancy.ids.tenant, tenancy.ids
        counting = [event for event in self.log.counting.values() if event.fact.event.tenantid == tenant]
        left_out = {event.fact.key for event in counting if event.left_out is not None}
        events = [event for event in counting if event.left_out is None]
        links = {event.fact.key: event.mentions() for event in events if event.makes_part}
        whole = define([event.fact for event in counting], ids, tenancy.rules, left_out)
        return OneTenant(tenancy, events, links, whole)

    @cached_property
    def nodes(self) -> set[NodeId]:
        """Return every id that any copy of an event ever mentioned."""
        found: set[NodeId] = {one.tenancy.ids.tenant_node() for one in self.tenants.values()}
        for event in self.log.all_copies:
            found.update((event.fact.stream_id, event.fact.interaction_node))
            found.update(profile.id for profile in event.mentions().profiles)
            decision = event.decision
            if isinstance(decision, Decision):
                found.update((decision.a, decision.b))
            elif isinstance(decision, Attribution):
                found.update((decision.interaction, decision.profile or NO_ID))
        return found

    def folded_facts(self) -> Iterable[tuple[str, OneTenant, Fact]]:
        """Yield every event that is in a part."""
        for tenant, one in self.tenants.items():
            for event in one.events:
                if event.makes_part:
                    yield tenant, one, event.fact

    def decisions(self) -> Iterable[tuple[str, Fact, IdentityDecision]]:
        """Yield every event that decides something about identity, and what."""
        for tenant, one in self.tenants.items():
            for event in one.events:
                if event.decision is not None:
                    yield tenant, event.fact, event.decision

    @cached_property
    def parts(self) -> dict[NodeId, tuple[str, Fact, Part]]:
        """Return by part id: the tenant, one of the facts, the part."""
        one_of = {fact.part_id: fact for _, _, fact in self.folded_facts()}
        return {
            each.part_id: (tenant, one_of[each.part_id], each.part)
            for tenant, one in self.tenants.items()
            for known in one.whole.known.values()
            for each in known.parts
        }

    def fault_of_id(self, node: NodeId) -> str | None:
        """Return why an id may not be stored; None if it may. The ids of tenants that are not configured are not
        known."""
        return (
            None if node in self.nodes or self.unknown_tenants else "it is the id of nothing that any event speaks of"
        )
