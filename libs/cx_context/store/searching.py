"""Find customers and what was said by words, within one tenant, in bounded time.

Words were folded by us and are only compared, so no query means anything to the database. A page looks at ``SCANNED``
rows at most; of the words that begin with a query's last one at the first ``EXPANDED``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cx_context.listing.customers import ShownCustomer
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.events import read_raws
from cx_context.store.graph import read_profiles
from cx_context.store.members import memberships_of
from cx_context.store.ownership import owners_of_interactions
from cx_context.store.sql import Row, Tx
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

SCANNED = 300
EXPANDED = 24
_COUNTED = 1_000

_decode_customer = msgspec.msgpack.Decoder(ShownCustomer).decode


class CustomerPlace(NamedTuple):
    """Where a page of customers ended: the least word of a customer by which it was found, and the customer."""

    word: bytes
    customer: NodeId


class SaidPlace(NamedTuple):
    """Where a page of what was said ended."""

    effective: Micros
    key: bytes


class FoundCustomer(NamedTuple):
    """A customer with all of a query's words. ``last``: of the latest activity, 0 without any."""

    customer: NodeId
    last: Micros
    shown: ShownCustomer


class FoundEvent(NamedTuple):
    """Words that were said, and whose they are today. ``raw``: the event; ``text_raw``: the one whose text counts."""

    key: bytes
    effective: Micros
    customer: NodeId
    raw: bytes
    text_raw: bytes


def _end(word: bytes) -> bytes:
    """Return what is greater than every word that begins with a word: no UTF-8 holds 0xFF."""
    return word + b"\xff"


async def search_customers(
    tx: Tx, tenant: str, words: Sequence[str], after: CustomerPlace | None, limit: int
) -> tuple[list[FoundCustomer], CustomerPlace | None]:
    """Return the customers of whom a word begins with each of a query's words, in order of the first word that begins
    with the longest one; and where the next page begins."""
    driver, *others = sorted((word.encode() for word in words), key=lambda word: (-len(word), word))
    values: dict[str, object] = {"tenant": tenant, "begin": driver, "end": _end(driver)}
    place = ""
    if after is not None:
        place = "AND (word, customer) > (:word, :customer)"
        values |= {"word": after.word, "customer": after.customer}
    rows = await tx.fetch(
        "SELECT word, customer FROM customer_words WHERE tenant = :tenant AND word >= :begin AND word < :end "
        f"{place} ORDER BY word, customer LIMIT {SCANNED}",
        **values,
    )
    scanned = [CustomerPlace(bytes(word), bytes(customer)) for word, customer in rows]
    first = await _least_words(tx, driver, {each.customer for each in scanned})
    for other in others:
        first = {each: first[each] for each in await _least_words(tx, other, first)}
    places = [each for each in scanned if first.get(each.customer) == each.word]
    following = places[limit - 1] if len(places) > limit else scanned[-1] if len(scanned) == SCANNED else None
    return await _customers(tx, tenant, [each.customer for each in places[:limit]]), following


async def _least_words(tx: Tx, word: bytes, customers: Collection[NodeId]) -> dict[NodeId, bytes]:
    """Return of each customer the least word that begins with this one; a customer found by several is shown once."""
    if not customers:
        return {}
    rows = await tx.fetch(
        "SELECT customer, min(word) FROM customer_words WHERE customer = ANY(:ids) AND word >= :begin AND word < :end "
        "GROUP BY customer",
        ids=sorted(customers),
        begin=word,
        end=_end(word),
    )
    return {bytes(row[0]): bytes(row[1]) for row in rows}


async def _customers(tx: Tx, tenant: str, customers: Sequence[NodeId]) -> list[FoundCustomer]:
    if not customers:
        return []
    rows = await tx.fetch(
        "SELECT customer, last, shown FROM listed_customers WHERE customer = ANY(:ids) AND tenant = :tenant",
        ids=list(customers),
        tenant=tenant,
    )
    found = {bytes(row[0]): FoundCustomer(bytes(row[0]), row[1], _decode_customer(row[2])) for row in rows}
    return [found[each] for each in customers if each in found]


async def search_said(
    tx: Tx, tenant: str, words: Sequence[str], after: SaidPlace | None, limit: int
) -> tuple[list[FoundEvent], SaidPlace | None]:
    """Return what was said with each of a query's words, the last one as the beginning of a word, newest first; and
    where the next page begins."""
    *whole, beginning = (word.encode() for word in words)
    if whole:
        driver = await _rarest(tx, tenant, whole)
        drivers = [driver]
    else:
        drivers = await _expanded(tx, tenant, beginning)
    scanned, is_full = await _postings(tx, tenant, drivers, after, SCANNED if whole else limit + 1)
    rows = await _said(tx, tenant, [each.key for each in scanned])
    fitting = [each for each in scanned if each.key in rows and _fits(rows[each.key], whole, beginning)]
    if len(fitting) > limit:
        following: SaidPlace | None = fitting[limit - 1]
    else:
        following = scanned[-1] if is_full else None
    return await _events(tx, tenant, fitting[:limit], rows), following


