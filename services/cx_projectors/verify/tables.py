"""State what every table must hold. Pure.

Most tables are functions of the set of events, and every row is compared. In some the order of arrival leaves a trace;
of those the exact bounds are stated: which rows must be there, and which may. A table without a check fails a test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from cx_context.fold_faults import part_of
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.routing_targets import SideState, routing_targets
from cx_context.store import operations_tables, segments, tables
from cx_context.store.graph import edge_row, profile_row
from cx_context.store.members import lone_member_row, member_row
from cx_context.store.part_codec import begin_of, decode_part
from cx_context.store.refused_claims import refused_row
from cx_context.store.rule_changes import rules_text
from cx_context.store.tables import NO_ID
from cx_context.store.withheld_claims import withheld_row
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import BEGINNING_OF_TIME
from cx_identity.attribution import Attribution
from cx_identity.candidates import is_withheld
from cx_identity.evidence import EventLinks
from cx_identity.first_mentions import Mention, MentionKey, mentions_in, pareto_front
from cx_identity.model import Decision
from cx_identity.rules import RulesChange
from cx_identity.shared_identifiers import never_linking
from cx_projectors.dead_letters import place_of
from cx_projectors.records import row_of
from cx_projectors.verify import lists, order_dependent
from cx_projectors.verify.comparison import NOTHING_SAYS_SO, Expectation, Key, Report, Row, by_key, shown
from cx_projectors.verify.expected import Expected, Whole

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


def _events(of: Expected) -> Expectation:
    counting = of.log.counting

    def place(key: Key) -> str:
        event = counting.get(key[0])
        return place_of(event.record) if event is not None and event.record is not None else ""

    return Expectation(
        tables.EVENTS,
        by_key([0], (row_of(event) for event in counting.values())),
        lambda row: "the event is not on the log up to what was applied",
        place_of=place,
    )


def _parts(of: Expected) -> Expectation:
    rows = (
        (part_id, tenant, fact.stream_id, fact.interaction_node, (begin_of(part.since), _canonical(part)))
        for part_id, (tenant, fact, part) in of.parts.items()
    )
    return Expectation(tables.PARTS, by_key([0], rows), normal=lambda row: (*row[:-1], _body(row[-1])))


def _body(body: bytes) -> tuple[bytes, bytes]:
    """Return when a stored part begins, and what it holds in canonical form: a map's order is that of arrival."""
    return bytes(body[: len(begin_of(0))]), _canonical(_decoded(body))


def _decoded(body: bytes) -> Part:
    try:
        return decode_part(bytes(body))
    except Exception as error:  # whatever the codecs raise
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _assignments(of: Expected) -> Expectation:
    sides: dict[tuple[str, NodeId, NodeId], list[KeyedPart]] = defaultdict(list)
    for part_id, (tenant, fact, part) in of.parts.items():
        if part.interaction:
            sides[tenant, fact.stream_id, fact.interaction_node].append(KeyedPart(part_id, part))
    rows = (
        (of.tenants[tenant].tenancy.ids.part_id(stream_id, node), desk.kind, desk.name, tenant, node)
        for (tenant, stream_id, node), parts in sides.items()
        for desk in routing_targets(SideState.of(parts))
    )
    return Expectation(tables.ASSIGNMENTS, by_key([0, 1, 2], rows))


def _interactions(of: Expected) -> Expectation:
    """Require every interaction that has a part, named or not. The stream of a profile that has parts outside
    interactions may be there, and an interaction that only a copy mentions that counts no more."""
    required = {
        (fact.interaction_node,): (fact.interaction_node, tenant)
        for tenant, one, fact in of.folded_facts()
        if fact.interaction_node != fact.stream_id or fact.stream_id not in one.whole.resolution.customer_of
    }
    copies = (event.fact for event in of.log.all_copies if event.makes_part)
    may = {(fact.interaction_node, fact.event.tenantid) for fact in copies}
    return Expectation(tables.INTERACTIONS, required, lambda row: None if row in may else NOTHING_SAYS_SO)


def _profiles(of: Expected) -> Expectation:
    rows = (profile_row(tenant, profile) for tenant, one in of.tenants.items() for profile in one.profiles.values())
    return Expectation(tables.PROFILES, by_key([0], rows))


def _edges(of: Expected) -> Expectation:
    rows = (edge_row(tenant, edge) for tenant, one in of.tenants.items() for edge in one.edges.values())
    return Expectation(tables.EDGES, by_key([0, 1], rows))


