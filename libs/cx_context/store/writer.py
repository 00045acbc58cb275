"""What a batch writes, in named set-based steps over one transaction; each takes and gives plain tuples or values.

All inserts come sorted by key: two workers that write the same rows wait for each other in one order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from cramjam import lz4

from cx_context.parts.fold_faults import is_left_out
from cx_context.parts.header import ONLY_WORDS, OUTLINE
from cx_context.parts.model import Part
from cx_context.store import tables
from cx_context.store.sql import Tx
from cx_context.store.tables import shape_of
from cx_events.dead_letters import DeadLetter, encode_dead_letter
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.model import Decision, Edge, Evidence, Profile
from cx_identity.outcome import Resolution
from cx_identity.rules import Rules, RulesChange
from cx_identity.rules import rules_in_force as latest_rules

_encode_part = msgspec.msgpack.Encoder().encode
_decode_part = msgspec.msgpack.Decoder(Part).decode

EVENTS = shape_of(tables.EVENTS)
COPIES = shape_of(tables.COPIES)
PARTS = shape_of(tables.PARTS)
PART_BODIES = shape_of(tables.PARTS, "anchor", "body")
INTERACTIONS = shape_of(tables.INTERACTIONS)
PROFILES = shape_of(tables.PROFILES)
EDGES = shape_of(tables.EDGES)
LINK_EVENTS = shape_of(tables.LINK_EVENTS)
DECISIONS = shape_of(tables.DECISIONS)
ATTRIBUTIONS = shape_of(tables.ATTRIBUTIONS)
RULE_CHANGES = shape_of(tables.RULE_CHANGES)
MEMBERS = shape_of(tables.MEMBERS)
VERSIONS = shape_of(tables.VERSIONS)
DEAD_LETTERS = shape_of(tables.DEAD_LETTERS)

NO_ID = bytes(16)
REFOLD_STRIPE = -1
"""The stripe of a customer's version that only holders of the exclusive refold lock write."""


def encode_part(part: Part) -> bytes:
    """When the part begins, for SQL to compare (``begins``), then MessagePack in LZ4: sources and ids repeat, so that a
    third of the bytes are left to be written."""
    return begins(part.since) + bytes(lz4.compress_block(_encode_part(part), store_size=True))


def decode_part(body: bytes) -> Part:
    return _decode_part(unpacked(body))


def decode_outline(body: bytes) -> Part:
    """The part without the words in it."""
    return _decode_outline(unpacked(body))


def decode_words(body: bytes) -> Part:
    """Return the words of a part alone; all else reads as empty."""
    return _decode_words(unpacked(body))


class Span(msgspec.Struct, gc=False):
    """Of a part only when its facts were, and when the customer was heard: reading this costs a third of reading the
    part."""

    facts: int = 0
    first_recorded: int = 0
    last_recorded: int = 0
    since: int = 0
    until: int = 0
    heard: int = 0
    open_heard: int = 0


decode_span = msgspec.msgpack.Decoder(Span).decode
_decode_outline = msgspec.msgpack.Decoder(OUTLINE).decode
_decode_words = msgspec.msgpack.Decoder(ONLY_WORDS).decode
_BEGINS = 8


def begins(since: Micros) -> bytes:
    """An effective time as bytes that sort as the times do; the first ``_BEGINS`` of a part's body."""
    return (since + (1 << 63)).to_bytes(_BEGINS, "big")


def begun(body: str = "body") -> str:
    """SQL: a part that has a fact at or before a moment; ``:last`` is ``begins`` of it."""
    return f"substr({body}, 1, {_BEGINS}) <= :last"


def unpacked(body: bytes) -> bytes:
    """A part's bytes for ``decode_span``."""
    return bytes(lz4.decompress_block(body[_BEGINS:]))


EventRow = tuple[bytes, str, NodeId, NodeId, int, int, str | None, bytes]
"""(key, tenant, stream, part id, effective, recorded, problem, raw)"""


async def insert_events(tx: Tx, rows: Sequence[EventRow]) -> set[bytes]:
    """Store each event whose key is new; the keys that were. ``rows`` in order of their keys."""
    return await tx.insert_new(EVENTS, rows)


async def stored_raws(tx: Tx, keys: Collection[bytes]) -> dict[bytes, bytes]:
    """The copies that count so far, as they lie in the log."""
    return {key: copy.raw for key, copy in (await stored_copies(tx, keys)).items()}


class Copy(NamedTuple):
    """A stored copy, and what of it no fold could use."""

    raw: bytes
    problem: str | None


async def stored_copies(tx: Tx, keys: Collection[bytes]) -> dict[bytes, Copy]:
    """The copies that count so far, by event key."""
    if not keys:
        return {}
    rows = await tx.fetch("SELECT key, raw, problem FROM events WHERE key = ANY(:keys)", keys=list(keys))
    return {key: Copy(bytes(raw), problem) for key, raw, problem in rows}


