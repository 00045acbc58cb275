"""One batch in one transaction: events, identity, parts, who is who, versions, outbox, offsets.

The order of steps is what keeps writers out of each other's way (``cx_context.store``): first the offsets are locked
and checked, then sets of rows are written, each sorted; the graph lock comes last before the versions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from cx_context.fold import new_part
from cx_context.fold_faults import Add, by_merging, in_place, is_left_out
from cx_context.parts.event_kinds import makes_part
from cx_context.routing_targets import RoutingState, RoutingTarget, SideState, routing_state, targets_of
from cx_context.store import assignments, dead_letters, first_mentions, leases, outbox, ownership, segments
from cx_context.store.attributions import nodes_attributed_to, write_attributions
from cx_context.store.dead_letters import delete_dead_letter, write_dead_letters
from cx_context.store.decisions import (
    ALL_FLAGS,
    TenantFlags,
    decisions_naming,
    read_decisions,
    read_named,
    read_tenant_flags,
    read_withdrawals,
    write_decisions,
)
from cx_context.store.events import StoredCopy, insert_events, read_stored_copies, replace_event, write_copies
from cx_context.store.graph import edges_at, write_edges, write_link_events, write_profiles
from cx_context.store.leases import Lease
from cx_context.store.members import Membership, memberships_of, read_all_customers
from cx_context.store.part_codec import decode_part, encode_part
from cx_context.store.parts import (
    add_parts,
    announce_interactions,
    change_parts,
    nodes_with_open_sides,
    read_parts,
    read_parts_of_sides,
)
from cx_context.store.port import tenant_lock
from cx_context.store.rule_changes import read_rules_in_force, write_rule_changes
from cx_context.store.sql import Tx
from cx_context.store.versions import raise_versions, rises_to_level
from cx_events.activity import needs_own_part
from cx_events.codec import same_content
from cx_events.dead_letters import FOLD, DeadLetter
from cx_events.errors import CxError, Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.log import Partition
from cx_events.timestamps import Micros
from cx_events.weights import weight_of
from cx_identity.attribution import Attribution
from cx_identity.decisions import RULES_CHANGED, UNMERGED, decision_of
from cx_identity.evidence import links_of, only_identifier
from cx_identity.first_mentions import (
    ATTESTED,
    EDGE_KINDS,
    NAMED,
    Mention,
    MentionKey,
    edge_mentions,
    edge_of,
    pareto_front,
    profile_mentions,
)
from cx_identity.model import Decision, Edge, Profile, attests, sum_profiles
from cx_identity.rules import RulesChange
from cx_projectors import conflicts
from cx_projectors.cache import Pair, ProjectionCache
from cx_projectors.identity import Dirty, Moves, recompute
from cx_projectors.records import Batch, ClassifiedEvent, copy_row, letter_key, read_event
from cx_projectors.tenancy import Tenancy

Touched = set[tuple[NodeId, NodeId]]
"""(stream, interaction node) of sides."""

REFOLD_LOCK = tenant_lock("refold", "")


class CopyMustReplace(CxError):
    """A copy in the batch is less than the stored one: the batch must be applied alone, see ``refold``."""


class NeedsExclusiveLock(CxError):
    """What the batch found under the shared graph lock needs the exclusive one: start over with it."""


class CannotFold(Exception):
    """Something raised while facts were folded: one of them can't be, or not into what is stored. Nothing was applied;
    the cause says what it was."""


@dataclass(slots=True)
class Applied:
    """What a batch did. ``letters``: those that it left. ``learned`` goes into the cache once the transaction is
    durable."""

    new: int = 0
    repeated: int = 0
    conflicts: int = 0
    customers: set[NodeId] = field(default_factory=set)
    letters: list[DeadLetter] = field(default_factory=list)
    learned: list[Learned] = field(default_factory=list)

    def add(self, other: Applied) -> None:
        """Count what a later batch did, too, all but what was learned."""
        self.new += other.new
        self.repeated += other.repeated
        self.conflicts += other.conflicts
        self.customers |= other.customers
        self.letters += other.letters


@dataclass(slots=True)
class Learned:
    """Of one tenant's facts: what the store has now that the cache did not know."""

    seen: dict[MentionKey, list[Mention]] = field(default_factory=dict)
    nodes: set[NodeId] = field(default_factory=set)
    named: set[NodeId] = field(default_factory=set)
    """Profiles that are new: their customer shows them, also where nothing else of it changes."""
    attested: set[NodeId] = field(default_factory=set)
    """Profiles that are attested now and were not, new ones too."""
    desks: dict[tuple[NodeId, NodeId], set[RoutingTarget]] = field(default_factory=dict)
    """By stream and interaction: whose desks that concerns differently now."""


