"""What the API asks. Every look-up is bound to a tenant; all statements of one ``reading()`` see one state."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cx_context.document import TIMELINE_SHOWN, Known, Member
from cx_context.parts.header import Outlines
from cx_context.sections.assurance import Lifetimes
from cx_context.sections.assured import kept_part_ids, left_of, taken_alone
from cx_context.sections.candidates import NO_QUESTIONS, Questions
from cx_context.sections.vouchers import Heard, wrote_last
from cx_context.store import ownership, refused_claims, writer
from cx_context.store.epochs import FIRST_VERSION
from cx_context.store.graph_slices import Reading, resolved_by
from cx_context.store.ownership import Ownership
from cx_context.store.sql import Tx
from cx_context.store.writer import NO_ID, decode_outline, decode_part, decode_span, decode_words, unpacked
from cx_context.threading.conversations import KeyedPart
from cx_events.codec import decode_leniently
from cx_events.dead_letters import CONFLICT
from cx_events.facts import Fact, Order
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros
from cx_identity.affected_scope import AffectedScope
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.candidates import SETTLING_KINDS
from cx_identity.model import Decision
from cx_identity.outcome import Resolution
from cx_identity.rules import DEFAULT, Rules
from cx_identity.unmerge import withdrawn_decisions


@dataclass(frozen=True, slots=True)
class Found:
    """Whom an id or an identifier stands for. ``ambiguous``: several people may have it, and nothing proves or asserts
    whose it is; ``candidates`` are they; ``identifier``: the ambiguous one, where an interaction names nothing else.
    ``others``: who takes part in the interaction besides."""

    customer: NodeId
    version: int
    ambiguous: bool = False
    candidates: tuple[NodeId, ...] = ()
    identifier: NodeId | None = None
    others: tuple[NodeId, ...] = ()


async def find_profile(tx: Tx, tenant: str, profile: NodeId) -> Found | None:
    """The customer of a profile, in one statement unless it is ambiguous."""
    rows = await tx.fetch(
        "SELECT coalesce(m.customer, p.id), coalesce(m.ambiguous, false), "
        f"{FIRST_VERSION} + "
        "(SELECT coalesce(sum(v.n), 0) FROM versions v WHERE v.customer = coalesce(m.customer, p.id)) "
        "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id = :profile AND p.tenant = :tenant",
        profile=profile,
        tenant=tenant,
    )
    if not rows:
        return None
    customer, ambiguous, version = rows[0]
    candidates = await tied_customers(tx, tenant, profile) if ambiguous else ()
    return Found(customer, int(version), bool(ambiguous), candidates)


async def tied_customers(tx: Tx, tenant: str, profile: NodeId) -> tuple[NodeId, ...]:
    """The customers that a shared identifier's edges lead to, itself left out."""
    edges = await writer.edges_at(tx, tenant, [profile])
    ends = {edge.b if edge.a == profile else edge.a for edge in edges}
    return tuple(sorted(set((await writer.customers_of(tx, tenant, ends)).values()) - {profile}))


async def find_node(tx: Tx, tenant: str, node: NodeId) -> Found | None:
    """Whom any id stands for that ever was a customer's: a profile's, an interaction's or a lone event's."""
    found = await find_profile(tx, tenant, node)
    if found is not None:
        return Found(found.customer, found.version)
    rows = await tx.fetch(
        "SELECT 1 FROM parts WHERE home = :node AND tenant = :tenant LIMIT 1", node=node, tenant=tenant
    )
    if not rows:
        return None
    customer = (await ownership.following(tx, tenant, [node]))[node]
    return Found(customer, await version_of(tx, customer))


async def find_interaction(
    tx: Tx, tenant: str, ids: IdSpace, interaction: str, *, by_last_word: bool = False
) -> Found | None:
    """Whose an interaction is; of several people's, or where all it names is an identifier that several have, the
    candidates. ``by_last_word``: of several people's into which anybody can write it is whose event was recorded last
    (``vouchers.wrote_last``)."""
    node = ids.interaction(interaction)
    by_stream = (await ownership.sides(tx, tenant, [node]))[node].by_stream
    if not by_stream:
        return None
    customers = set(by_stream.values())
    several = customers - {node} or customers
    # An ambiguous identifier is nobody: of those who take part besides, each may be meant.
    nobody = {customer for customer in several & by_stream.keys() if await _is_nobody(tx, tenant, customer)}
    if len(several - nobody) == 1:
        customer = (several - nobody).pop()
        return Found(customer, await version_of(tx, customer))
    if len(several) == 1:
        (identifier,) = several
        tied = await tied_customers(tx, tenant, identifier)
        return Found(identifier, await version_of(tx, identifier), True, tied, identifier)
    people = several - nobody or several
    last = await _wrote_last(tx, tenant, node, by_stream) if by_last_word else None
    if last in people:
        return Found(last, await version_of(tx, last), others=tuple(sorted(people - {last})))
    return Found(NO_ID, 0, ambiguous=True, candidates=tuple(sorted(people)))


