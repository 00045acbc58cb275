"""Find what was said by one statement, whose it is today among what it tells (PostgreSQL).

It finds what ``searching.search_said`` does by a dozen, which is asked for what is a longer question: whose a contact
is that a person attributed to somebody. On SQLite, which has no rows within rows, all is asked there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from cx_context.reference_definition import owners_of
from cx_context.store.listing_queue import FRESHNESS, freshness_of
from cx_context.store.port import Store
from cx_context.store.searching import (
    COUNTED,
    FIRST_WORDS,
    SCANNED,
    FoundEvent,
    SaidPage,
    SaidPlace,
    end_of,
    search_said,
)
from cx_context.store.sql import Row, Tx

_ID = 16


async def find_said(store: Store, tenant: str, words: Sequence[str], after: SaidPlace | None, limit: int) -> SaidPage:
    """Return what ``search_said`` does, from one state of the store."""
    async with store.asking() as tx:
        if not tx.for_update:
            return await search_said(tx, tenant, words, after, limit)
        page = await search_said_at_once(tx, tenant, words, after, limit)
    if page is None:
        async with store.reading() as tx:
            page = await search_said(tx, tenant, words, after, limit)
    return page


async def search_said_at_once(
    tx: Tx, tenant: str, words: Sequence[str], after: SaidPlace | None, limit: int
) -> SaidPage | None:
    """Return what ``search_said`` does by one statement, None where it does not suffice."""
    *whole, beginning = (word.encode() for word in words)
    values: dict[str, object] = {"tenant": tenant}
    if whole:
        values |= {f"needle_{letter}": b" " + word + b" " for letter, word in zip(_LETTERS, whole, strict=False)}
        values |= {"whole": whole} if len(whole) > 1 else {"word": whole[0]}
    else:
        values |= {"begin": beginning, "end": end_of(beginning)}
    values["needle"] = b" " + beginning
    if after is not None:
        values |= {"effective": after.effective, "key": after.key}
    rows = await tx.fetch(_text(len(whole), after is not None, limit + 1), **values)
    scanned = sorted((row[3:] for row in rows if row[3] is not None), key=lambda row: (row[0], row[1]), reverse=True)
    fitting = [row for row in scanned if row[3]]
    found = [_found(row) for row in fitting[:limit]]
    if None in found:
        return None
    following = fitting[limit - 1] if len(fitting) > limit else None
    if following is None and scanned and (scanned[-1][2] == SCANNED if whole else len(scanned) > limit):
        following = scanned[-1]
    place = SaidPlace(following[0], following[1]) if following is not None else None
    return SaidPage([each for each in found if each is not None], place, freshness_of(*rows[0][:3]))


def _found(row: Row) -> FoundEvent | None:
    """Return what was said, or None where whose it is, or the event, is a longer question."""
    effective, key, _, _, raw, is_own, text_raw, *whose = row
    customer, stream_id, node, follows, is_profile, is_attributed, sides = whose
    if is_own:
        text_raw = raw
    if raw is None or text_raw is None or is_attributed:
        return None
    if follows and not is_profile:
        customer_of = {side[:_ID]: side[_ID : 2 * _ID] for side in sides}
        ambiguous = {side[:_ID] for side in sides if side[2 * _ID]}
        owners = owners_of(node, None, customer_of, customer_of, ambiguous)
        customer = owners.by_stream.get(stream_id, stream_id)
    return FoundEvent(key, effective, customer, raw, text_raw)


_LETTERS = "abcdefghijkl"
"""Names of a query's words but the last, of which there are ``MOST_QUERY_WORDS`` at most."""