async def all_keys(tx: Tx) -> set[bytes]:
    """The keys of all stored events: 16 bytes each in memory, for ``cx verify``."""
    return {row[0] for row in await tx.fetch("SELECT key FROM events")}


async def replace_event(tx: Tx, fact: Fact, stream_id: NodeId, problem: str | None) -> None:
    """Another copy counts from now on."""
    await tx.execute(
        "UPDATE events SET home = :stream_id, anchor = :part_id, effective = :effective, recorded = :recorded, "
        "problem = :problem, raw = :raw WHERE key = :key",
        stream_id=stream_id,
        part_id=fact.part_id,
        effective=fact.effective,
        recorded=fact.recorded,
        problem=problem,
        raw=fact.raw,
        key=fact.key,
    )


async def keep_copies(tx: Tx, copies: Iterable[tuple[bytes, str, int, bytes]]) -> None:
    """Copies (key, tenant, recorded, raw) whose content differs: nothing that was sent is lost."""
    rows = {(row[0], row[1]): row for row in (copy_row(*copy) for copy in copies)}
    await tx.insert(COPIES, [row for _, row in sorted(rows.items())], "ON CONFLICT DO NOTHING")


async def copies_of(tx: Tx, keys: Collection[bytes]) -> dict[bytes, list[tuple[Micros, bytes]]]:
    """Return the kept copies of some events, by event key, each as (recorded, raw)."""
    rows = await tx.fetch("SELECT key, recorded, raw FROM copies WHERE key = ANY(:keys)", keys=list(keys))
    found: dict[bytes, list[tuple[Micros, bytes]]] = {}
    for key, recorded, raw in rows:
        found.setdefault(bytes(key), []).append((recorded, bytes(raw)))
    return found


def copy_row(key: bytes, tenant: str, recorded: Micros, raw: bytes) -> tuple[bytes, bytes, str, Micros, bytes]:
    """The row of ``copies``."""
    return (key, blake2b(raw, digest_size=16).digest(), tenant, recorded, raw)


async def parts(tx: Tx, part_ids: Collection[bytes]) -> dict[bytes, Part]:
    rows = await tx.fetch("SELECT anchor, body FROM parts WHERE anchor = ANY(:part_ids)", part_ids=list(part_ids))
    return {part_id: decode_part(body) for part_id, body in rows}


async def parts_of_sides(
    tx: Tx, tenant: str, sides: Collection[tuple[NodeId, NodeId]]
) -> dict[tuple[NodeId, NodeId], list[tuple[NodeId, bytes]]]:
    """Of some streams' sides of interactions, by (stream, interaction node), the parts: (part id, body)."""
    found: dict[tuple[NodeId, NodeId], list[tuple[NodeId, bytes]]] = {}
    if not sides:
        return found
    rows = await tx.fetch(
        "SELECT anchor, home, interaction, body FROM parts "
        "WHERE home = ANY(:stream_ids) AND interaction = ANY(:nodes) AND tenant = :tenant",
        stream_ids=list({stream_id for stream_id, _ in sides}),
        nodes=list({node for _, node in sides}),
        tenant=tenant,
    )
    wanted = set(sides)
    for part_id, stream_id, node, body in rows:
        side = (bytes(stream_id), bytes(node))
        if side in wanted:
            found.setdefault(side, []).append((bytes(part_id), bytes(body)))
    return found


PartRow = tuple[bytes, str, NodeId, NodeId, bytes]
"""(part id, tenant, stream, interaction node, body)"""


async def add_parts(tx: Tx, rows: Sequence[PartRow]) -> None:
    """Parts that the store has not, as their only writer knows."""
    await tx.append(PARTS, sorted(rows))


async def change_parts(tx: Tx, rows: Sequence[tuple[bytes, bytes]]) -> None:
    """New bodies, by part id, of parts that the store has."""
    await tx.update(PART_BODIES, sorted(rows))


async def write_parts(tx: Tx, rows: Sequence[PartRow]) -> None:
    await tx.insert(PARTS, sorted(rows), "ON CONFLICT (anchor) DO UPDATE SET body = excluded.body")


async def delete_part(tx: Tx, part_id: bytes) -> None:
    """Only under the exclusive refold lock: no one else can be waiting for it."""
    await tx.execute("DELETE FROM parts WHERE anchor = :part_id", part_id=part_id)


async def raws_of_part(tx: Tx, tenant: str, stream_id: NodeId, part_id: bytes) -> list[bytes]:
    """The stored events of one part."""
    rows = await tx.fetch(
        "SELECT raw FROM events WHERE home = :stream_id AND anchor = :part_id AND tenant = :tenant",
        stream_id=stream_id,
        part_id=part_id,
        tenant=tenant,
    )
    return [bytes(row[0]) for row in rows]