def remember(cache: ProjectionCache, applied: Applied) -> None:
    for learned in applied.learned:
        for seen, steps in learned.seen.items():
            cache.learn(seen, steps)
        cache.nodes.update(learned.nodes)
    cache.trim()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a batch is applied. ``alone``: under the exclusive graph lock, which what it found needs. ``carefully``:
    what can't be folded was marked before, and facts are added to parts by merging, which raises nothing."""

    alone: bool = False
    carefully: bool = False

    @property
    def how(self) -> Add:
        return by_merging if self.carefully else in_place


async def apply_batch(
    tx: Tx,
    batch: Batch,
    owned: Mapping[Partition, Lease],
    cache: ProjectionCache,
    tenants: Mapping[str, Tenancy],
    *,
    worker: str,
    manner: Manner = Manner(),
) -> Applied:
    """Apply what is new of a batch and move the offsets on.

    Raises ``leases.Fenced`` if we own a partition no more, ``CopyMustReplace`` if a copy must replace a stored one,
    ``NeedsExclusiveLock`` if the batch must be started over alone, ``CannotFold`` if it must be started over carefully.
    """
    await tx.lock(REFOLD_LOCK, exclusive=False)
    await leases.hold(tx, worker, owned)
    applied = Applied()
    new = await insert_events(tx, batch.rows())
    applied.new = len(new)
    copies = list(batch.copies)
    if len(new) < len(batch.facts):
        repeated = [incoming for key, incoming in batch.facts.items() if key not in new]
        applied.repeated = len(repeated)
        differing, again = await _repeated(tx, repeated, tenants)
        copies += differing
        await try_again(tx, again)
        new |= {incoming.fact.key for incoming in again}
    applied.conflicts = len(copies)
    await write_copies(tx, copies)
    stripe = min((p.number for p in owned), default=0)
    for tenant, facts in batch.by_tenant(new).items():
        await apply_facts(tx, tenant, facts, applied, cache, tenants[tenant], stripe=stripe, manner=manner)
    await delete_settled(tx, batch)
    applied.letters = batch.unsettled + batch.problems_of(new)
    applied.letters += await conflicts.settle(tx, {copy[0] for copy in copies})
    await write_dead_letters(tx, applied.letters)
    await leases.advance(tx, batch.offsets)
    return applied


async def _repeated(
    tx: Tx, repeated: Iterable[ClassifiedEvent], tenants: Mapping[str, Tenancy]
) -> tuple[list[tuple[bytes, str, int, bytes]], list[ClassifiedEvent]]:
    """Copies whose content differs from the stored one's, and events that are to be tried again: nothing was made of
    them when they came. ``CopyMustReplace`` where a copy is less than the stored one."""
    by_key = {incoming.fact.key: incoming for incoming in repeated}
    copies = []
    again = []
    for key, stored in (await read_stored_copies(tx, by_key)).items():
        fact = by_key[key].fact
        if stored.raw == fact.raw:
            if is_to_be_tried_again(by_key[key], stored):
                again.append(by_key[key])
            continue
        other = read_event(stored.raw, lambda tenant: tenants[tenant].ids).fact
        if fact.copy_order < other.copy_order:
            raise CopyMustReplace(f"a copy of {fact.event.source}#{fact.event.id} was recorded before the stored one")
        copies += conflicting(fact, other)
    return copies, again