def _sightings(of: Expected) -> Expectation:
    """Require the mentions that are the first of some past. A later one may be there: it was the first when it came."""
    mentions: dict[MentionKey, list[Mention]] = defaultdict(list)
    tenant_of: dict[MentionKey, str] = {}
    for tenant, one, fact in of.folded_facts():
        named = one.links[fact.key]
        for seen, step in mentions_in(named.profiles, named.edges, fact):
            mentions[seen].append(step)
            tenant_of[seen] = tenant
    required: dict[Key, Row] = {}
    may: set[Row] = set()
    for seen, steps in mentions.items():
        rows = [(*seen, s.key, tenant_of[seen], s.effective, *s.at, s.rule) for s in steps]
        may.update(rows)
        first = {step.key for step in pareto_front(steps)}
        required |= by_key([0, 1, 2, 3], (row for row in rows if row[3] in first))
    return Expectation(tables.SIGHTINGS, required, lambda row: None if row in may else NOTHING_SAYS_SO)


def _segments(of: Expected) -> Expectation:
    """Require segments of every part of more than ``SEGMENT_FACTS`` facts; where it is cut depends on the order of
    arrival. The first segment begins before all time, each other one with its first fact, and each holds the facts
    until the next one begins."""
    found: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    long = {part_id for part_id, (_, _, part) in of.parts.items() if part.facts > segments.SEGMENT_FACTS}

    def fault(row: Row) -> str | None:
        if row[0] not in long:
            return None if of.unknown_tenants else "there is no part of so many facts"
        found[row[0]].append((row[1], row[2]))
        return None

    def at_end(say: Report) -> None:
        by_part: dict[bytes, list[Fact]] = defaultdict(list)
        for _, _, fact in of.folded_facts():
            if fact.part_id in long:
                by_part[fact.part_id].append(fact)
        for part_id in sorted(long):
            for since, what in _faults_of_segments(found[part_id], by_part[part_id]):
                say(f"segments {shown((part_id, since))}: {what}")

    return Expectation(tables.SEGMENTS, fault_of=fault, at_end=at_end)


def _faults_of_segments(found: list[tuple[int, bytes]], facts: list[Fact]) -> Iterable[tuple[int, str]]:
    if not found or found[0][0] != BEGINNING_OF_TIME:
        yield BEGINNING_OF_TIME, "the row is missing"
    if not found:
        return
    ends = [*(since for since, _ in found[1:]), -BEGINNING_OF_TIME]
    for at, ((since, body), end) in enumerate(zip(found, ends, strict=True)):
        within = [fact for fact in facts if since <= fact.effective < end]
        if not within or (at and min(fact.effective for fact in within) != since):
            yield since, "no fact is there at which it could begin"
            continue
        part = part_of(within)
        try:
            differs = _body(body) != (begin_of(part.since), _canonical(part))
        except ValueError as error:
            yield since, f"can't be read: {error}"
            continue
        if differs:
            yield since, "body differs from the definition"


def _link_events(of: Expected) -> Expectation:
    """Require the events that name a profile from elsewhere, and each name of a mail that is known by its content. One
    may be there whose other copy did so."""
    rows = [row for _, one, fact in of.folded_facts() for row in _link_events_of(fact, one.links[fact.key])]
    rows += [(event.fact.name, event.fact.key) for event in of.log.all_copies if event.fact.name != event.fact.key]
    required = by_key([0, 1], rows)
    may = set(required)
    for event in of.log.all_copies:
        may.update(_link_events_of(event.fact, event.mentions()))
    return Expectation(
        tables.LINK_EVENTS, required, lambda row: None if row in may or of.unknown_tenants else NOTHING_SAYS_SO
    )


def _link_events_of(fact: Fact, links: EventLinks) -> Iterable[tuple[NodeId, bytes]]:
    """Yield (profile, event) where the event names a profile to which no edge leads from its stream."""
    if fact.event.data.links or all(profile.id != fact.stream_id for profile in links.profiles):
        yield from ((profile.id, fact.key) for profile in links.profiles)


def _decisions(of: Expected) -> Expectation:
    rows = (
        (d.key, tenant, fact.effective, *d.at, d.kind, d.a or NO_ID, d.b or NO_ID, d.withdraws, d.reason)
        for tenant, fact, d in of.decisions()
        if isinstance(d, Decision)
    )
    return Expectation(tables.DECISIONS, by_key([0], rows))


def _attributions(of: Expected) -> Expectation:
    rows = (
        (a.key, tenant, fact.effective, *a.at, a.interaction, a.profile or NO_ID)
        for tenant, fact, a in of.decisions()
        if isinstance(a, Attribution)
    )
    return Expectation(tables.ATTRIBUTIONS, by_key([0], rows))