async def _rarest(tx: Tx, tenant: str, words: Sequence[bytes]) -> bytes:
    if len(words) == 1:
        return words[0]
    counts = []
    for word in dict.fromkeys(words):
        rows = await tx.fetch(
            "SELECT count(*) FROM (SELECT 1 FROM said_words WHERE tenant = :tenant AND word = :word "
            f"LIMIT {_COUNTED}) AS counted",
            tenant=tenant,
            word=word,
        )
        counts.append((int(rows[0][0]), word))
    return min(counts)[1]


async def _expanded(tx: Tx, tenant: str, beginning: bytes) -> list[bytes]:
    """Return the first words that begin so. Each is looked for behind the one before, so that what lies between them
    need not be read."""
    rows = await tx.fetch(
        "WITH RECURSIVE found (word, n) AS ("
        "SELECT min(word), 1 FROM said_words WHERE tenant = :tenant AND word >= :begin AND word < :end "
        "UNION ALL SELECT (SELECT min(s.word) FROM said_words s WHERE s.tenant = :tenant AND s.word > found.word "
        f"AND s.word < :end), n + 1 FROM found WHERE found.word IS NOT NULL AND n < {EXPANDED}) "
        "SELECT word FROM found WHERE word IS NOT NULL",
        tenant=tenant,
        begin=beginning,
        end=_end(beginning),
    )
    return [bytes(row[0]) for row in rows]


async def _postings(
    tx: Tx, tenant: str, words: Sequence[bytes], after: SaidPlace | None, most: int
) -> tuple[list[SaidPlace], bool]:
    """Return up to ``most`` places of any of these words, newest first, and whether there may be more."""
    if not words:
        return [], False
    values: dict[str, object] = {"tenant": tenant}
    behind = ""
    if after is not None:
        behind = "AND (effective, key) < (:effective, :key) "
        values |= {"effective": after.effective, "key": after.key}
    one = (
        "SELECT effective, key FROM (SELECT effective, key FROM said_words WHERE tenant = :tenant AND word = :{name} "
        f"{behind}ORDER BY effective DESC, key DESC LIMIT {most}) AS {{name}}"
    )
    names = [f"word_{chr(ord('a') + place)}" for place in range(len(words))]
    rows = await tx.fetch(
        f"{' UNION '.join(one.format(name=name) for name in names)} ORDER BY effective DESC, key DESC LIMIT {most}",
        **values,
        **dict(zip(names, words, strict=True)),
    )
    return [SaidPlace(row[0], bytes(row[1])) for row in rows], len(rows) == most


async def _said(tx: Tx, tenant: str, keys: Sequence[bytes]) -> dict[bytes, Row]:
    if not keys:
        return {}
    rows = await tx.fetch(
        "SELECT key, stream_id, interaction, text_of, words FROM said WHERE key = ANY(:keys) AND tenant = :tenant",
        keys=list(keys),
        tenant=tenant,
    )
    return {bytes(row[0]): row for row in rows}


def _fits(row: Row, whole: Collection[bytes], beginning: bytes) -> bool:
    words = b" " + bytes(row[4]) + b" "
    return b" " + beginning in words and all(b" " + word + b" " in words for word in whole)


async def _events(tx: Tx, tenant: str, places: Sequence[SaidPlace], rows: Mapping[bytes, Row]) -> list[FoundEvent]:
    """Read events and whose they are today: a few statements for a page."""
    if not places:
        return []
    some = [rows[each.key] for each in places]
    raws = await read_raws(tx, {bytes(row[at]) for row in some for at in (0, 3)})
    whose = await _customers_of(tx, tenant, {(bytes(row[1]), bytes(row[2])) for row in some})
    found = []
    for place, row in zip(places, some, strict=True):
        stream_id, node, text_of = bytes(row[1]), bytes(row[2]), bytes(row[3])
        customer = whose.get((stream_id, node))
        if customer is not None and place.key in raws and text_of in raws:
            found.append(FoundEvent(place.key, place.effective, customer, raws[place.key], raws[text_of]))
    return found


async def _customers_of(
    tx: Tx, tenant: str, sides: Collection[tuple[NodeId, NodeId]]
) -> dict[tuple[NodeId, NodeId], NodeId]:
    """Return whose the facts of streams in interactions are: mostly the stream's customer's; where the stream names
    nobody in particular, of whom the interaction follows."""
    memberships = await memberships_of(tx, tenant, {stream_id for stream_id, _ in sides})
    found: dict[tuple[NodeId, NodeId], NodeId] = {}
    following: set[tuple[NodeId, NodeId]] = set()
    for stream_id, node in sides:
        membership = memberships.get(stream_id)
        if membership.ambiguous if membership is not None else stream_id == node:
            following.add((stream_id, node))
        found[stream_id, node] = membership.customer if membership is not None else stream_id
    if following:
        owners = await owners_of_interactions(CurrentGraph(tx, tenant), {node for _, node in following})
        profiles = await read_profiles(tx, tenant, {stream_id for stream_id, node in following if stream_id == node})
        for stream_id, node in following:
            if stream_id not in profiles:
                found[stream_id, node] = owners[node].by_stream.get(stream_id, stream_id)
    return found
