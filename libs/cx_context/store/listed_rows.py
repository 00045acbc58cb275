"""Write what lists and search show of customers and conversations: only the rows that are other than before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cx_context.listing.conversations import ListedConversation
from cx_context.listing.customers import ListedCustomer
from cx_context.store import listing_tables, wait_rows
from cx_context.store.sql import Row, Tx
from cx_context.store.table_shapes import Shape, shape_of
from cx_events.ids import NodeId

_CUSTOMERS = shape_of(listing_tables.LISTED_CUSTOMERS)
_WORDS = shape_of(listing_tables.CUSTOMER_WORDS)
_CONVERSATIONS = shape_of(listing_tables.LISTED_CONVERSATIONS)
_UNDER = shape_of(listing_tables.LISTED_UNDER)
_UPSERT_CONVERSATION = (
    "ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, customer = excluded.customer, state = excluded.state, "
    "opened = excluded.opened, last = excluded.last, waiting = excluded.waiting, shown = excluded.shown"
)
_UPSERT_CUSTOMER = (
    "ON CONFLICT (customer) DO UPDATE SET tenant = excluded.tenant, last = excluded.last, shown = excluded.shown"
)


class Listed(NamedTuple):
    """All rows of a customer."""

    customer: ListedCustomer
    conversations: Sequence[ListedConversation]


class ListedRows(NamedTuple):
    """Rows of the five tables. A wait of these is not over any bound: that is no fact."""

    customers: set[tuple[Any, ...]]
    words: set[tuple[Any, ...]]
    conversations: set[tuple[Any, ...]]
    under: set[tuple[Any, ...]]
    waits: set[tuple[Any, ...]]

    @classmethod
    def none(cls) -> ListedRows:
        """Return no rows."""
        return cls(set(), set(), set(), set(), set())


def rows_of(tenant: str, listed: Mapping[NodeId, Listed]) -> ListedRows:
    """Return the rows of customers, as the tables hold them."""
    rows = ListedRows.none()
    for customer, each in listed.items():
        rows.customers.add((customer, tenant, each.customer.last, each.customer.shown))
        rows.words.update((tenant, word.encode(), customer) for word in each.customer.words)
        for one in each.conversations:
            times = (one.state, one.opened, one.last, one.waiting)
            rows.conversations.add((one.id, tenant, customer, *times, one.shown))
            rows.under.update(
                (one.id, u.kind, u.name, u.source, tenant, customer, u.label, *times, u.held) for u in one.under
            )
            rows.waits.update(
                (w.contact, tenant, customer, one.id, w.queue, w.source, w.since, w.shown, False) for w in one.waits
            )
    return rows


async def replace(tx: Tx, tenant: str, asked: Collection[NodeId], listed: Mapping[NodeId, Listed]) -> None:
    """Let these customers have these rows and no others; those that are asked about and not listed have none."""
    now, before = rows_of(tenant, listed), await _read(tx, tenant, asked)
    await _replace_customers(tx, before, now)
    changed = now.conversations - before.conversations
    stale = {row[0] for row in before.conversations - now.conversations}
    under_of = {row[0] for row in now.under ^ before.under}
    if gone := stale - {row[0] for row in now.conversations}:
        await tx.execute("DELETE FROM listed_conversations WHERE id = ANY(:ids)", ids=sorted(gone))
    # A conversation that moves from one customer to another may be written before the other one is.
    under_of |= {row[0] for row in changed} | gone
    if under_of:
        await tx.execute("DELETE FROM listed_under WHERE conversation = ANY(:ids)", ids=sorted(under_of))
    await tx.insert(_CONVERSATIONS, sorted(changed, key=_by_key), _UPSERT_CONVERSATION)
    await tx.insert(_UNDER, sorted((row for row in now.under if row[0] in under_of), key=_by_key))
    await wait_rows.replace(tx, before.waits, now.waits)


def _by_key(row: Row) -> tuple[object, ...]:
    """Return the beginning of a row, which has its key in each of the tables and nothing that may be None."""
    return tuple(row[:3])


async def _replace_customers(tx: Tx, before: ListedRows, now: ListedRows) -> None:
    if gone := {row[0] for row in before.customers} - {row[0] for row in now.customers}:
        await tx.execute("DELETE FROM listed_customers WHERE customer = ANY(:ids)", ids=sorted(gone))
    await tx.insert(_CUSTOMERS, sorted(now.customers - before.customers, key=_by_key), _UPSERT_CUSTOMER)
    other = {row[2] for row in before.words - now.words}
    if other:
        await tx.execute("DELETE FROM customer_words WHERE customer = ANY(:ids)", ids=sorted(other))
    await tx.insert(
        _WORDS, sorted((row for row in now.words if row[2] in other or row not in before.words), key=_by_key)
    )


async def _read(tx: Tx, tenant: str, customers: Collection[NodeId]) -> ListedRows:
    ids = sorted(customers)
    if not ids:
        return ListedRows.none()
    customers_now, words, conversations, waits = [
        _tuples(
            await tx.fetch(f"{_select(shape)} WHERE customer = ANY(:ids) AND tenant = :tenant", ids=ids, tenant=tenant)
        )
        for shape in (_CUSTOMERS, _WORDS, _CONVERSATIONS, wait_rows.WAITS)
    ]
    # By their conversations, with which they are written: no index has them by customer.
    under = await tx.fetch(
        f"{_select(_UNDER)} WHERE conversation = ANY(:ids) AND tenant = :tenant",
        ids=sorted(row[0] for row in conversations),
        tenant=tenant,
    )
    return ListedRows(customers_now, words, conversations, _tuples(under), waits)


def _select(shape: Shape) -> str:
    return f"SELECT {', '.join(shape.columns)} FROM {shape.table}"


def _tuples(rows: Iterable[Row]) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in rows}