async def raws_naming(tx: Tx, tenant: str, stream_ids: Collection[NodeId], profiles: Collection[NodeId]) -> list[bytes]:
    """The stored events of these streams, and those from elsewhere that name one of the profiles."""
    rows = list(
        await tx.fetch(
            "SELECT key, raw, problem FROM events WHERE home = ANY(:stream_ids) AND tenant = :tenant",
            stream_ids=list(stream_ids),
            tenant=tenant,
        )
    )
    rows += await tx.fetch(
        "SELECT e.key, e.raw, e.problem FROM link_events l JOIN events e ON e.key = l.key "
        "WHERE l.profile = ANY(:profiles) AND e.tenant = :tenant",
        profiles=list(profiles),
        tenant=tenant,
    )
    return [bytes(raw) for raw in {key: raw for key, raw, problem in rows if not is_left_out(problem)}.values()]


async def forget_identity(tx: Tx, profiles: Collection[NodeId], pairs: Iterable[tuple[NodeId, NodeId]]) -> None:
    """Only under the exclusive refold lock, before what the stored events say is written anew."""
    await tx.execute("DELETE FROM profiles WHERE id = ANY(:profiles)", profiles=list(profiles))
    for a, b in pairs:
        await tx.execute("DELETE FROM edges WHERE a = :a AND b = :b", a=a, b=b)


async def announce_interactions(tx: Tx, tenant: str, nodes: Iterable[NodeId]) -> set[NodeId]:
    """Those that nobody announced before: they have no part yet. Two transactions with first parts of one interaction
    wait for each other here, so the second sees the first."""
    return await tx.insert_missing(INTERACTIONS, [(node, tenant) for node in sorted(set(nodes))])


async def streams_of(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, set[NodeId]]:
    """The streams of all parts of some interactions, the interaction's own node among them where it has a part."""
    found: dict[NodeId, set[NodeId]] = {}
    if nodes:
        for node, stream_id in await tx.fetch(
            "SELECT DISTINCT interaction, home FROM parts WHERE interaction = ANY(:nodes) AND tenant = :tenant",
            nodes=list(nodes),
            tenant=tenant,
        ):
            found.setdefault(node, set()).add(stream_id)
    return found


SOME_SHARED = "(SELECT EXISTS (SELECT 1 FROM members WHERE tenant = :tenant AND shared))"
SOME_AMBIGUOUS = "(SELECT EXISTS (SELECT 1 FROM members WHERE tenant = :tenant AND ambiguous))"
"""Asked once a statement: mostly nothing is ambiguous, and then no side of an interaction need be looked at."""