def is_to_be_tried_again(incoming: ClassifiedEvent, stored: StoredCopy) -> bool:
    """Return whether an event of which nothing was made came again, and is not known to fail as it did."""
    return is_left_out(stored.problem) and not (incoming.left_out and incoming.problem == stored.problem)


async def try_again(tx: Tx, again: Iterable[ClassifiedEvent]) -> None:
    """Take back that these events were left out: they are applied as new ones are, or left out as they say now."""
    for incoming in again:
        event = incoming.fact.event
        known_by = letter_key(event.tenantid, event.source, event.id, FOLD)
        incoming.place = await dead_letters.where(tx, known_by)
        await replace_event(tx, incoming.fact, incoming.stream_id, incoming.problem)
        await delete_dead_letter(tx, known_by)


async def delete_settled(tx: Tx, batch: Batch) -> None:
    """Take away the dead letters that somebody settled."""
    for known_by in sorted(batch.settled):
        await delete_dead_letter(tx, known_by)


async def settle(tx: Tx, fact: Fact) -> None:
    """Take the dead letter of an event away that is derived from the event."""
    event = fact.event
    await delete_dead_letter(tx, letter_key(event.tenantid, event.source, event.id, FOLD))


def conflicting(one: Fact, other: Fact) -> list[tuple[bytes, str, int, bytes]]:
    """Both copies, to be kept, where they do not say the same."""
    return [] if same_content(one.raw, other.raw) else [copy_row(one), copy_row(other)]


async def apply_facts(
    tx: Tx,
    tenant: str,
    facts: Collection[Fact],
    applied: Applied,
    cache: ProjectionCache,
    tenancy: Tenancy,
    *,
    stripe: int,
    manner: Manner,
) -> None:
    """What one tenant's new facts change. They are stored already."""
    learned = Learned()
    by_part = _by_part(facts)
    alone = manner.alone
    lifetimes = await _lifetimes(tx, tenant, tenancy) if any(_may_change_rules(fact) for fact in facts) else None
    dirty, decided = await learn_identity(tx, tenant, facts, cache, tenancy.ids, learned)
    begun = await _announce(tx, tenancy.ids, by_part, cache, learned)
    touched, first_parts = await _add_to_parts(tx, tenancy.ids, by_part, cache, learned, begun, manner.how)
    places = Counter(node for _, node in first_parts)
    first_nodes = {node for node, count in places.items() if count > 1 or node not in begun}
    moved_nodes = await nodes_with_open_sides(tx, tenant, first_nodes) | decided.attributed
    alone = alone or bool(dirty or decided.withdrawn or decided.rules or moved_nodes)

    await tx.lock(tenant_lock("graph", tenant), exclusive=alone)
    # What was read before the lock may have moved: others were blind to our rows as we were to theirs.
    asks = bool(learned.named or dirty or decided.rules or decided.withdrawn)
    ever = await read_tenant_flags(tx, tenant) if asks else ALL_FLAGS
    stream_ids = learned.named.union(stream_id for stream_id, _ in touched)
    standings = await memberships_of(tx, tenant, stream_ids)
    late = await _waited_for(tx, tenant, learned, ever, standings) - dirty
    now_moved = await nodes_with_open_sides(tx, tenant, first_nodes)
    if ever.attributed:
        now_moved |= await nodes_attributed_to(tx, tenant, learned.named)
    now_moved -= moved_nodes
    if (late or now_moved) and not alone:
        raise NeedsExclusiveLock("another writer's rows, or a decision that waited, concern this batch")
    dirty |= late
    moved_nodes |= now_moved
    if decided.withdrawn:
        dirty |= await concerned_by(tx, tenant, decided)
        moved_nodes |= decided.attributed
    moves = Moves()
    if dirty or decided.rules:
        changed_nodes = None if decided.rules else Dirty(dirty, learned.attested)
        moves = await recompute(tx, tenant, changed_nodes, tenancy, ever)
        standings = await memberships_of(tx, tenant, stream_ids)
    for node in moved_nodes:
        moves.together(node, *await ownership.all_sides(tx, tenant, node))
    known = learned.named.union(stream_id for stream_id, _ in touched if stream_id in cache.profiles)
    whose = await _whose(tx, tenant, {*touched, *((id, id) for id in learned.named)}, standings, known)
    changed = moves.changed | set(whose.values())
    unheard: set[NodeId] = set()
    if lifetimes is not None and lifetimes != await _lifetimes(tx, tenant, tenancy):
        unheard = await read_all_customers(tx, tenant) - changed
    groups = moves.groups()
    rises = await rises_to_level(tx, groups) if groups else {}
    # Every proof expires at another time now. Who follows hears of it at the next heartbeat: no notice for each.
    await raise_versions(tx, dict.fromkeys(changed | unheard, 1) | rises, stripe)
    changed |= rises.keys()
    await outbox.write(tx, tenant, sorted(changed), _by_customer(learned.desks, whose))
    applied.customers |= changed
    applied.learned.append(learned)