async def _wrote_last(tx: Tx, tenant: str, node: NodeId, by_stream: Mapping[NodeId, NodeId]) -> NodeId | None:
    rows = await tx.fetch(
        "SELECT home, body FROM parts WHERE interaction = :node AND tenant = :tenant", node=node, tenant=tenant
    )
    spans = ((by_stream.get(bytes(stream_id)), decode_span(unpacked(body))) for stream_id, body in rows)
    return wrote_last(Heard(whose, span.heard, span.open_heard) for whose, span in spans if whose is not None)


async def _is_nobody(tx: Tx, tenant: str, customer: NodeId) -> bool:
    """Whether all that is known of a customer is an ambiguous identifier."""
    found = await find_profile(tx, tenant, customer)
    return found is not None and found.ambiguous and len(await members_of(tx, tenant, customer)) == 1


async def version_of(tx: Tx, customer: NodeId) -> int:
    """Return the version of a customer's context (``cx_context.versions``); of epoch 0 before the store has one."""
    rows = await tx.fetch(
        f"SELECT {FIRST_VERSION} + coalesce(sum(n), 0) FROM versions WHERE customer = :customer", customer=customer
    )
    return int(rows[0][0])


async def members_of(tx: Tx, tenant: str, customer: NodeId) -> list[Member]:
    """The profiles of a customer; none where it is an interaction that stands alone."""
    rows = await tx.fetch(
        "SELECT p.id, p.kind, p.scope, p.value, p.first_recorded, m.rule, m.evidence, m.confidence, m.via, m.claimed "
        "FROM members m JOIN profiles p ON p.id = m.profile WHERE m.customer = :customer",
        customer=customer,
    )
    found = [_member(*row) for row in rows]
    if all(member.id != customer for member in found):
        found += [
            Member(p.id, p.kind, p.scope, p.value, p.first_recorded)
            for p in (await writer.profiles(tx, tenant, [customer])).values()
        ]
    return found


def _member(
    id: NodeId,
    kind: str,
    scope: str,
    value: str,
    first_recorded: Micros,
    rule: str | None,
    evidence: str,
    confidence: int,
    via: NodeId,
    claimed: bool,
) -> Member:
    joined = (rule, evidence, confidence, via) if rule else None
    return Member(id, kind, scope, value, first_recorded, joined, bool(claimed))


async def parts_of(tx: Tx, tenant: str, own: Ownership) -> list[KeyedPart]:
    return [KeyedPart(part_id, decode_part(body)) for part_id, body in await _bodies_of(tx, tenant, own)]


async def outlines_of(tx: Tx, tenant: str, own: Ownership) -> Outlines:
    """As ``parts_of``, for less."""
    bodies = dict(await _bodies_of(tx, tenant, own))
    parts = [KeyedPart(part_id, decode_outline(body)) for part_id, body in bodies.items()]
    return Outlines(parts, lambda part_id: decode_words(bodies[part_id]))


async def _bodies_of(tx: Tx, tenant: str, own: Ownership) -> list[tuple[NodeId, bytes]]:
    rows = await tx.fetch(
        "SELECT anchor, body FROM parts WHERE home = ANY(:stream_ids) AND tenant = :tenant",
        stream_ids=list(own.stream_ids),
        tenant=tenant,
    )
    found = [(bytes(part_id), bytes(body)) for part_id, body in rows if part_id not in own.excluded]
    if own.included:
        rows = await tx.fetch(
            "SELECT anchor, body FROM parts WHERE anchor = ANY(:part_ids) AND tenant = :tenant",
            part_ids=[side.part_id for side in own.included],
            tenant=tenant,
        )
        found += [(bytes(part_id), bytes(body)) for part_id, body in rows]
    return found


_HOMES_AT_ONCE = 500
_LEAST = -(2**62)
_DECODED_AT_ONCE = 250
"""Events, in some milliseconds."""