_SPACED = "' '::bytea || d.words || ' '::bytea"
_SIDES = (
    "ARRAY(SELECT DISTINCT o.stream_id || coalesce(m.customer, o.stream_id) || "
    "(CASE WHEN m.ambiguous THEN '\\x01' ELSE '\\x00' END)::bytea FROM parts o "
    "LEFT JOIN members m ON m.profile = o.stream_id AND m.tenant = :tenant "
    "WHERE o.interaction = p.interaction AND o.tenant = :tenant)"
)
"""Each stream of an interaction with its customer, and whether it is an ambiguous identifier's."""


@lru_cache(maxsize=64)
def _text(whole: int, after: bool, most: int) -> str:
    """Return the statement. ``whole``: how many words must be there as a whole."""
    follows = "coalesce(m.ambiguous, p.stream_id = p.interaction)"
    return (
        f"{_page_text(whole, after, most)} "
        "SELECT f.*, p.effective, p.key, p.n, p.fits, e.raw, p.text_of = p.key, t.raw, "
        f"coalesce(m.customer, p.stream_id), p.stream_id, p.interaction, {follows}, "
        f"{follows} AND p.stream_id = p.interaction "
        "AND EXISTS (SELECT 1 FROM profiles o WHERE o.id = p.stream_id AND o.tenant = :tenant), "
        f"{follows} "
        "AND EXISTS (SELECT 1 FROM attributions a WHERE a.interaction = p.interaction AND a.tenant = :tenant), "
        f"CASE WHEN {follows} THEN {_SIDES} END "
        f"FROM (SELECT {FRESHNESS}) AS f LEFT JOIN page p ON true "
        "LEFT JOIN events e ON e.key = p.key AND p.fits "
        "LEFT JOIN events t ON t.key = p.text_of AND t.key <> p.key AND p.fits "
        "LEFT JOIN members m ON m.profile = p.stream_id AND m.tenant = :tenant"
    )


def _page_text(whole: int, after: bool, most: int) -> str:
    """Return the WITH of the rows that a page looks at: of whole words the rarest one's, read until enough have them
    all; of a beginning those of the first words that begin so."""
    place = "AND (w.effective, w.key) < (:effective, :key) " if after else ""
    newest = "ORDER BY {0}.effective DESC, {0}.key DESC".format
    page = (
        "page AS MATERIALIZED (SELECT s.*, coalesce({0}, false) AS fits, d.stream_id, d.interaction, d.text_of".format
    )
    needles = ["needle", *(f"needle_{letter}" for letter in _LETTERS[:whole])]
    fits = " AND ".join(f"position(:{needle}::bytea IN {_SPACED}) > 0" for needle in needles)
    if not whole:
        postings = (
            "SELECT DISTINCT p.effective, p.key, 0 AS n FROM found CROSS JOIN LATERAL (SELECT w.effective, w.key "
            f"FROM said_words w WHERE w.tenant = :tenant AND w.word = found.word {place}{newest('w')} LIMIT {most}) "
            f"AS p WHERE found.word IS NOT NULL {newest('p')} LIMIT {most}"
        )
        return (
            f"WITH RECURSIVE {FIRST_WORDS}, {page(fits)} FROM ({postings}) AS s "
            "LEFT JOIN said d ON d.key = s.key AND d.tenant = :tenant)"
        )
    rarest = (
        "(SELECT r.word FROM unnest(:whole::bytea[]) AS r (word) ORDER BY (SELECT count(*) FROM (SELECT 1 "
        f"FROM said_words w WHERE w.tenant = :tenant AND w.word = r.word LIMIT {COUNTED}) AS counted), r.word LIMIT 1)"
    )
    return (
        f"WITH {page(fits)} FROM (SELECT w.effective, w.key, row_number() OVER ({newest('w')}) AS n FROM said_words w "
        f"WHERE w.tenant = :tenant AND w.word = {':word' if whole == 1 else rarest} {place}{newest('w')} "
        f"LIMIT {SCANNED}) AS s LEFT JOIN said d ON d.key = s.key AND d.tenant = :tenant "
        f"WHERE s.n = {SCANNED} OR ({fits}) {newest('s')} LIMIT {most})"
    )
