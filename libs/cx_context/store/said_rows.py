"""Write what search knows of events: those that are told, and all that belong to the same messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import itemgetter

from cx_context.listing.said import NO_MESSAGE, SaidRow, holds_words, message_of, said_rows
from cx_context.store import listing_tables
from cx_context.store.events import read_stored_copies
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.codec import decode_leniently
from cx_events.cooperative_chunks import cooperative_chunks
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId

_SAID = shape_of(listing_tables.SAID)
_WORDS = shape_of(listing_tables.SAID_WORDS)
_COLUMNS = "key, stream_id, interaction, effective, message, what, text_of, words"


async def refresh(tx: Tx, ids: IdSpace, keys: Collection[bytes]) -> None:
    """Write the rows of these events anew, from what is stored."""
    if not keys:
        return
    before = {row.key: row for row in await _rows(tx, ids.tenant, "key", keys)}
    facts = await _facts(tx, ids, keys)
    messages = {message_of(fact) for fact in facts} | {row.message for row in before.values()}
    others = {row.key: row for row in await _rows(tx, ids.tenant, "message", messages - {NO_MESSAGE})}
    facts += await _facts(tx, ids, others.keys() - set(keys))
    before |= others
    now = {row.key: row for row in said_rows(facts)}
    await _delete(tx, ids.tenant, [row for key, row in before.items() if now.get(key) != row])
    new = sorted(row for key, row in now.items() if before.get(key) != row)
    await tx.append(_SAID, [(row.key, ids.tenant, *row[1:]) for row in new])
    await tx.append(_WORDS, words_rows(ids.tenant, new))


async def forget(tx: Tx, ids: IdSpace, keys: Collection[bytes]) -> None:
    """Delete the rows of these events, with the words that stand there and those that should: ``refresh`` then writes
    all of it anew, whatever was there."""
    rows = [*await _rows(tx, ids.tenant, "key", keys), *said_rows(await _facts(tx, ids, keys))]
    if not rows:
        return
    of_these = sorted({row.key for row in rows})
    await tx.execute("DELETE FROM said WHERE key = ANY(:keys) AND tenant = :tenant", keys=of_these, tenant=ids.tenant)
    await tx.execute(
        "DELETE FROM said_words WHERE tenant = :tenant AND word = ANY(:words) AND effective BETWEEN :first AND :last "
        "AND key = ANY(:keys)",
        tenant=ids.tenant,
        words=sorted({word for row in rows for word in row.words.split()}),
        first=min(row.effective for row in rows),
        last=max(row.effective for row in rows),
        keys=of_these,
    )


def words_rows(tenant: str, rows: Iterable[SaidRow]) -> list[tuple[str, bytes, int, bytes]]:
    """Return the words by which events are found, in order."""
    places: dict[bytes, list[tuple[int, bytes]]] = {}
    for place, words in sorted((((row.effective, row.key), row.words) for row in rows), key=itemgetter(0)):
        for word in words.split():
            places.setdefault(word, []).append(place)
    return [(tenant, word, *place) for word in sorted(places) for place in places[word]]


async def _facts(tx: Tx, ids: IdSpace, keys: Collection[bytes]) -> list[Fact]:
    """Return those of some events that are folded and hold words."""
    copies = await read_stored_copies(tx, sorted(keys))
    found: list[Fact] = []
    async for some in cooperative_chunks(list(copies.values())):
        events = ((decode_leniently(copy.raw)[0], copy.raw) for copy in some if copy.problem is None)
        found += [Fact(event, raw, ids) for event, raw in events if event.tenantid == ids.tenant and holds_words(event)]
    return found


async def _rows(tx: Tx, tenant: str, column: str, values: Collection[NodeId]) -> list[SaidRow]:
    if not values:
        return []
    found = await tx.fetch(
        f"SELECT {_COLUMNS} FROM said WHERE {column} = ANY(:values) AND tenant = :tenant",
        values=sorted(values),
        tenant=tenant,
    )
    return [SaidRow(*row) for row in found]


async def _delete(tx: Tx, tenant: str, rows: Collection[SaidRow]) -> None:
    """Delete rows and their words. They are few: edits, deletions, and copies that replace others."""
    if not rows:
        return
    await tx.execute("DELETE FROM said WHERE key = ANY(:keys)", keys=sorted(row.key for row in rows))
    for row in rows:
        for word in row.words.split():
            await tx.execute(
                "DELETE FROM said_words WHERE tenant = :tenant AND word = :word AND effective = :effective "
                "AND key = :key",
                tenant=tenant, word=word, effective=row.effective, key=row.key,
            )  # fmt: skip