async def latest_facts(
    tx: Tx,
    ids: IdSpace,
    own: Ownership,
    most: int,
    before: Micros | None = None,
    part_ids: Collection[NodeId] | None = None,
    heard: Micros | None = None,
) -> list[Fact]:
    """At least the latest ``most`` of these facts (of each stream and borrowed side, ties included), none later than
    ``before``, none recorded after ``heard``; of these ``part_ids`` alone, where they are given."""
    return await facts_of(await _latest_raws(tx, ids.tenant, own, most, before, part_ids, heard), ids)


async def facts_of(raws: Sequence[bytes], ids: IdSpace) -> list[Fact]:
    """Of many in a thread: a long history takes up to a second, which nobody else should wait for."""
    if len(raws) <= _DECODED_AT_ONCE:
        return _decoded(raws, ids)
    return await asyncio.to_thread(_decoded, raws, ids)


def _decoded(raws: Sequence[bytes], ids: IdSpace) -> list[Fact]:
    return [Fact(decode_leniently(raw)[0], raw, ids) for raw in raws]


async def _latest_raws(
    tx: Tx,
    tenant: str,
    own: Ownership,
    most: int,
    before: Micros | None = None,
    part_ids: Collection[NodeId] | None = None,
    heard: Micros | None = None,
) -> list[bytes]:
    limit = "AND tenant = :tenant"
    values: dict[str, Any] = {"tenant": tenant}
    if before is not None:
        limit += " AND effective <= :before"
        values["before"] = before
    if heard is not None:
        limit += " AND recorded <= :heard"
        values["heard"] = heard
    included = await _included_raws(tx, own, most, limit, part_ids, values) if own.included else []
    if own.excluded:
        limit += " AND anchor <> ALL(:excluded)"
        values["excluded"] = list(own.excluded)
    if part_ids is not None:
        limit += " AND anchor = ANY(:part_ids)"
        values["part_ids"] = list(part_ids)
    if tx.for_update == "":
        return await _latest_in_file(tx, own.stream_ids, most, limit, values) + included
    rows = await tx.fetch(
        "SELECT latest.raw FROM unnest(:stream_ids::bytea[]) AS h(home) CROSS JOIN LATERAL (SELECT raw FROM events "
        f"WHERE events.home = h.home {limit} ORDER BY effective DESC FETCH FIRST {int(most)} ROWS WITH TIES) AS latest",
        stream_ids=list(own.stream_ids),
        most=most,
        **values,
    )
    return [bytes(row[0]) for row in rows] + included


async def _latest_in_file(
    tx: Tx, stream_ids: Sequence[NodeId], most: int, limit: str, values: Mapping[str, Any]
) -> list[bytes]:
    """SQLite has no LATERAL, and a window would read all that ever happened for one page. So of each stream the index
    tells since when its latest ``most`` happened, and only those are read."""
    found: list[bytes] = []
    for begin in range(0, len(stream_ids), _HOMES_AT_ONCE):
        named = {
            f"home_{_letters(at)}": stream_id for at, stream_id in enumerate(stream_ids[begin : begin + _HOMES_AT_ONCE])
        }
        rows = await tx.fetch(
            f"WITH h (home) AS (VALUES {', '.join(f'(:{name})' for name in named)}) "
            "SELECT e.raw FROM h CROSS JOIN events e ON e.home = h.home AND e.effective >= coalesce("
            f"(SELECT f.effective FROM events f WHERE f.home = h.home {limit} "
            "ORDER BY f.effective DESC LIMIT 1 OFFSET :skipped), :least) "
            f"WHERE TRUE {limit}",
            skipped=most - 1,
            least=_LEAST,
            **named,
            **values,
        )
        found += [bytes(row[0]) for row in rows]
    return found


