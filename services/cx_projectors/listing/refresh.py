"""Write the rows of some customers and events in lists and search anew, from what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from cx_context.document import Document
from cx_context.listing.conversations import listed_conversations
from cx_context.listing.customers import listed_customer
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store import listed_rows, said_rows
from cx_context.store.listed_rows import Listed
from cx_context.store.listing_inputs import customers_today, read_facts
from cx_context.store.sql import Tx
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros

MADE_WITH = 3
"""Raised where the same facts make other rows: then all lists are written anew."""


class Terms(NamedTuple):
    """The terms on which a tenant's lists are made. ``window``: the threading window in µs."""

    ids: IdSpace
    window: Micros

    @property
    def name(self) -> str:
        """Return the text that tells lists made with other terms."""
        return f"{MADE_WITH}/{self.window}"


def listed_of(known: CustomerFacts, window: Micros) -> Listed:
    """Return a customer's rows."""
    of = Document(known, window)
    conversations = listed_conversations(of)
    return Listed(listed_customer(of, conversations), conversations)


async def refresh(tx: Tx, terms: Terms, customers: Collection[NodeId], events: Collection[bytes]) -> None:
    """Write these customers and events. An id that is another customer's today has no row, and that customer has."""
    if customers:
        today = await customers_today(tx, terms.ids, customers)
        listed: dict[NodeId, Listed] = {}
        for known in await read_facts(tx, terms.ids, today):
            listed[known.customer] = listed_of(known, terms.window)
            await asyncio.sleep(0)  # fifty of them at a stretch would hold up everybody else
        await listed_rows.replace(tx, terms.ids.tenant, {*customers, *listed}, listed)
    await said_rows.refresh(tx, terms.ids, events)