async def that_may_follow(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> set[NodeId]:
    """Those interactions in which, besides what names somebody, something names nobody, or an ambiguous identifier
    alone: whom that follows is a question."""
    if not nodes:
        return set()
    rows = await tx.fetch(
        "SELECT o.home FROM parts o WHERE o.home = ANY(:nodes) AND o.interaction = o.home AND o.tenant = :tenant "
        "AND EXISTS (SELECT 1 FROM parts p WHERE p.interaction = o.home AND p.home <> o.home) "
        "UNION SELECT o.interaction FROM parts o JOIN members m ON m.profile = o.home "
        f"WHERE {SOME_AMBIGUOUS} AND o.interaction = ANY(:nodes) AND o.interaction <> o.home AND o.tenant = :tenant "
        "AND m.ambiguous AND EXISTS (SELECT 1 FROM parts p WHERE p.interaction = o.interaction AND p.home <> o.home)",
        nodes=list(nodes),
        tenant=tenant,
    )
    return {row[0] for row in rows}


async def nodes_named_by(
    tx: Tx, tenant: str, profiles: Collection[NodeId], turned: Collection[NodeId] = ()
) -> set[NodeId]:
    """Interactions that these profiles take part in, in which something may follow somebody: what names nobody, or an
    ambiguous identifier alone. ``turned``: those of the profiles that are ambiguous now and were not, or the reverse.

    Besides those that a person attributed to them, see ``nodes_attributed_to``."""
    if not profiles:
        return set()
    found = await tx.fetch(
        f"SELECT p.interaction FROM {_SIDES} AS p JOIN parts o ON o.home = p.interaction "
        f"UNION SELECT p.interaction FROM {_SIDES} AS p "
        "JOIN parts o ON o.interaction = p.interaction AND o.home <> p.home "
        f"JOIN members m ON m.profile = o.home WHERE {SOME_AMBIGUOUS} AND m.ambiguous "
        f"UNION SELECT p.interaction FROM parts p JOIN members m ON m.profile = p.home WHERE {SOME_AMBIGUOUS} "
        "AND p.home = ANY(:profiles) AND p.interaction <> p.home AND p.tenant = :tenant AND m.ambiguous "
        f"AND {_MAY_BE_LENT}",
        profiles=list(profiles),
        tenant=tenant,
    )
    nodes = {row[0] for row in found}
    if turned:
        found = await tx.fetch(
            "SELECT p.interaction FROM parts p WHERE p.home = ANY(:turned) AND p.interaction <> p.home "
            f"AND p.tenant = :tenant AND {_MAY_BE_LENT}",
            turned=list(turned),
            tenant=tenant,
        )
        nodes |= {row[0] for row in found}
    return nodes


_SIDES = (
    "(SELECT DISTINCT interaction, home FROM parts "
    "WHERE home = ANY(:profiles) AND interaction <> home AND tenant = :tenant)"
)
"""Each side of an interaction once, though it has a part for every hour."""

_MAY_BE_LENT = (
    "(EXISTS (SELECT 1 FROM parts o WHERE o.interaction = p.interaction AND o.home <> p.home) "
    "OR EXISTS (SELECT 1 FROM attributions a WHERE a.interaction = p.interaction))"
)


async def nodes_attributed_to(tx: Tx, tenant: str, profiles: Collection[NodeId]) -> set[NodeId]:
    """Interactions that a person ever attributed to one of these profiles."""
    if not profiles:
        return set()
    rows = await tx.fetch(
        "SELECT DISTINCT interaction FROM attributions WHERE profile = ANY(:profiles) AND tenant = :tenant",
        profiles=list(profiles),
        tenant=tenant,
    )
    return {row[0] for row in rows}


_PROFILE = "p.id, p.kind, p.scope, p.value, p.first_recorded, p.attested"


def profile_of(row: Sequence[Any]) -> Profile:
    """From (id, kind, scope, value, first_recorded, attested, ...)."""
    return Profile(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def profile_row(tenant: str, profile: Profile) -> tuple[Any, ...]:
    """The row of ``profiles``."""
    return (
        profile.id, tenant, profile.kind, profile.scope, profile.value, profile.first_recorded, profile.attested,
    )  # fmt: skip


async def profiles(tx: Tx, tenant: str, ids: Collection[NodeId]) -> dict[NodeId, Profile]:
    if not ids:
        return {}
    rows = await tx.fetch(
        f"SELECT {_PROFILE} FROM profiles p WHERE p.id = ANY(:ids) AND p.tenant = :tenant",
        ids=list(ids),
        tenant=tenant,
    )
    return {row[0]: profile_of(row) for row in rows}


class Resolved(NamedTuple):
    """Profiles, and of those that are not simply a customer of their own what was resolved last."""

    profiles: dict[NodeId, Profile]
    rows: dict[NodeId, MemberRow]


async def resolved(tx: Tx, tenant: str, ids: Collection[NodeId]) -> Resolved:
    """Return what is known of these profiles."""
    if not ids:
        return Resolved({}, {})
    return _resolved(
        await tx.fetch(f"{_RESOLVED} WHERE p.id = ANY(:ids) AND p.tenant = :tenant", ids=list(ids), tenant=tenant)
    )


async def resolved_with_companions(tx: Tx, tenant: str, ids: Collection[NodeId]) -> Resolved:
    """Return what is known of these profiles and of all that are of one customer with one of them."""
    if not ids:
        return Resolved({}, {})
    rows = await tx.fetch(
        "WITH asked AS (SELECT p.id, coalesce(m.customer, p.id) AS customer "
        "FROM profiles p LEFT JOIN members m ON m.profile = p.id WHERE p.id = ANY(:ids) AND p.tenant = :tenant) "
        f"{_RESOLVED} WHERE p.tenant = :tenant AND p.id IN (SELECT id FROM asked UNION SELECT customer FROM asked "
        "UNION SELECT c.profile FROM members c WHERE c.customer IN (SELECT customer FROM asked))",
        ids=list(ids),
        tenant=tenant,
    )
    return _resolved(rows)


def _resolved(rows: Iterable[Sequence[Any]]) -> Resolved:
    found = Resolved({}, {})
    for row in rows:
        profile = profile_of(row)
        found.profiles[profile.id] = profile
        if row[6] is not None:
            found.rows[profile.id] = _member_row(row[6:])
    return found


async def write_profiles(tx: Tx, tenant: str, found: Iterable[Profile]) -> None:
    """A profile was first recorded at the least of all times that are told, and attested once any fact attests it."""
    await tx.insert(
        PROFILES,
        sorted(profile_row(tenant, profile) for profile in found),
        "ON CONFLICT (id) DO UPDATE SET "
        "first_recorded = CASE WHEN excluded.first_recorded < profiles.first_recorded "
        "THEN excluded.first_recorded ELSE profiles.first_recorded END, "
        "attested = profiles.attested OR excluded.attested "
        "WHERE excluded.first_recorded < profiles.first_recorded OR (excluded.attested AND NOT profiles.attested)",
    )


async def edges(tx: Tx, pairs: Collection[tuple[NodeId, NodeId]]) -> dict[tuple[NodeId, NodeId], Edge]:
    """Known edges among these pairs."""
    if not pairs:
        return {}
    wanted = set(pairs)
    rows = await tx.fetch(f"{_SELECT_EDGES} WHERE a = ANY(:ends)", ends=list({a for a, _ in pairs}))
    return {(row[0], row[1]): _edge(row) for row in rows if (row[0], row[1]) in wanted}


_WEIGHTS = ("proved", "asserted", "claimed")
_OF_A_TIE = ("recorded", "source", "id", "rule")


async def write_edges(tx: Tx, tenant: str, found: Iterable[Edge]) -> None:
    """Of each weight the earliest evidence stays."""
    await tx.insert(
        EDGES,
        sorted((edge_row(tenant, edge) for edge in found), key=lambda row: (row[0], row[1])),
        "ON CONFLICT (a, b) DO UPDATE SET " + ", ".join(map(_earliest, _WEIGHTS)),
    )


def _earliest(weight: str) -> str:
    fields = [f"{weight}_{name}" for name in _OF_A_TIE]
    place = ", ".join(f"{{table}}.{field}" for field in fields[:3])
    new, old = place.format(table="excluded"), place.format(table="edges")
    better = f"excluded.{fields[0]} IS NOT NULL AND (edges.{fields[0]} IS NULL OR ({new}) < ({old}))"
    return ", ".join(f"{f} = CASE WHEN {better} THEN excluded.{f} ELSE edges.{f} END" for f in fields)


_SELECT_EDGES = f"SELECT a, b, {', '.join(f'{weight}_{name}' for weight in _WEIGHTS for name in _OF_A_TIE)} FROM edges"


def _edge(row: Sequence[Any]) -> Edge:
    proved: Evidence | None = (row[2], row[3], row[4]) if row[2] is not None else None
    asserted: Evidence | None = (row[6], row[7], row[8]) if row[6] is not None else None
    claimed: Evidence | None = (row[10], row[11], row[12]) if row[10] is not None else None
    return Edge(row[0], row[1], proved, asserted, claimed, row[5] or "", row[9] or "", row[13] or "")


def edge_row(tenant: str, edge: Edge) -> tuple[Any, ...]:
    """The row of ``edges``."""
    proved = (*edge.proved, edge.proved_rule) if edge.proved is not None else _NO_TIE
    asserted = (*edge.asserted, edge.asserted_rule) if edge.asserted is not None else _NO_TIE
    claimed = (*edge.claimed, edge.claimed_rule) if edge.claimed is not None else _NO_TIE
    return (edge.a, edge.b, tenant, *proved, *asserted, *claimed)


_NO_TIE = (None,) * 4


async def edges_at(
    tx: Tx,
    tenant: str,
    nodes: Collection[NodeId],
    *,
    firm_only: Collection[NodeId] = (),
    proved_only: Collection[NodeId] = (),
) -> list[Edge]:
    """All edges that touch these nodes; of those in ``firm_only`` the proved and asserted ones alone, of those in
    ``proved_only`` the proved ones, and of both all that are among them. No edge twice."""
    proved, firm = set(proved_only), set(firm_only) - set(proved_only)
    ends = {
        "all": [node for node in nodes if node not in proved and node not in firm],
        "firm": list(firm),
        "proved": list(proved),
    }
    texts = [
        f"{_SELECT_EDGES} WHERE {end} = ANY(:{name}) AND tenant = :tenant{_SUCH_EDGES[name]}"
        for name, some in ends.items()
        if some
        for end in ("a", "b")
    ]
    if not texts:
        return []
    spared = proved | firm
    if len(spared) > 1:
        ends["spared"] = list(spared)
        texts.append(f"{_SELECT_EDGES} WHERE a = ANY(:spared) AND b = ANY(:spared) AND tenant = :tenant")
    rows = await tx.fetch(
        " UNION ALL ".join(texts), tenant=tenant, **{name: some for name, some in ends.items() if some}
    )
    return list({(row[0], row[1]): _edge(row) for row in rows}.values())


_SUCH_EDGES = {
    "all": "",
    "firm": " AND (proved_recorded IS NOT NULL OR asserted_recorded IS NOT NULL)",
    "proved": " AND proved_recorded IS NOT NULL",
}


async def write_link_events(tx: Tx, rows: Iterable[tuple[NodeId, bytes]]) -> None:
    await tx.insert(LINK_EVENTS, sorted(set(rows)), "ON CONFLICT DO NOTHING")


async def write_decisions(tx: Tx, tenant: str, found: Iterable[Decision], effective: Mapping[bytes, Micros]) -> None:
    """``effective``: of the decisions' events, by key."""
    rows = sorted(
        (d.key, tenant, effective[d.key], *d.at, d.kind, d.a or NO_ID, d.b or NO_ID, d.withdraws, d.reason)
        for d in found
    )
    await tx.insert(DECISIONS, rows, "ON CONFLICT DO NOTHING")


_SELECT_DECISIONS = "SELECT key, recorded, source, id, kind, a, b, withdraws, reason FROM decisions"


def _decision(row: Sequence[Any]) -> Decision:
    key, recorded, source, id, kind, a, b, withdraws, reason = row
    return Decision(key, (recorded, source, id), kind, _named(a), _named(b), withdraws, reason)


def _named(node: NodeId) -> NodeId:
    return node if node != NO_ID else b""


async def decisions(tx: Tx, tenant: str) -> list[Decision]:
    """All of a tenant's decisions."""
    return await decisions_where(tx, "tenant = :tenant", tenant=tenant)


async def decisions_where(tx: Tx, condition: str, **values: Any) -> list[Decision]:
    return [_decision(row) for row in await tx.fetch(f"{_SELECT_DECISIONS} WHERE {condition}", **values)]


async def attributions_where(tx: Tx, condition: str, **values: Any) -> list[Attribution]:
    rows = await tx.fetch(
        f"SELECT key, recorded, source, id, interaction, profile FROM attributions WHERE {condition}", **values
    )
    return [
        Attribution(key, (recorded, source, id), node, profile if profile != NO_ID else None)
        for key, recorded, source, id, node, profile in rows
    ]


class Ever(NamedTuple):
    """Whether anybody ever decided about a tenant's profiles, whether anybody ever attributed an interaction, and
    whether any claim is refused or withheld. Mostly not, and then nothing of the kind need be looked for."""

    decided: bool
    attributed: bool
    refused: bool
    withheld: bool


PERHAPS = Ever(decided=True, attributed=True, refused=True, withheld=True)


async def ever(tx: Tx, tenant: str) -> Ever:
    """Under the graph lock this stays so: whoever decides takes it exclusively."""
    rows = await tx.fetch(
        "SELECT EXISTS (SELECT 1 FROM decisions WHERE tenant = :tenant), "
        "EXISTS (SELECT 1 FROM attributions WHERE tenant = :tenant), "
        "EXISTS (SELECT 1 FROM refused_claims WHERE tenant = :tenant), "
        "EXISTS (SELECT 1 FROM withheld_claims WHERE tenant = :tenant)",
        tenant=tenant,
    )
    return Ever(*map(bool, rows[0]))


async def decisions_naming(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> list[Decision]:
    """Decisions about these profiles, and those that withdraw them."""
    found: dict[bytes, Decision] = {}
    for end in ("a", "b"):
        for row in await tx.fetch(
            f"{_SELECT_DECISIONS} WHERE {end} = ANY(:nodes) AND tenant = :tenant", nodes=list(nodes), tenant=tenant
        ):
            found[row[0]] = _decision(row)
    return list(found.values())


async def withdrawals(tx: Tx, tenant: str) -> list[Decision]:
    """Every withdrawal of a tenant: few, and each names a decision that may be anybody's."""
    rows = await tx.fetch(f"{_SELECT_DECISIONS} WHERE tenant = :tenant AND kind = 'withdraw'", tenant=tenant)
    return [_decision(row) for row in rows]


async def delete_decided(tx: Tx, key: bytes) -> None:
    """Only under the exclusive refold lock."""
    for table in ("decisions", "attributions", "rule_changes"):
        await tx.execute(f"DELETE FROM {table} WHERE key = :key", key=key)


async def write_attributions(
    tx: Tx, tenant: str, found: Iterable[Attribution], effective: Mapping[bytes, Micros]
) -> None:
    rows = sorted((a.key, tenant, effective[a.key], *a.at, a.interaction, a.profile or NO_ID) for a in found)
    await tx.insert(ATTRIBUTIONS, rows, "ON CONFLICT DO NOTHING")


async def standing_attributions(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, Attribution]:
    """Of each interaction that a person attributed: the attribution that counts."""
    if not nodes:
        return {}
    rows = await tx.fetch(
        "SELECT key, recorded, source, id, interaction, profile FROM attributions "
        "WHERE interaction = ANY(:nodes) AND tenant = :tenant",
        nodes=list(nodes),
        tenant=tenant,
    )
    by_node: dict[NodeId, list[Attribution]] = {}
    for key, recorded, source, id, node, profile in rows:
        whose = profile if profile != NO_ID else None
        by_node.setdefault(node, []).append(Attribution(key, (recorded, source, id), node, whose))
    gone = await withdrawals(tx, tenant) if rows else []
    standing = {node: standing_attribution(found, gone) for node, found in by_node.items()}
    return {node: attribution for node, attribution in standing.items() if attribution is not None}


async def attributed_profiles(tx: Tx, tenant: str, node: NodeId) -> set[NodeId]:
    """Every profile that an interaction was ever attributed to."""
    rows = await tx.fetch(
        "SELECT profile FROM attributions WHERE interaction = :node AND tenant = :tenant", node=node, tenant=tenant
    )
    return {row[0] for row in rows} - {NO_ID}


async def named_as(tx: Tx, table: str, column: str, tenant: str, names: Iterable[str]) -> set[bytes]:
    """The ``column`` of rows whose event one of the names, ``SOURCE#ID``, stands for."""
    found: set[bytes] = set()
    for name in names:
        rows = await tx.fetch(
            f"SELECT {column} FROM {table} WHERE tenant = :tenant AND source || '#' || id = :name",
            tenant=tenant,
            name=name,
        )
        found.update(row[0] for row in rows)
    return found


async def write_rule_changes(
    tx: Tx, tenant: str, found: Iterable[RulesChange], effective: Mapping[bytes, Micros]
) -> None:
    rows = [(c.key, tenant, effective[c.key], *c.at, rules_text(c.rules)) for c in found]
    await tx.insert(RULE_CHANGES, sorted(rows), "ON CONFLICT DO NOTHING")


def rules_text(rules: Rules) -> str:
    """Rules as ``rule_changes`` holds them."""
    return msgspec.json.encode(rules.as_mapping()).decode()


async def rules_in_force(tx: Tx, tenant: str, base: Rules) -> Rules:
    """The latest change of rules that was not withdrawn; ``base`` if there never was one."""
    rows = await tx.fetch(
        "SELECT key, recorded, source, id, rules FROM rule_changes WHERE tenant = :tenant", tenant=tenant
    )
    if not rows:
        return base
    return latest_rules([rules_change(row) for row in rows], await withdrawals(tx, tenant), base)


def rules_change(row: Sequence[Any]) -> RulesChange:
    """From (key, recorded, source, id, rules)."""
    key, recorded, source, id, rules = row
    return RulesChange(key, (recorded, source, id), Rules.parse(msgspec.json.decode(rules)))


async def whole_graph(tx: Tx, tenant: str) -> tuple[dict[NodeId, Profile], list[Edge]]:
    """All profiles and edges of a tenant, for a change of rules."""
    found = await tx.fetch(f"SELECT {_PROFILE} FROM profiles p WHERE p.tenant = :tenant", tenant=tenant)
    rows = await tx.fetch(f"{_SELECT_EDGES} WHERE tenant = :tenant", tenant=tenant)
    return {row[0]: profile_of(row) for row in found}, [_edge(row) for row in rows]


async def all_customers(tx: Tx, tenant: str) -> set[NodeId]:
    """Every customer of a tenant that has a profile, for a change of rules."""
    rows = await tx.fetch(
        "SELECT DISTINCT coalesce(m.customer, p.id) FROM profiles p LEFT JOIN members m ON m.profile = p.id "
        "WHERE p.tenant = :tenant",
        tenant=tenant,
    )
    return {bytes(row[0]) for row in rows}


async def customers_of(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, NodeId]:
    """Of each profile its customer; one that is not a member of anything is its own."""
    return (await customers_and_ambiguous(tx, tenant, nodes))[0]


async def customers_and_ambiguous(
    tx: Tx, tenant: str, nodes: Collection[NodeId]
) -> tuple[dict[NodeId, NodeId], set[NodeId]]:
    """As ``customers_of``, and which of them are ambiguous."""
    found = await standings(tx, tenant, nodes)
    customer_of = {node: found[node].customer if node in found else node for node in nodes}
    return customer_of, {node for node, standing in found.items() if standing.ambiguous}


class Standing(NamedTuple):
    """``ambiguous``: it is a shared identifier, and nothing proves or asserts whose it is."""

    customer: NodeId
    ambiguous: bool


async def standings(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, Standing]:
    """Of those profiles that are not simply a customer of their own."""
    if not nodes:
        return {}
    rows = await tx.fetch(
        "SELECT profile, customer, ambiguous FROM members WHERE profile = ANY(:nodes) AND tenant = :tenant",
        nodes=list(nodes),
        tenant=tenant,
    )
    return {profile: Standing(customer, bool(ambiguous)) for profile, customer, ambiguous in rows}


class MemberRow(NamedTuple):
    """A row of ``members``. ``confidence`` in hundredths."""

    profile: NodeId
    tenant: str
    customer: NodeId
    core: NodeId
    shared: bool
    firmly_shared: bool
    ambiguous: bool
    claimed: bool
    decided: bool
    settled: bool
    rule: str
    evidence: str
    confidence: int
    via: NodeId


_RESOLVED = (
    f"SELECT {_PROFILE}, {', '.join(f'm.{name}' for name in MEMBERS.columns)} "
    "FROM profiles p LEFT JOIN members m ON m.profile = p.id"
)


def member_row(tenant: str, profile: NodeId, resolution: Resolution) -> MemberRow:
    joined = resolution.joined.get(profile)
    why = ("", "", 0, NO_ID)
    if joined is not None:
        why = (joined.rule, "#".join(joined.evidence), joined.confidence, joined.via)
    return MemberRow(
        profile,
        tenant,
        resolution.customer_of[profile],
        resolution.core_of[profile],
        profile in resolution.shared.counting_all,
        profile in resolution.shared.firmly,
        profile in resolution.ambiguous,
        profile in resolution.claimed,
        profile in resolution.decided,
        profile in resolution.settled,
        *why,
    )


def alone_row(tenant: str, profile: NodeId) -> MemberRow:
    """A profile that is a member of nothing."""
    return MemberRow(profile, tenant, profile, profile, False, False, False, False, False, False, "", "", 0, NO_ID)


async def member_rows(tx: Tx, tenant: str, nodes: Collection[NodeId]) -> dict[NodeId, MemberRow]:
    if not nodes:
        return {}
    rows = await tx.fetch(
        f"SELECT {', '.join(MEMBERS.columns)} FROM members WHERE profile = ANY(:nodes) AND tenant = :tenant",
        nodes=list(nodes),
        tenant=tenant,
    )
    return {row[0]: _member_row(row) for row in rows}


def _member_row(row: Sequence[Any]) -> MemberRow:
    return MemberRow(*row[:4], *map(bool, row[4:10]), *row[10:])


async def write_members(tx: Tx, rows: Iterable[MemberRow]) -> None:
    updates = ", ".join(f"{name} = excluded.{name}" for name in MEMBERS.columns[2:])
    await tx.insert(MEMBERS, sorted(rows), f"ON CONFLICT (profile) DO UPDATE SET {updates}")


async def raise_versions(tx: Tx, rises: Mapping[NodeId, int], stripe: int) -> None:
    """Raise how often each customer has changed by so many, on a stripe that this transaction alone writes."""
    rows = [(customer, stripe, by) for customer, by in sorted(rises.items())]
    await tx.insert(VERSIONS, rows, "ON CONFLICT (customer, stripe) DO UPDATE SET n = versions.n + excluded.n")


async def versions_of(tx: Tx, customers: Collection[NodeId]) -> dict[NodeId, int]:
    """Return how often each customer has changed, the sum of its stripes; 0 is left out. What readers are told stands
    above that by the store's epoch (``epochs.FIRST_VERSION``)."""
    if not customers:
        return {}
    rows = await tx.fetch(
        "SELECT customer, sum(n) FROM versions WHERE customer = ANY(:nodes) GROUP BY customer", nodes=list(customers)
    )
    return {row[0]: int(row[1]) for row in rows}


async def levelled(tx: Tx, groups: Iterable[Collection[NodeId]]) -> dict[NodeId, int]:
    """By how much each id of a group must rise to stand above all that any of them ever showed: they change places.
    Exclusive graph lock."""
    wanted = [set(group) for group in groups]
    now = await versions_of(tx, {node for group in wanted for node in group})
    rises: dict[NodeId, int] = {}
    for group in wanted:
        top = max(now.get(node, 0) for node in group) + 1
        for node in group:
            rises[node] = max(rises.get(node, 0), top - now.get(node, 0))
    return rises


LetterKey = tuple[str, str, str, str]
"""(tenant, source, id, stage): what a dead letter is known by."""


async def delete_dead_letter(tx: Tx, key: LetterKey) -> None:
    """Settle a dead letter."""
    tenant, source, id, stage = key
    await tx.execute(
        "DELETE FROM dead_letters WHERE tenant = :tenant AND source = :source AND id = :id AND stage = :stage",
        tenant=tenant,
        source=source,
        id=id,
        stage=stage,
    )


async def write_dead_letters(tx: Tx, letters: Iterable[DeadLetter]) -> None:
    """Of several that are known by the same names the first stands."""
    rows: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for row in map(letter_row, letters):
        rows.setdefault(row[:4], row)
    await tx.insert(DEAD_LETTERS, [row for _, row in sorted(rows.items())], "ON CONFLICT DO NOTHING")


def letter_row(d: DeadLetter) -> tuple[Any, ...]:
    """The row of ``dead_letters``."""
    return (d.tenant, d.source, d.id, d.stage, d.reason, d.detail, d.recorded, encode_dead_letter(d))