def _letters(number: int) -> str:
    """A name for a parameter, which may hold letters alone."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


async def _included_raws(
    tx: Tx, own: Ownership, most: int, limit: str, part_ids: Collection[NodeId] | None, values: Mapping[str, Any]
) -> list[bytes]:
    """Of each borrowed side by itself: a switchboard's stream may hold a hundred thousand events."""
    sides = [side for side in own.included if part_ids is None or side.part_id in part_ids]
    if not sides:
        return []
    if tx.for_update == "":
        rows = await tx.fetch(
            "SELECT raw FROM (SELECT raw, rank() OVER (PARTITION BY anchor ORDER BY effective DESC) AS place "
            f"FROM events WHERE home = ANY(:stream_ids) AND anchor = ANY(:sides) {limit}) AS ranked "
            "WHERE place <= :most",
            stream_ids=list({side.stream_id for side in sides}),
            sides=[side.part_id for side in sides],
            most=most,
            **values,
        )
    else:
        rows = await tx.fetch(
            "SELECT latest.raw FROM unnest(:stream_ids::bytea[], :sides::bytea[], :since::bigint[], :until::bigint[]) "
            "AS s(home, anchor, since, until) CROSS JOIN LATERAL (SELECT raw FROM events "
            "WHERE events.home = s.home AND events.anchor = s.anchor AND effective BETWEEN s.since AND s.until "
            f"{limit} ORDER BY effective DESC FETCH FIRST {int(most)} ROWS WITH TIES) AS latest",
            stream_ids=[side.stream_id for side in sides],
            sides=[side.part_id for side in sides],
            since=[side.since for side in sides],
            until=[side.until for side in sides],
            **values,
        )
    return [bytes(row[0]) for row in rows]


async def facts_before(
    tx: Tx,
    ids: IdSpace,
    own: Ownership,
    most: int,
    before: Order | None = None,
    part_ids: Collection[NodeId] | None = None,
    until: Micros | None = None,
    heard: Micros | None = None,
) -> list[Fact]:
    """The latest ``most`` of these facts that sort before ``before``, newest first: exactly those, also where
    many happened at one time. ``until``, ``heard``: no fact happened or was recorded later."""
    found: list[Fact] = []
    included = {side.part_id for side in own.included}
    if before is not None:
        until = before[0] if until is None else min(until, before[0])
    while len(found) < most:
        read = await latest_facts(tx, ids, own, most, until, part_ids, heard)
        by_place: dict[NodeId, list[Fact]] = {}
        for fact in read:
            by_place.setdefault(fact.part_id if fact.part_id in included else fact.stream_id, []).append(fact)
        # Of a place with so many there may be more: nothing below its last one is complete.
        floor = max(
            (min(fact.effective for fact in facts) for facts in by_place.values() if len(facts) >= most), default=None
        )
        found += [
            fact
            for fact in read
            if (before is None or fact.order < before) and (floor is None or fact.effective >= floor)
        ]
        if floor is None:
            break
        until = floor - 1
    found.sort(key=lambda fact: fact.order, reverse=True)
    return found[:most]


@dataclass(frozen=True, slots=True)
class Whole:
    """Whom an id stands for, and all that their body is made of, as it is stored. ``parts``: by part id. ``raws``: the
    latest events for the timeline, in any order. ``claims``: as of ``Known``. ``lifetimes``: of proofs, by the rules in
    force."""

    ids: IdSpace
    found: Found
    members: list[Member]
    parts: list[tuple[NodeId, bytes]]
    raws: list[bytes]
    claims: Questions = NO_QUESTIONS
    lifetimes: Lifetimes = field(default_factory=dict)

    @property
    def known(self) -> Known:
        return replace(self.known_parts, latest=[Fact(decode_leniently(raw)[0], raw, self.ids) for raw in self.raws])

    @property
    def known_parts(self) -> Known:
        """All but the events for the timeline, of which nothing but that is made."""
        return Known(
            customer=self.found.customer,
            members=self.members,
            parts=[KeyedPart(part_id, decode_part(body)) for part_id, body in self.parts],
            latest=(),
            claims=self.claims,
            lifetimes=self.lifetimes,
        )


async def load(tx: Tx, ids: IdSpace, customer: NodeId, *, timeline: int = TIMELINE_SHOWN) -> Known:
    """All that the body is made of."""
    whole = (await at_once(tx, ids, [customer], timeline)).get(customer)
    if whole is None or whole.found.customer != customer:
        whole = await _by_steps(tx, ids, Found(customer, 0), timeline)
    return whole.known


async def whole(tx: Tx, ids: IdSpace, node: NodeId) -> Whole | None:
    """Of anybody. Where ``at_once`` answers, that is cheaper."""
    found = await find_node(tx, ids.tenant, node)
    return await _by_steps(tx, ids, found, TIMELINE_SHOWN) if found is not None else None


