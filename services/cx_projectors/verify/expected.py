"""Work out what the definition makes of what the log holds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from cx_context.parts.model import Part
from cx_context.reference_definition import Definition, define
from cx_context.store.dead_letters import LetterKey
from cx_context.store.tables import NO_ID
from cx_events.dead_letters import DeadLetter
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.log import Partition
from cx_identity.attribution import Attribution
from cx_identity.evidence import EventLinks, Pair, sum_links
from cx_identity.model import Decision, Edge, Profile
from cx_projectors.classify import ClassifiedEvent, IdentityDecision
from cx_projectors.epoch_announcements import Announcement
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.expected_lists import ExpectedLists, ListsStanding
from cx_projectors.verify.log_contents import EventCopies, UnknownTenantEvent


@dataclass(frozen=True, slots=True)
class OneTenant:
    """One tenant's events of which something is made, and what the definition makes of them.

    ``links``: by event key, what each event that makes a part mentions; ``profiles`` and ``edges``: the sums of these.
    """

    tenancy: Tenancy
    events: list[ClassifiedEvent]
    links: dict[bytes, EventLinks]
    profiles: dict[NodeId, Profile]
    edges: dict[Pair, Edge]
    whole: Definition


class Expected:
    """The contents that the store must have, of some groups of events.

    ``log``: their copies, faults marked. ``rules``: the changes of rules, which concern every group. ``ends``: where
    the log's partitions end. ``unknown_tenants``: those that are not configured and that the log has events of.
    ``standing``: how far lists are.
    """

    def __init__(
        self,
        log: EventCopies,
        tenants: Mapping[str, Tenancy],
        ends: Mapping[Partition, int],
        unknown_tenants: Collection[str] = (),
        rules: Iterable[ClassifiedEvent] = (),
        standing: ListsStanding = ListsStanding(),
    ) -> None:
        self.log = log
        self.ends = ends
        self.unknown_tenants = unknown_tenants
        self._standing = standing
        self._rules = [event for event in rules if event.fact.key not in log.counting]
        self.tenants = {name: self._define(tenancy) for name, tenancy in tenants.items()}

    def _define(self, tenancy: Tenancy) -> OneTenant:
        tenant, ids = tenancy.ids.tenant, tenancy.ids
        counting = [event for event in self.log.counting.values() if event.fact.event.tenantid == tenant]
        events = [event for event in counting if event.left_out is None]
        links = {event.fact.key: event.mentions() for event in events if event.makes_part}
        rules = [event.fact for event in self._rules if event.fact.event.tenantid == tenant]
        # What can't be folded was marked as left out before, in ``counting`` and among the changes of rules.
        whole = define([*(event.fact for event in events), *rules], ids, tenancy.rules, fault_of=lambda fact, ids: None)
        return OneTenant(tenancy, events, links, *sum_links(links.values()), whole)

    @cached_property
    def nodes(self) -> set[NodeId]:
        """Return every id that any copy of an event ever mentioned."""
        found: set[NodeId] = {node for one in self.tenants.values() for node in one.tenancy.ids.nobodys_nodes()}
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

    @cached_property
    def lists(self) -> ExpectedLists:
        """Return what lists and search must hold."""
        known = {tenant: one.whole.known for tenant, one in self.tenants.items()}
        folded: dict[str, list[Fact]] = {tenant: [] for tenant in self.tenants}
        for tenant, _, fact in self.folded_facts():
            folded[tenant].append(fact)
        return ExpectedLists(known, folded, (event.fact for event in self.log.all_copies), self._standing)

    def fault_of_id(self, node: NodeId) -> str | None:
        """Return why an id may not be stored; None if it may. The ids of tenants that are not configured are not
        known."""
        return None if node in self.nodes or self.unknown_tenants else OF_NOTHING


OF_NOTHING = "it is the id of nothing that any event speaks of"


@dataclass(frozen=True, slots=True)
class Whole:
    """The contents of tables that are not of any group of events.

    ``tenants``, ``unknown_tenants``: names. ``ends``: where the log's partitions end. ``has_events``: whether the store
    has any. ``announced``: what the log says of the store's epoch, if it has one. ``knows``: whether any event has to
    do with an id. ``letters``, ``discards``: all there must be, of each key those that may stand.
    ``of_unknown_tenants``: by the key of their dead letters; ``stored``: the keys of those that are stored.
    """

    tenants: Collection[str]
    unknown_tenants: Collection[str]
    ends: Mapping[Partition, int]
    has_events: bool
    announced: Announcement | None
    knows: Callable[[NodeId], bool]
    letters: Mapping[LetterKey, list[DeadLetter]]
    discards: Mapping[LetterKey, list[DeadLetter]]
    of_unknown_tenants: Mapping[LetterKey, UnknownTenantEvent]
    stored: Collection[bytes]

    def fault_of_id(self, node: NodeId) -> str | None:
        """Return why an id may not be stored; None if it may."""
        return None if self.unknown_tenants or self.knows(node) else OF_NOTHING