def _may_change_rules(fact: Fact) -> bool:
    """Whether an event changes the rules, or may withdraw a change of them."""
    return fact.event.type in (RULES_CHANGED, UNMERGED)


async def _lifetimes(tx: Tx, tenant: str, tenancy: Tenancy) -> Mapping[str, int]:
    return (await read_rules_in_force(tx, tenant, tenancy.rules)).proof_lifetime


async def _whose(
    tx: Tx, tenant: str, places: Touched, standings: Mapping[NodeId, Membership], profiles: Collection[NodeId]
) -> dict[tuple[NodeId, NodeId], NodeId]:
    """The customers of sides, by (stream, interaction node), and of profiles, each named twice. ``profiles``: streams
    that are surely some."""
    found: dict[tuple[NodeId, NodeId], NodeId] = {}
    asked: Touched = set()
    for place in places:
        stream_id, node = place
        standing = standings.get(stream_id)
        found[place] = stream_id if standing is None else standing.customer
        if stream_id != node:
            follows = standing is not None and standing.ambiguous
        else:
            follows = standing is None and stream_id not in profiles
        if follows:
            asked.add(place)
    sides = await ownership.sides(tx, tenant, {node for _, node in asked})
    for stream_id, node in asked:
        found[stream_id, node] = sides[node].by_stream.get(stream_id, found[stream_id, node])
    return found


def _by_customer(
    moved: Mapping[tuple[NodeId, NodeId], set[RoutingTarget]], whose: Mapping[tuple[NodeId, NodeId], NodeId]
) -> dict[NodeId, set[RoutingTarget]]:
    found: dict[NodeId, set[RoutingTarget]] = {}
    for place, some in moved.items():
        found.setdefault(whose[place], set()).update(some)
    return found


async def _waited_for(
    tx: Tx, tenant: str, learned: Learned, ever: TenantFlags, members: Collection[NodeId]
) -> set[NodeId]:
    """Of the profiles that are new to us: those that a decision named before, or that somebody joined meanwhile."""
    fresh = learned.named
    if not fresh:
        return set()
    decisions = await decisions_naming(tx, tenant, fresh) if ever.decided else []
    decided = {node for decision in decisions for node in (decision.a, decision.b)}
    tied = await _tied_meanwhile(tx, tenant, fresh & learned.attested)
    return (decided & fresh) | fresh.intersection(members) | tied


async def _tied_meanwhile(tx: Tx, tenant: str, attested: set[NodeId]) -> set[NodeId]:
    """Of profiles that are new to us, and attested: those that somebody tied to others. Of such a pair there may be no
    trace among the members."""
    if not attested:
        return set()
    edges = await edges_at(tx, tenant, attested)
    return attested & {end for edge in edges for end in (edge.a, edge.b)}


async def concerned_by(tx: Tx, tenant: str, decided: Decided) -> set[NodeId]:
    """The profiles that withdrawals concern; attributed interactions and rules are noted in ``decided``. Under the
    exclusive lock, since what is withdrawn may come from another partition at the same time."""
    withdrawn = await _withdrawn(tx, tenant, decided.withdrawn)
    decided.attributed |= await read_named(tx, "attributions", "interaction", tenant, withdrawn)
    decided.rules |= bool(await read_named(tx, "rule_changes", "key", tenant, withdrawn))
    concerned = [decision for decision in await read_decisions(tx, tenant) if decision.name in withdrawn]
    return _profiles_of(concerned)