def _rule_changes(of: Expected) -> Expectation:
    rows = (
        (c.key, tenant, fact.effective, *c.at, rules_text(c.rules))
        for tenant, fact, c in of.decisions()
        if isinstance(c, RulesChange)
    )
    return Expectation(tables.RULE_CHANGES, by_key([0], rows))


def _members(of: Expected) -> Expectation:
    """Require exactly the resolution. A profile that was a member once may have a row that says it is alone."""
    required: dict[Key, Row] = {}
    for tenant, one in of.tenants.items():
        resolution = one.whole.resolution
        for profile in resolution.customer_of:
            row = member_row(tenant, profile, resolution)
            if row != lone_member_row(tenant, profile):
                required[profile,] = row

    def fault(row: Row) -> str | None:
        if row[1] in of.tenants and row == lone_member_row(row[1], row[0]):
            return of.fault_of_id(row[0])
        return NOTHING_SAYS_SO

    return Expectation(tables.MEMBERS, required, fault)


def _refused_claims(of: Expected) -> Expectation:
    """Require exactly the claims that the resolution refuses and asks about."""
    rows: list[Row] = []
    for tenant, one in of.tenants.items():
        resolution = one.whole.resolution
        asked = [refusal for refusal in resolution.refusals if refusal.is_question]
        rows += [refused_row(tenant, refusal, one.profiles, resolution.settled) for refusal in asked]
    return Expectation(tables.REFUSED_CLAIMS, by_key([0, 1], rows))


def _withheld_claims(of: Expected) -> Expectation:
    """Require exactly the claims that aren't tried, since an end is shared."""
    rows: list[Row] = []
    for tenant, one in of.tenants.items():
        silent, shared = never_linking(one.profiles, one.whole.rules), one.whole.resolution.shared
        linking = [edge for edge in one.edges.values() if edge.a not in silent and edge.b not in silent]
        rows += [withheld_row(tenant, edge, one.profiles) for edge in linking if is_withheld(edge, shared)]
    return Expectation(tables.WITHHELD_CLAIMS, by_key([0, 1], rows))


OF_GROUPS: Mapping[str, tuple[str, Callable[[Expected], Expectation]]] = MappingProxyType(
    {
        "events": ("key", _events),
        "copies": ("key", order_dependent.copies),
        "parts": ("part_id", _parts),
        "assignments": ("interaction", _assignments),
        "interactions": ("node", _interactions),
        "profiles": ("id", _profiles),
        "edges": ("a", _edges),
        "sightings": ("key", _sightings),
        "segments": ("part_id", _segments),
        "link_events": ("key", _link_events),
        "decisions": ("key", _decisions),
        "attributions": ("key", _attributions),
        "rule_changes": ("key", _rule_changes),
        "members": ("profile", _members),
        "refused_claims": ("identifier", _refused_claims),
        "withheld_claims": ("identifier", _withheld_claims),
        "versions": ("customer", order_dependent.versions),
        "listed_customers": ("customer", lists.customers),
        "customer_words": ("customer", lists.words),
        "listed_conversations": ("customer", lists.conversations),
        "listed_under": ("customer", lists.under),
        "waits": ("customer", lists.waits),
        "said": ("key", lists.said),
        "said_words": ("key", lists.said_words),
    }
)
"""Tables whose rows are of one group of events (``groups``) each: the column that says of which, and what they hold."""

OF_WHOLE: Mapping[str, Callable[[Whole], Expectation]] = MappingProxyType(
    {
        "store_epoch": order_dependent.store_epoch,
        "partitions": order_dependent.partitions,
        "workers": order_dependent.workers,
        "outbox": order_dependent.outbox,
        "rebuilds": order_dependent.rebuilds,
        "fold_versions": order_dependent.fold_versions,
        "lag_samples": order_dependent.lag_samples,
        "worker_reports": order_dependent.worker_reports,
        **{table.name: order_dependent.subscriptions(table) for table in operations_tables.OF_SUBSCRIPTIONS},
        "pollers": order_dependent.pollers,
        "overdue_waits": lists.overdue_waits,
        "overdue_lease": lists.overdue_lease,
        "short_lived": order_dependent.short_lived,
        "id_keys": order_dependent.id_keys,
        "listing_waiting": lists.waiting,
        "listing_fills": lists.fills,
        "listing_lease": lists.lease,
        "dead_letters": order_dependent.dead_letters,
        "discarded_letters": order_dependent.discarded_letters,
    }
)
"""The other tables, and what they hold. Those of operators, of which no event tells, belong here."""

CHECKS: Mapping[str, object] = MappingProxyType({**OF_GROUPS, **OF_WHOLE})
"""All tables that are checked, by name."""
