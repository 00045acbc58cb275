"""Find customers and what was said by words, within one tenant, in bounded time.

Words were folded by us and are only compared, so no query means anything to the database. A page looks at ``SCANNED``
rows at most; of the words that begin with a query's last one at the first ``EXPANDED``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from cx_context.listing.customers import ShownCustomer
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.events import read_raws
from cx_context.store.graph import read_profiles
from cx_context.store.listing_queue import FRESHNESS, Freshness, freshness_of, read_freshness
from cx_context.store.members import memberships_of
from cx_context.store.ownership import owners_of_interactions
from cx_context.store.sql import Row, Tx
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

SCANNED = 300
EXPANDED = 24
COUNTED = 1_000
"""Rows of a word up to which they are counted, to tell which of a query's words is the rarest."""

_decode_customer = msgspec.msgpack.Decoder(ShownCustomer).decode


class CustomerPlace(NamedTuple):
    """The end of a page of customers: the least word of a customer by which it was found, and the customer."""

    word: bytes
    customer: NodeId


class SaidPlace(NamedTuple):
    """The end of a page of what was said."""

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


def end_of(word: bytes) -> bytes:
    """Return what is greater than every word that begins with a word: no UTF-8 holds 0xFF."""
    return word + b"\xff"


class CustomersPage(NamedTuple):
    """A page of customers. ``following``: where the next one begins, None after the last."""

    found: list[FoundCustomer]
    following: CustomerPlace | None
    freshness: Freshness


async def search_customers(
    tx: Tx, tenant: str, words: Sequence[str], after: CustomerPlace | None, limit: int
) -> CustomersPage:
    """Return the customers of whom a word begins with each of a query's words, in order of the first word that begins
    with the longest one: one statement, which reads no further than the page needs."""
    driver, *others = sorted((word.encode() for word in words), key=lambda word: (-len(word), word))
    values: dict[str, object] = {"tenant": tenant, "begin": driver, "end": end_of(driver)}
    if after is not None:
        values |= {"word": after.word, "customer": after.customer}
    for letter, other in zip(_LETTERS, others, strict=False):
        values |= {f"begin_{letter}": other, f"end_{letter}": end_of(other)}
    rows = await tx.fetch(_customers_text(len(others), after is not None, limit + 1), **values)
    found = sorted(tuple(row[3:]) for row in rows if row[3] is not None)
    fitting = [CustomerPlace(bytes(row[0]), bytes(row[1])) for row in found if row[3]]
    shown = {bytes(row[1]): row[4:] for row in found}
    following = None
    if len(fitting) > limit:
        following = fitting[limit - 1]
    elif found and found[-1][2] == SCANNED:
        following = CustomerPlace(bytes(found[-1][0]), bytes(found[-1][1]))
    page = [
        FoundCustomer(each.customer, last, _decode_customer(value))
        for each in fitting[:limit]
        for last, value in (shown[each.customer],)
        if value is not None
    ]
    return CustomersPage(page, following, freshness_of(*rows[0][:3]))


_LETTERS = "abcdefghijkl"
"""Names of a query's words but one, of which there are ``MOST_QUERY_WORDS`` at most."""


@lru_cache(maxsize=64)
def _customers_text(others: int, after: bool, most: int) -> str:
    """Return the statement. A customer found by several words is shown by the least; the last row that a page may look
    at is returned whether it fits or not, since the next page begins behind it."""
    # Not EXISTS of an equal customer alone: PostgreSQL may read all such words for that, to look each customer up.
    conditions = [
        "NOT EXISTS (SELECT 1 FROM customer_words e WHERE e.customer = s.customer AND e.word >= :begin "
        "AND e.word < s.word)"
    ] + [
        f"(SELECT 1 FROM customer_words o WHERE o.customer = s.customer AND o.word >= :begin_{letter} "
        f"AND o.word < :end_{letter} LIMIT 1) = 1"
        for letter in _LETTERS[:others]
    ]
    all_hold = " AND ".join(conditions)
    place = "AND (word, customer) > (:word, :customer) " if after else ""
    return (
        f"SELECT f.*, p.word, p.customer, p.n, p.fits, c.last, c.shown FROM (SELECT {FRESHNESS}) AS f LEFT JOIN ("
        f"SELECT s.*, CASE WHEN s.n < {SCANNED} OR ({all_hold}) THEN 1 ELSE 0 END AS fits FROM ("
        "SELECT word, customer, row_number() OVER (ORDER BY word, customer) AS n FROM customer_words "
        f"WHERE tenant = :tenant AND word >= :begin AND word < :end {place}"
        f"ORDER BY word, customer LIMIT {SCANNED}) AS s WHERE s.n = {SCANNED} OR ({all_hold}) "
        f"ORDER BY s.word, s.customer LIMIT {most}) AS p ON 1 = 1 "
        "LEFT JOIN listed_customers c ON c.customer = p.customer AND c.tenant = :tenant"
    )


class SaidPage(NamedTuple):
    """A page of what was said. ``following``: where the next one begins, None after the last."""

    found: list[FoundEvent]
    following: SaidPlace | None
    freshness: Freshness


async def search_said(tx: Tx, tenant: str, words: Sequence[str], after: SaidPlace | None, limit: int) -> SaidPage:
    """Return what was said with each of a query's words, the last one as the beginning of a word, newest first."""
    *whole, beginning = (word.encode() for word in words)
    freshness = await read_freshness(tx, tenant)
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
    return SaidPage(await _events(tx, tenant, fitting[:limit], rows), following, freshness)


async def _rarest(tx: Tx, tenant: str, words: Sequence[bytes]) -> bytes:
    if len(words) == 1:
        return words[0]
    counts = []
    for word in dict.fromkeys(words):
        rows = await tx.fetch(
            "SELECT count(*) FROM (SELECT 1 FROM said_words WHERE tenant = :tenant AND word = :word "
            f"LIMIT {COUNTED}) AS counted",
            tenant=tenant,
            word=word,
        )
        counts.append((int(rows[0][0]), word))
    return min(counts)[1]


FIRST_WORDS = (
    "found (word, n) AS ("
    "SELECT min(word), 1 FROM said_words WHERE tenant = :tenant AND word >= :begin AND word < :end "
    "UNION ALL SELECT (SELECT min(s.word) FROM said_words s WHERE s.tenant = :tenant AND s.word > found.word "
    f"AND s.word < :end), n + 1 FROM found WHERE found.word IS NOT NULL AND n < {EXPANDED})"
)
"""The first words that begin so. Each is looked for behind the one before, so that what lies between them need not be
read."""


async def _expanded(tx: Tx, tenant: str, beginning: bytes) -> list[bytes]:
    """Return the first words that begin so."""
    rows = await tx.fetch(
        f"WITH RECURSIVE {FIRST_WORDS} SELECT word FROM found WHERE word IS NOT NULL",
        tenant=tenant,
        begin=beginning,
        end=end_of(beginning),
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