async def _by_steps(tx: Tx, ids: IdSpace, found: Found, timeline: int) -> Whole:
    members = await members_of(tx, ids.tenant, found.customer)
    own = await ownership.ownership_of(tx, ids, found.customer, [m.id for m in members] or [found.customer])
    return Whole(
        ids=ids,
        found=found,
        members=members,
        parts=await _bodies_of(tx, ids.tenant, own),
        raws=await _latest_raws(tx, ids.tenant, own, timeline) if timeline else [],
        claims=await refused_claims.asked_about(tx, ids.tenant, [member.id for member in members]),
        lifetimes=await lifetimes_of(tx, ids.tenant),
    )


async def lifetimes_of(tx: Tx, tenant: str) -> Lifetimes:
    """For how long proofs count, by the rules in force."""
    return (await writer.rules_in_force(tx, tenant, DEFAULT)).proof_lifetime


async def whole_and_assured(
    tx: Tx, ids: IdSpace, node: NodeId, window: Micros, alone: NodeId | None = None
) -> tuple[Whole, Known] | None:
    """As ``whole``, and beside it what is left where claims are left out (``cx_context.sections.assured``). ``alone``:
    of the customer's profiles the one that is taken by itself."""
    found = await find_node(tx, ids.tenant, node)
    if found is None:
        return None
    everything = await _by_steps(tx, ids, found, 0)
    known = everything.known_parts
    if alone is not None:
        known = replace(known, members=taken_alone(known.members, alone))
    kept = await asyncio.to_thread(kept_part_ids, known.parts, known.members, window)
    own = await ownership.ownership_of(tx, ids, found.customer, [m.id for m in everything.members] or [found.customer])
    latest = await latest_facts(tx, ids, own, TIMELINE_SHOWN, part_ids=kept) if kept else []
    return everything, left_of(known, kept, latest)


MANY_PARTS = 500

_AT_ONCE = f"""
WITH own AS MATERIALIZED (
  SELECT asked.node, coalesce(m.customer, asked.node) AS customer
  FROM unnest(:nodes::bytea[]) AS asked (node)
  LEFT JOIN members m ON m.profile = asked.node AND m.tenant = :tenant
), mine AS MATERIALIZED (
  SELECT own.node, own.customer, p.id, p.kind, p.scope, p.value, p.first_recorded,
    m.rule, m.evidence, m.confidence, m.via, m.claimed
  FROM own JOIN members m ON m.customer = own.customer JOIN profiles p ON p.id = m.profile
  WHERE p.tenant = :tenant
  UNION ALL
  SELECT own.node, own.customer, p.id, p.kind, p.scope, p.value, p.first_recorded, NULL, NULL, NULL, NULL, NULL
  FROM own JOIN profiles p ON p.id = own.customer
  WHERE p.tenant = :tenant AND NOT EXISTS (SELECT 1 FROM members m WHERE m.profile = p.id AND m.customer = p.id)
)
SELECT mine.*,
  ({FIRST_VERSION} + (SELECT coalesce(sum(v.n), 0) FROM versions v WHERE v.customer = mine.customer))::bigint,
  kept.part_ids, kept.bodies,
  ARRAY(
    SELECT e.raw FROM events e WHERE e.home = mine.id AND e.tenant = :tenant
    ORDER BY e.effective DESC FETCH FIRST :most ROWS WITH TIES
  ),
  EXISTS (
    SELECT 1 FROM parts p JOIN parts o ON o.home = p.interaction
    WHERE p.home = mine.id AND p.interaction <> p.home AND p.tenant = :tenant
  ) OR EXISTS (SELECT 1 FROM attributions a WHERE a.profile = mine.id AND a.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM refused_claims r WHERE r.identifier = mine.id AND r.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM refused_claims r WHERE r.other = mine.id AND r.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM withheld_claims r WHERE r.identifier = mine.id AND r.tenant = :tenant)
  OR EXISTS (SELECT 1 FROM withheld_claims r WHERE r.other = mine.id AND r.tenant = :tenant)
  OR {writer.SOME_AMBIGUOUS} AND (
    EXISTS (SELECT 1 FROM members m WHERE m.profile = mine.id AND m.ambiguous) OR EXISTS (
      SELECT 1 FROM parts p JOIN parts o ON o.interaction = p.interaction AND o.home <> p.home
      JOIN members m ON m.profile = o.home AND m.ambiguous
      WHERE p.home = mine.id AND p.interaction <> p.home AND p.tenant = :tenant
    )
  )
FROM mine CROSS JOIN LATERAL (
  SELECT array_agg(few.anchor) AS part_ids, array_agg(few.body) AS bodies
  FROM (SELECT p.anchor, p.body FROM parts p WHERE p.home = mine.id AND p.tenant = :tenant LIMIT {MANY_PARTS}) AS few
) AS kept
"""
"""A row a member, with lists in it: a row of its own for each part and event takes the driver longer than they do."""


