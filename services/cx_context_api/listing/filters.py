"""Read what a request for a list or a search asks for."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from cx_context.listing.conversations import OPEN, RESOLVED
from cx_context.store.listing_pages import ORDERS, Place, Wanted
from cx_context.store.searching import CustomerPlace, SaidPlace
from cx_context_api.requests.queries import Query
from cx_events.errors import Refused
from cx_runtime.cursors import CursorNode, CursorTime, decode_cursor, encode_cursor

FILTERS = ("state", "waiting", "agent", "queue", "channel", "order")
SEARCHED = ("customers", "messages")
MAX_NAME = 200
MAX_Q = 512

In = Literal["customers", "messages"]
_Word = Annotated[bytes, Meta(min_length=1, max_length=512)]
_STATES = {"open": OPEN, "resolved": RESOLVED}


class ListQuery(NamedTuple):
    """``list``: what its cursors are of: these filters and no others."""

    wanted: Wanted
    list: str
    after: Place | None


class SearchQuery(NamedTuple):
    """Words to look for. ``cursor``: where the page begins."""

    q: str
    within: In
    limit: int
    cursor: str | None


def list_query(query: Query) -> ListQuery:
    """Return which conversations are asked for.

    Raises ``Refused`` (400): ``bad-query``, ``bad-cursor``.
    """
    waiting = query.text("waiting")
    order = _one_of(query, "order", tuple(ORDERS), "last")
    state = _one_of(query, "state", tuple(_STATES), None)
    under = {
        kind: _name(kind, text) for kind in ("agent", "queue", "channel") if (text := query.text(kind)) is not None
    }
    wanted = Wanted(
        order or "last",
        _STATES[state] if state is not None else None,
        query.flag("waiting") if waiting is not None else None,
        under,
    )
    filters = repr((wanted.state, wanted.waiting, sorted(under.items())))
    name = f"conversations/{wanted.order}/{blake2b(filters.encode(), digest_size=8).hexdigest()}"
    cursor = query.text("cursor")
    after = decode_cursor(cursor, name, tuple[CursorTime, CursorNode]) if cursor is not None else None
    return ListQuery(wanted, name, Place(*after) if after is not None else None)


def _one_of(query: Query, name: str, allowed: tuple[str, ...], default: str | None) -> str | None:
    text = query.text(name)
    if text is None:
        return default
    if text not in allowed:
        raise Refused("bad-query", f"{name}={text[:20]}: expected one of {', '.join(allowed)}", 400)
    return text


def _name(kind: str, text: str) -> str:
    if not 0 < len(text) <= MAX_NAME or "\0" in text:
        raise Refused("bad-query", f"{kind}: expected 1 to {MAX_NAME} characters, none of them NUL", 400)
    return text


def search_query(query: Query) -> SearchQuery:
    """Return what a query looks for. Raises ``Refused("bad-query", 400)``."""
    q = query.text("q")
    if q is None:
        raise Refused("bad-query", "Say what to look for: q=WORDS.", 400)
    within = _one_of(query, "in", SEARCHED, "customers")
    return checked(
        SearchQuery(q, "messages" if within == "messages" else "customers", query.limit(), query.text("cursor"))
    )


def checked(query: SearchQuery) -> SearchQuery:
    """Return a query that is not too long. Raises ``Refused("bad-query", 400)``."""
    if len(query.q) > MAX_Q:
        raise Refused("bad-query", f"q: expected at most {MAX_Q} characters", 400)
    return query


def no_words() -> Refused:
    """Return the refusal of a query that has nothing to look for."""
    return Refused("no-words", "q has no letters and no digits, so there is nothing to look for.", 400)


def customer_place(cursor: str | None) -> CustomerPlace | None:
    """Return where a page of customers begins. Raises ``Refused("bad-cursor", 400)``."""
    if cursor is None:
        return None
    return CustomerPlace(*decode_cursor(cursor, "search/customers", tuple[_Word, CursorNode]))


def said_place(cursor: str | None) -> SaidPlace | None:
    """Return where a page of what was said begins. Raises ``Refused("bad-cursor", 400)``."""
    if cursor is None:
        return None
    return SaidPlace(*decode_cursor(cursor, "search/messages", tuple[CursorTime, CursorNode]))


def next_cursor(list: str, place: tuple[object, ...] | None) -> str | None:
    """Return the cursor of where a page ended; None after the last."""
    return encode_cursor(list, tuple(place)) if place is not None else None
