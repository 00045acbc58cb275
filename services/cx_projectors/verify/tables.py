"""What every table must hold. Pure.

Most tables are functions of the set of events, and every row is compared. In some the order of arrival leaves a trace;
of those the exact bounds are stated: which rows must be there, and which may. A table without a check fails a test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from cx_context.desks import desks
from cx_context.fold import makes_part
from cx_context.foldable import part_of
from cx_context.model import Part
from cx_context.store import epochs, segments, tables, writer
from cx_context.store.epochs import StoreEpoch
from cx_context.store.outbox import ID_BYTES, customers_in
from cx_context.store.segments import EVER
from cx_context.store.writer import NO_ID, LetterKey, begins, decode_part
from cx_events.codec import same_content
from cx_events.dead_letters import DeadLetter
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.log import INTERACTIONS, Partition
from cx_identity.attribution import Attribution
from cx_identity.facts import Named, links_of, sum_of
from cx_identity.model import Decision
from cx_identity.rules import RulesChange
from cx_identity.sightings import NAMED, Seen, Sighting, sighting, staircase, tied
from cx_projectors.announced import faults_of
from cx_projectors.batch import copy_row, letter_key, letter_of_problem, row_of
from cx_projectors.verify.checks import NOTHING_SAYS_SO, Check, Key, Row, Say, shown
from cx_projectors.verify.expected import Expected
from cx_projectors.verify.told import UNKNOWN_TENANT

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


def _by_key(places: Iterable[int], rows: Iterable[Row]) -> dict[Key, Row]:
    places = tuple(places)
    return {tuple(row[at] for at in places): row for row in rows}


def _events(of: Expected) -> Check:
    rows = (row_of(incoming) for incoming in of.told.counting.values())
    return Check(tables.EVENTS, _by_key([0], rows), lambda row: "the event is not on the log up to what was applied")


def _copies(of: Expected) -> Check:
    """Of the copies of an event that say different things, one of each kind is kept, besides the one that counts;
    which one of those that say the same depends on the order of arrival."""
    told = of.told
    allowed: dict[Key, Row] = {}
    kinds: dict[bytes, list[set[Key]]] = {}
    for key, others in told.others.items():
        copies = [told.counting[key].fact, *(other.fact for other in others)]
        rows = [writer.copy_row(*copy_row(copy)) for copy in copies]
        allowed |= _by_key([0, 1], rows)
        kinds[key] = _kinds_apart(copies, [(row[0], row[1]) for row in rows])
    seen: set[Key] = set()

    def fault(row: Row) -> str | None:
        if allowed.get((row[0], row[1])) != row:
            return "the log has no such copy"
        seen.add((row[0], row[1]))
        return None

    def at_end(say: Say) -> None:
        for groups in kinds.values():
            for group in groups:
                if not group & seen:
                    say(f"copies {shown(min(group))}: the row is missing, and none that says the same is there")

    return Check(tables.COPIES, fault_of=fault, at_end=at_end)


def _kinds_apart(copies: list[Fact], keys: list[Key]) -> list[set[Key]]:
    """Copies that say the same, directly or by way of others, in groups; without the group of the first."""
    groups: list[list[int]] = []
    for at, copy in enumerate(copies):
        like = [group for group in groups if any(same_content(copies[other].raw, copy.raw) for other in group)]
        groups = [group for group in groups if group not in like] + [[at, *(each for group in like for each in group)]]
    return [{keys[at] for at in group} for group in groups if 0 not in group]


def _parts(of: Expected) -> Check:
    rows = (
        (anchor, tenant, fact.home, fact.interaction, (begins(part.since), _canonical(part)))
        for anchor, (tenant, fact, part) in of.parts.items()
    )
    return Check(tables.PARTS, _by_key([0], rows), normal=lambda row: (*row[:-1], _body(row[-1])))


def _body(body: bytes) -> tuple[bytes, bytes]:
    """When a stored part begins, and what it holds in one form of many: a map's order is that of arrival."""
    return bytes(body[: len(begins(0))]), _canonical(_decoded(body))