def _profiles_of(decisions: Iterable[Decision]) -> set[NodeId]:
    return {node for decision in decisions for node in (decision.a, decision.b) if node}


@dataclass(slots=True)
class Decided:
    """What a batch's decisions concern besides the graph: interactions that were attributed, whether rules changed, and
    the decisions that others are withdrawn by: what those concern can be told under the exclusive lock alone."""

    attributed: set[NodeId] = field(default_factory=set)
    rules: bool = False
    withdrawn: list[Decision] = field(default_factory=list)


@dataclass(slots=True)
class _Told:
    """Who facts name that the cache does not know so early: sightings of profiles and pairs. ``elsewhere``: (profile,
    event) where an event names a profile from a stream that no edge leads from."""

    mentioned: dict[NodeId, Profile] = field(default_factory=dict)
    seen: dict[MentionKey, list[Mention]] = field(default_factory=dict)
    elsewhere: list[tuple[NodeId, bytes]] = field(default_factory=list)

    def add(self, fact: Fact, cache: ProjectionCache, ids: IdSpace) -> None:
        """Nearly every event names one known profile: that costs two look-ups and makes nothing."""
        one = only_identifier(fact)
        if one is not None:
            id = fact.stream_id if one is fact.identifier else ids.profile(one.kind, one.scope, one.value)
            attested = attests(one.kind, weight_of(one, fact.event))
            known = (cache.attested if attested else cache.profiles).get(id)
            # Of two recorded at once the lesser name is the earlier one, so they are looked at more closely.
            if known is None or fact.recorded <= known.at[0] or fact.effective < known.effective:
                self._mention(Profile(id, one.kind, one.scope, one.value, fact.recorded, attested), fact, cache)
            if id != fact.stream_id:
                self.elsewhere.append((id, fact.key))
            return
        people = links_of(fact, ids)
        for profile in people.profiles:
            self._mention(profile, fact, cache)
        for edge in people.edges:
            for seen, step in edge_mentions(edge, fact):
                if not cache.knows(seen, step):
                    self._see(seen, step)
        if fact.event.data.links or (
            people.profiles and all(profile.id != fact.stream_id for profile in people.profiles)
        ):
            self.elsewhere += [(profile.id, fact.key) for profile in people.profiles]

    def _mention(self, profile: Profile, fact: Fact, cache: ProjectionCache) -> None:
        for seen, step in profile_mentions(profile, fact):
            if not cache.knows(seen, step):
                self.mentioned.setdefault(profile.id, profile)
                self._see(seen, step)

    def _see(self, seen: MentionKey, step: Mention) -> None:
        steps = self.seen.get(seen)
        if steps is None:
            self.seen[seen] = [step]
        else:
            steps.append(step)


async def learn_identity(
    tx: Tx, tenant: str, facts: Iterable[Fact], cache: ProjectionCache, ids: IdSpace, learned: Learned
) -> tuple[set[NodeId], Decided]:
    """Write profiles, edges and decisions that are new or better known now; the nodes whose place may have changed."""
    told = _Told()
    effective: dict[bytes, Micros] = {}
    decisions: list[Decision] = []
    attributions: list[Attribution] = []
    rules: list[RulesChange] = []
    with folding():
        for fact in facts:
            if makes_part(fact.event.type):
                told.add(fact, cache, ids)
                continue
            try:
                decision = decision_of(fact, ids)
            except Refused:
                continue  # marked and noticed when it was read
            effective[fact.key] = fact.effective
            if isinstance(decision, Decision):
                decisions.append(decision)
            elif isinstance(decision, Attribution):
                attributions.append(decision)
            elif isinstance(decision, RulesChange):
                rules.append(decision)
    dirty = await _learn_sightings(tx, tenant, told, learned)
    await write_link_events(tx, told.elsewhere)
    decided = Decided({attribution.interaction for attribution in attributions}, rules=bool(rules))
    await write_attributions(tx, tenant, attributions, effective)
    await write_rule_changes(tx, tenant, rules, effective)
    if decisions:
        await write_decisions(tx, tenant, decisions, effective)
        dirty |= _profiles_of(decisions)
        decided.withdrawn = [decision for decision in decisions if decision.kind == "withdraw"]
    return dirty, decided