async def at_once(
    tx: Tx, ids: IdSpace, nodes: Collection[NodeId], timeline: int = TIMELINE_SHOWN
) -> dict[NodeId, Whole]:
    """As ``whole``, of several in one statement, which sees one state by itself: a round trip costs more than all that
    it brings.

    Left out are nodes that are nobody's profile, those whose customer an interaction follows or who has to do with an
    ambiguous identifier (whose events those are is a longer question) or with a refused claim, and those with a profile
    of ``MANY_PARTS``: nobody else should wait for them. Nothing is found on SQLite, where no way need be saved.
    """
    if not tx.for_update:
        return {}
    rows = await tx.fetch(_AT_ONCE, nodes=list(nodes), tenant=ids.tenant, most=timeline)
    lifetimes = await lifetimes_of(tx, ids.tenant) if rows else {}
    wholes: dict[NodeId, Whole] = {}
    left_out: set[NodeId] = set()
    for row in rows:
        node, customer = row[:2]
        version, part_ids, bodies, raws, followed = row[12:]
        if followed or (part_ids is not None and len(part_ids) >= MANY_PARTS):
            left_out.add(node)
        member = _member(*row[2:12])
        parts = zip(part_ids, bodies, strict=True) if part_ids else ()
        whole = wholes.get(node)
        if whole is None:
            wholes[node] = Whole(ids, Found(customer, version), [member], list(parts), raws, lifetimes=lifetimes)
        else:
            whole.members.append(member)
            whole.parts.extend(parts)
            whole.raws.extend(raws)
    for node in left_out:
        del wholes[node]
    return wholes


async def current_to(tx: Tx) -> float:
    """When a projector last moved on, in seconds since 1970; 0 if none ever did."""
    rows = await tx.fetch("SELECT coalesce(max(moved_at), 0) FROM partitions")
    return float(rows[0][0])


class Applied(NamedTuple):
    """Where an event lies that was applied, and whether no fold can use it."""

    stream_id: NodeId
    is_problem: bool


async def which_are_stored(tx: Tx, keys: Collection[bytes]) -> dict[bytes, Applied]:
    """Of some events, by key (a key stands for its tenant, too), those that are applied."""
    rows = await tx.fetch("SELECT key, home, problem IS NOT NULL FROM events WHERE key = ANY(:keys)", keys=list(keys))
    return {bytes(key): Applied(bytes(stream_id), bool(problem)) for key, stream_id, problem in rows}


async def is_dead(tx: Tx, tenant: str, source: str, id: str) -> str | None:
    """The reason why an event lies in the dead letters, if it does. Of one with copies in conflict one is used."""
    rows = await tx.fetch(
        "SELECT reason FROM dead_letters WHERE tenant = :tenant AND source = :source AND id = :id "
        "AND stage <> :conflict",
        conflict=CONFLICT,
        tenant=tenant,
        source=source,
        id=id,
    )
    return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True)
class Side:
    """One stream's side of an interaction: what an part id names. ``node``: the interaction's."""

    part_id: NodeId
    stream_id: NodeId
    node: NodeId
    interaction: str


async def side_of(tx: Tx, tenant: str, part_id: NodeId) -> Side | None:
    rows = await tx.fetch(
        "SELECT home, interaction, body FROM parts WHERE anchor = :part_id AND tenant = :tenant",
        part_id=part_id,
        tenant=tenant,
    )
    if not rows:
        return None
    stream_id, node, body = rows[0]
    return Side(part_id, bytes(stream_id), bytes(node), decode_part(body).interaction)


async def find_at(tx: Tx, tenant: str, stream_id: NodeId, node: NodeId) -> Found | None:
    """Whose the facts of an interaction are that lie at a stream."""
    if stream_id != node and (await writer.customers_and_ambiguous(tx, tenant, [stream_id]))[1]:
        customer = (await ownership.sides(tx, tenant, [node]))[node].by_stream.get(stream_id)
        if customer is not None:
            return Found(customer, await version_of(tx, customer))
    return await find_node(tx, tenant, stream_id)