def _decoded(body: bytes) -> Part:
    try:
        return decode_part(bytes(body))
    except Exception as error:  # whatever the codecs raise
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _assignments(of: Expected) -> Check:
    rows = (
        (anchor, desk.kind, desk.name, tenant, fact.interaction)
        for anchor, (tenant, fact, part) in of.parts.items()
        for desk in desks(part)
    )
    return Check(tables.ASSIGNMENTS, _by_key([0, 1, 2], rows))


def _interactions(of: Expected) -> Check:
    """Every interaction that has a part is announced, named or not. So may be what a profile has outside of any, and
    what only a copy speaks of that counts no more."""
    required = {
        (fact.interaction,): (fact.interaction, tenant)
        for tenant, one, fact in of.of_facts()
        if fact.interaction != fact.home or fact.home not in one.whole.resolution.customer_of
    }
    may = {(fact.interaction, fact.event.tenantid) for fact in of.told.all_copies if makes_part(fact.event.type)}
    return Check(tables.INTERACTIONS, required, lambda row: None if row in may else NOTHING_SAYS_SO)


def _profiles(of: Expected) -> Check:
    rows = (
        (id, tenant, profile.kind, profile.scope, profile.value, profile.first_recorded)
        for tenant, one in of.tenants.items()
        for id, profile in sum_of(one.named.values())[0].items()
    )
    return Check(tables.PROFILES, _by_key([0], rows))


def _edges(of: Expected) -> Check:
    rows = (
        writer.edge_row(tenant, edge)
        for tenant, one in of.tenants.items()
        for edge in sum_of(one.named.values())[1].values()
    )
    return Check(tables.EDGES, _by_key([0, 1], rows))


def _sightings(of: Expected) -> Check:
    """Those that are the first of some past must be there. A later one may, if it was the first when it came."""
    mentions: dict[Seen, list[Sighting]] = defaultdict(list)
    tenant_of: dict[Seen, str] = {}
    for tenant, one, fact in of.of_facts():
        named = one.named[fact.key]
        said = [((NAMED, profile.id, profile.id), sighting(fact)) for profile in named.profiles]
        for edge in named.edges:
            said += tied(edge, fact)
        for seen, step in said:
            mentions[seen].append(step)
            tenant_of[seen] = tenant
    required: dict[Key, Row] = {}
    may: set[Row] = set()
    for seen, steps in mentions.items():
        rows = [(*seen, s.key, tenant_of[seen], s.effective, *s.at, s.rule) for s in steps]
        may.update(rows)
        first = {step.key for step in staircase(steps)}
        required |= _by_key([0, 1, 2, 3], (row for row in rows if row[3] in first))
    return Check(tables.SIGHTINGS, required, lambda row: None if row in may else NOTHING_SAYS_SO)


def _segments(of: Expected) -> Check:
    """A part of more than ``SEGMENT_FACTS`` facts is cut; where, depends on the order of arrival. The first segment
    begins before all time, each other one with its first fact, and each holds the facts until the next one begins."""
    found: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    long = {anchor for anchor, (_, _, part) in of.parts.items() if part.facts > segments.SEGMENT_FACTS}

    def fault(row: Row) -> str | None:
        if row[0] not in long:
            return None if of.unread_tenants else "there is no part of so many facts"
        found[row[0]].append((row[1], row[2]))
        return None

    def at_end(say: Say) -> None:
        by_anchor: dict[bytes, list[Fact]] = defaultdict(list)
        for _, _, fact in of.of_facts():
            if fact.anchor in long:
                by_anchor[fact.anchor].append(fact)
        for anchor in sorted(long):
            for since, what in _faults_of_segments(found[anchor], by_anchor[anchor]):
                say(f"segments {shown((anchor, since))}: {what}")

    return Check(tables.SEGMENTS, fault_of=fault, at_end=at_end)


def _faults_of_segments(found: list[tuple[int, bytes]], facts: list[Fact]) -> Iterable[tuple[int, str]]:
    if not found or found[0][0] != EVER:
        yield EVER, "the row is missing"
    ends = [*(since for since, _ in found[1:]), -EVER]
    for at, ((since, body), end) in enumerate(zip(found, ends, strict=True)):
        within = [fact for fact in facts if since <= fact.effective < end]
        if not within or (at and min(fact.effective for fact in within) != since):
            yield since, "no fact is there at which it could begin"
            continue
        part = part_of(within)
        try:
            differs = _body(body) != (begins(part.since), _canonical(part))
        except ValueError as error:
            yield since, f"can't be read: {error}"
            continue
        if differs:
            yield since, "body differs from the definition"