async def _learn_sightings(tx: Tx, tenant: str, told: _Told, learned: Learned) -> set[NodeId]:
    """Write what was not seen so early before; the profiles whose place that may change."""
    if not told.seen:
        return set()
    stored = await first_mentions.stored(tx, told.seen.keys())
    further: dict[MentionKey, list[Mention]] = {}
    profiles: dict[NodeId, Profile] = {}
    pairs: set[Pair] = set()
    dirty: set[NodeId] = set()
    for seen, steps in told.seen.items():
        kind, a, b = seen
        known = stored.get(seen, [])
        front = learned.seen[seen] = pareto_front([*known, *steps])
        further[seen] = [step for step in front if step not in known]
        if known and min(step.at for step in known) <= front[0].at:
            continue
        if kind in (NAMED, ATTESTED):
            told_now = msgspec.structs.replace(
                told.mentioned[a], first_recorded=front[0].at[0], attested=kind == ATTESTED
            )
            profiles[a] = sum_profiles(profiles[a], told_now) if a in profiles else told_now
            if kind == ATTESTED:
                if not known:
                    learned.attested.add(a)
            elif known:
                dirty.add(a)
            else:
                learned.named.add(a)
        else:
            pairs.add((a, b))
            dirty.update((a, b))
    dirty |= learned.attested - learned.named
    await write_profiles(tx, tenant, profiles.values())
    if pairs:
        await write_edges(tx, tenant, [_edge(learned.seen, *pair) for pair in pairs])
    await first_mentions.write(tx, tenant, further)
    return dirty


def _edge(seen: Mapping[MentionKey, list[Mention]], a: NodeId, b: NodeId) -> Edge:
    return edge_of(a, b, {kind: seen.get((kind, a, b), ()) for kind in EDGE_KINDS.values()})


async def _withdrawn(tx: Tx, tenant: str, decisions: Iterable[Decision]) -> set[str]:
    """What these decisions withdraw, or restore by withdrawing a withdrawal: SOURCE#ID."""
    names = {decision.withdraws for decision in decisions if decision.kind == "withdraw"}
    if names:
        further = {decision.name: decision.withdraws for decision in await read_withdrawals(tx, tenant)}
        reached = list(names)
        for name in reached:
            if name in further and further[name] not in names:
                names.add(further[name])
                reached.append(further[name])
    return names