@dataclass(frozen=True, slots=True)
class Stored:
    """An event that was applied. ``problem``: what of it no fold can use."""

    stream_id: NodeId
    problem: str | None
    raw: bytes


async def stored_event(tx: Tx, tenant: str, key: bytes) -> Stored | None:
    """None while it is not applied."""
    rows = await tx.fetch(
        "SELECT home, problem, raw FROM events WHERE key = :key AND tenant = :tenant", key=key, tenant=tenant
    )
    return Stored(bytes(rows[0][0]), rows[0][1], bytes(rows[0][2])) if rows else None


async def surroundings(
    tx: Tx, tenant: str, nodes: Collection[NodeId], rules: Rules, supposed: Sequence[Decision] = ()
) -> tuple[AffectedScope, Resolution]:
    """Return all that has a say in whose these profiles are, and what it comes to: the same as the whole graph does.
    ``supposed``: decisions that are not taken yet."""
    scope = AffectedScope(nodes, rules)
    reading = Reading(tx, tenant, rules, never_spare=frozenset(nodes), supposed=supposed)
    return scope, await resolved_by(scope, reading)


async def has_more_profiles(tx: Tx, tenant: str, most: int) -> bool:
    rows = await tx.fetch(
        "SELECT count(*) FROM (SELECT 1 FROM profiles WHERE tenant = :tenant LIMIT :most) AS few",
        tenant=tenant,
        most=most + 1,
    )
    return int(rows[0][0]) > most


async def settled_among(
    tx: Tx, tenant: str, identifiers: Collection[NodeId], kinds: Collection[str] = SETTLING_KINDS
) -> set[NodeId]:
    """Those whose candidate somebody settled by a decision that stands (see ``cx_identity.candidates``)."""
    if not identifiers:
        return set()
    named = await writer.decisions_naming(tx, tenant, identifiers)
    settling = [decision for decision in named if decision.kind in kinds]
    gone = withdrawn_decisions(await writer.withdrawals(tx, tenant)) if settling else {}
    left = [decision for decision in settling if decision.name not in gone]
    # Of a merge that stands both ends are one customer's, of one that is void or waits they are not.
    customer_of = await writer.customers_of(tx, tenant, {end for d in left for end in (d.a, d.b)})
    return {end for d in left if customer_of[d.a] == customer_of[d.b] for end in (d.a, d.b)} & set(identifiers)


async def attributions_about(
    tx: Tx, tenant: str, profiles: Collection[NodeId], nodes: Collection[NodeId]
) -> list[tuple[Attribution, str]]:
    """Every attribution to one of the profiles or of one of the interactions' nodes, newest first, and its standing:
    ``stands``, ``superseded`` by a newer one, ``withdrawn``."""
    values = {"profiles": list(profiles), "nodes": list(nodes), "tenant": tenant}
    rows = await tx.fetch(
        "SELECT DISTINCT interaction FROM attributions WHERE tenant = :tenant "
        "AND (profile = ANY(:profiles) OR interaction = ANY(:nodes))",
        **values,
    )
    if not rows:
        return []
    found = await writer.attributions_where(tx, "interaction = ANY(:nodes)", nodes=[row[0] for row in rows])
    return standings_of(found, await writer.withdrawals(tx, tenant))


def standings_of(attributions: Iterable[Attribution], withdrawals: Sequence[Decision]) -> list[tuple[Attribution, str]]:
    """Each attribution's standing, the newest first."""
    gone = withdrawn_decisions(withdrawals)
    by_node: dict[NodeId, list[Attribution]] = {}
    for attribution in attributions:
        by_node.setdefault(attribution.interaction, []).append(attribution)
    told = []
    for of_one in by_node.values():
        counts = standing_attribution(of_one, withdrawals)
        for attribution in of_one:
            standing = "withdrawn" if attribution.name in gone else "stands" if attribution is counts else "superseded"
            told.append((attribution, standing))
    told.sort(key=lambda one: one[0].at, reverse=True)
    return told


async def attributions_of(tx: Tx, node: NodeId) -> list[Attribution]:
    """Every attribution of one interaction, withdrawn ones too."""
    rows = await tx.fetch(
        "SELECT key, recorded, source, id, profile FROM attributions WHERE interaction = :node", node=node
    )
    return [
        Attribution(key, (recorded, source, id), node, profile if profile != NO_ID else None)
        for key, recorded, source, id, profile in rows
    ]