def _link_events(of: Expected) -> Check:
    """Events that name a profile from elsewhere; so may one whose copy did so that counts no more."""
    required = _by_key([0, 1], (row for _, one, fact in of.of_facts() for row in _elsewhere(fact, one.named[fact.key])))
    may = set(required)
    for fact in of.told.all_copies:
        ids = of.tenants[fact.event.tenantid].tenancy.ids
        if makes_part(fact.event.type):
            try:
                may.update(_elsewhere(fact, links_of(fact, ids)))
            except Exception:  # noqa: S112 - it can't be folded, and so says nothing
                continue
    return Check(tables.LINK_EVENTS, required, lambda row: None if row in may or of.unread_tenants else NOTHING_SAYS_SO)


def _elsewhere(fact: Fact, named: Named) -> Iterable[tuple[NodeId, bytes]]:
    """(profile, event) where the event names a profile to which no edge leads from its home."""
    if fact.event.data.links or all(profile.id != fact.home for profile in named.profiles):
        yield from ((profile.id, fact.key) for profile in named.profiles)


def _decisions(of: Expected) -> Check:
    rows = (
        (d.key, tenant, fact.effective, *d.at, d.kind, d.a or NO_ID, d.b or NO_ID, d.withdraws, d.reason)
        for tenant, fact, d in of.decided()
        if isinstance(d, Decision)
    )
    return Check(tables.DECISIONS, _by_key([0], rows))


def _attributions(of: Expected) -> Check:
    rows = (
        (a.key, tenant, fact.effective, *a.at, a.interaction, a.profile or NO_ID)
        for tenant, fact, a in of.decided()
        if isinstance(a, Attribution)
    )
    return Check(tables.ATTRIBUTIONS, _by_key([0], rows))


def _rule_changes(of: Expected) -> Check:
    rows = (
        (c.key, tenant, fact.effective, *c.at, writer.rules_text(c.rules))
        for tenant, fact, c in of.decided()
        if isinstance(c, RulesChange)
    )
    return Check(tables.RULE_CHANGES, _by_key([0], rows))


def _members(of: Expected) -> Check:
    """Exactly the resolution. A profile that is a member of nothing may have a row that says so: it once was one."""
    required: dict[Key, Row] = {}
    for tenant, one in of.tenants.items():
        resolution = one.whole.resolution
        for profile in resolution.customer_of:
            row = writer.member_row(tenant, profile, resolution)
            if row != writer.alone_row(tenant, profile):
                required[profile,] = row

    def fault(row: Row) -> str | None:
        if row[1] in of.tenants and row == writer.alone_row(row[1], row[0]):
            return of.unknown(row[0])
        return NOTHING_SAYS_SO

    return Check(tables.MEMBERS, required, fault)


def _versions(of: Expected) -> Check:
    """Of every customer there is one; how high they are depends on how the events came in batches."""
    partitions = 1 + max((partition.number for partition in of.ends), default=0)
    raised: set[NodeId] = set()

    def fault(row: Row) -> str | None:
        customer, stripe, n = row
        raised.add(customer)
        if n < 1:
            return f"n is {n}, and a version only rises"
        if not writer.REFOLD_STRIPE <= stripe < partitions:
            return f"there is no stripe {stripe}"
        return of.unknown(customer)

    def at_end(say: Say) -> None:
        for one in of.tenants.values():
            for customer in sorted(one.whole.known.keys() - raised):
                say(f"versions {shown((customer,))}: the row is missing")

    return Check(tables.VERSIONS, fault_of=fault, at_end=at_end)


def _store_epoch(of: Expected) -> Check:
    """The epoch that the log gave to this store (``announced``), once anything was applied."""
    seen: list[Row] = []

    def fault(row: Row) -> str | None:
        one, store, epoch = row
        if one != epochs.ONLY:
            return "there is one row alone"
        seen.append(row)
        faults = faults_of(StoreEpoch(store, epoch), of.announced) if of.announced is not None else ()
        return next((fault.removeprefix("store_epoch: ") for fault in faults), None)

    def at_end(say: Say) -> None:
        if of.stored and not seen:
            say(f"store_epoch {epochs.ONLY}: the row is missing")

    return Check(tables.STORE_EPOCH, fault_of=fault, at_end=at_end)