@contextmanager
def folding() -> Iterator[None]:
    """Around what only computes: whatever it raises is a fault of the facts, also an error that would tell of a broken
    connection elsewhere."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise CannotFold(f"{type(error).__name__}: {error}") from error


def _by_part(facts: Iterable[Fact]) -> dict[bytes, list[Fact]]:
    found: dict[bytes, list[Fact]] = {}
    for fact in facts:
        if makes_part(fact.event.type):
            group = found.get(fact.part_id)
            if group is None:
                found[fact.part_id] = [fact]
            else:
                group.append(fact)
    return found


async def _announce(
    tx: Tx, ids: IdSpace, by_part: Mapping[bytes, Sequence[Fact]], cache: ProjectionCache, learned: Learned
) -> set[NodeId]:
    """Interactions of which nobody has any part yet, and nobody else will have one before this transaction ends."""
    nodes = set[NodeId]()
    for part_id, group in by_part.items():
        node = group[0].interaction_node
        if part_id not in cache.parts and node not in cache.nodes and not all(is_lone(fact) for fact in group):
            nodes.add(node)
    learned.nodes |= nodes
    return await announce_interactions(tx, ids.tenant, nodes)


def is_lone(fact: Fact) -> bool:
    """Return whether an event is outside of any interaction, in the stream of the profile that it names. Nobody else
    has a part there, so nobody need hear of it."""
    return fact.interaction_node == fact.stream_id and fact.identifier is not None


async def _add_to_parts(
    tx: Tx,
    ids: IdSpace,
    by_part: Mapping[bytes, Sequence[Fact]],
    cache: ProjectionCache,
    learned: Learned,
    begun: Collection[NodeId],
    how: Add,
) -> tuple[Touched, Touched]:
    """Add facts to their parts. The sides that were touched, and those among them that are new. ``begun``: interactions
    that have no part yet; what a profile has outside of any may be there unannounced."""
    tenant = ids.tenant
    known = await _recall(tx, tenant, by_part, cache, begun)
    touched: Touched = set()
    first: Touched = set()
    added = []
    changed = []
    matters: dict[tuple[NodeId, NodeId], RoutingState] = {}
    long: dict[bytes, Sequence[Fact]] = {}
    with folding():
        for part_id, group in by_part.items():
            one = group[0]
            place = (one.stream_id, one.interaction_node)
            touched.add(place)
            part = cache.parts.get(part_id)
            if part is None:
                if place not in known and not all(is_lone(fact) for fact in group):
                    first.add(place)
                part = new_part(one)
                for fact in group[1:]:
                    part = how(part, fact)
                added.append((part_id, tenant, *place, encode_part(part)))
            else:
                for fact in group:
                    part = how(part, fact)
                changed.append((part_id, encode_part(part)))
            cache.parts[part_id] = part
            if part.interaction:
                side = cache.sides.get(place)
                if side is None:
                    side = cache.sides[place] = SideState()
                matters.setdefault(place, routing_state(side))
                side.add(part_id, part)
            if part.facts > segments.SEGMENT_FACTS:
                long[part_id] = group
        assigned = _assigned(ids, matters, cache, learned)
    await add_parts(tx, added)
    await change_parts(tx, changed)
    await assignments.replace(tx, tenant, assigned)
    if long:
        await segments.add(tx, ids, long, cache.tails, how)
    return touched, first


async def _recall(
    tx: Tx, tenant: str, by_part: Mapping[bytes, Sequence[Fact]], cache: ProjectionCache, begun: Collection[NodeId]
) -> Touched:
    """Read what the cache lacks of the parts that facts are added to, and of the sides that these belong to. The sides
    of which the store has a part."""
    unknown: list[bytes] = []
    forgotten: Touched = set()
    known: Touched = set()
    for part_id, (one, *_) in by_part.items():
        place = (one.stream_id, one.interaction_node)
        if place in cache.sides:
            known.add(place)
        elif one.event.data.interaction and one.interaction_node not in begun:
            forgotten.add(place)
            continue
        is_new = one.event.data.interaction and (one.interaction_node in begun or needs_own_part(one.event))
        if part_id not in cache.parts and not is_new:
            unknown.append(part_id)
    for place, parts in (await read_parts_of_sides(tx, tenant, forgotten)).items():
        known.add(place)
        side = cache.sides[place] = SideState()
        for part_id, body in parts:
            part = decode_part(body)
            side.add(part_id, part)
            if part_id in by_part:
                cache.parts[part_id] = part
    if unknown:
        cache.parts.update(await read_parts(tx, unknown))
    return known


def _assigned(
    ids: IdSpace, matters: Mapping[tuple[NodeId, NodeId], RoutingState], cache: ProjectionCache, learned: Learned
) -> dict[bytes, tuple[NodeId, Collection[RoutingTarget]]]:
    """The sides that concern other desks now. ``matters``: what the desks of each were made of before."""
    assigned: dict[bytes, tuple[NodeId, Collection[RoutingTarget]]] = {}
    for place, matter in matters.items():
        now_matter = routing_state(cache.sides[place])
        if now_matter == matter:
            continue
        before, now = targets_of(matter), targets_of(now_matter)
        if now != before:
            learned.desks.setdefault(place, set()).update(desk for desk, _ in now.items() ^ before.items())
        if now.keys() != before.keys():
            assigned[ids.part_id(*place)] = (place[1], now)
    return assigned