def _partitions(of: Expected) -> Check:
    """The order of arrival and the clock are all that it tells; so it is held against the log's partitions."""
    seen: set[Partition] = set()

    def fault(row: Row) -> str | None:
        topic, number, position, epoch, _owner, leased_until, moved_at = row
        end = of.ends.get(Partition(topic, number))
        if end is None:
            return "the log has no such partition"
        seen.add(Partition(topic, number))
        if not 0 <= position <= end:
            return f"was applied up to {position}, but the log ends at {end}"
        if epoch < 0 or not leased_until >= 0 or not moved_at >= 0:
            return "epoch, leased_until or moved_at is negative"
        return None

    def at_end(say: Say) -> None:
        begun = {partition.topic for partition in seen} | ({INTERACTIONS} if of.stored else set())
        for partition in sorted(of.ends.keys() - seen):
            if partition.topic in begun:
                say(f"partitions {shown(partition)}: the row is missing")

    return Check(tables.PARTITIONS, fault_of=fault, at_end=at_end)


def _workers(of: Expected) -> Check:
    """Of the clock, not of the facts: held for their form alone."""
    return Check(tables.WORKERS, fault_of=lambda row: None if row[0] and row[1] >= 0 else "seen_until is no time")


def _outbox(of: Expected) -> Check:
    """What the relay has not taken yet; which customers a batch changed depends on the batches."""

    def fault(row: Row) -> str | None:
        _id, tenant, body, packed = row
        if tenant not in of.tenants:
            return None if tenant in of.unread_tenants else "there is no such tenant"
        try:
            concerned = customers_in(bytes(packed))
        except ValueError as error:  # msgspec's are such, too
            return f"desks can't be read: {error}"
        customers = {bytes(body[at : at + ID_BYTES]) for at in range(0, len(body), ID_BYTES)}
        if not customers or len(body) % ID_BYTES or not concerned <= customers:
            return "body or desks do not name the customers of a batch"
        return next((fault for each in sorted(customers) if (fault := of.unknown(each)) is not None), None)

    return Check(tables.OUTBOX, fault_of=fault)


def _dead_letters(of: Expected) -> Check:
    """Those on the log, and those that projectors derive: of records that are no events, and of events with a problem.
    Of several that are known by the same names the one stands that was applied first."""
    told = of.told
    letters: dict[LetterKey, list[DeadLetter]] = {key: list(found) for key, found in told.letters.items()}
    for incoming in told.counting.values():
        if incoming.problem is not None:
            letter = letter_of_problem(incoming)
            letters.setdefault(letter_key(letter.tenant, letter.source, letter.id, letter.stage), []).append(letter)
    may = {key: {writer.letter_row(letter) for letter in found} for key, found in letters.items()}
    # Of a tenant that was configured when its event came there is none; the event is stored then.
    missing = {key for key in letters if not (key in told.unread and told.unread[key].event in of.stored)}

    def fault(row: Row) -> str | None:
        key = (row[0], row[1], row[2], row[3])
        missing.discard(key)
        if row[4] == UNKNOWN_TENANT and key not in may:
            return None  # the tenant is configured now; which records these are was looked up before
        return None if row in may.get(key, ()) else "neither the log nor an event says so"

    def at_end(say: Say) -> None:
        for key in sorted(missing):
            say(f"dead_letters {shown(key)}: the row is missing")

    return Check(tables.DEAD_LETTERS, fault_of=fault, at_end=at_end)


CHECKS: Mapping[str, Callable[[Expected], Check]] = MappingProxyType(
    {
        "events": _events,
        "copies": _copies,
        "parts": _parts,
        "assignments": _assignments,
        "interactions": _interactions,
        "profiles": _profiles,
        "edges": _edges,
        "sightings": _sightings,
        "segments": _segments,
        "link_events": _link_events,
        "decisions": _decisions,
        "attributions": _attributions,
        "rule_changes": _rule_changes,
        "members": _members,
        "versions": _versions,
        "store_epoch": _store_epoch,
        "partitions": _partitions,
        "workers": _workers,
        "outbox": _outbox,
        "dead_letters": _dead_letters,
    }
)
"""By table."""
