"""Pages of lists and of search cost one statement, end where they must, and find whose today all is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from tests.examples import examples
from tests.integration.test_statements import CountingConnection
from tests.projection import in_partitions, lists_of, workers
from tests.stores import empty

from cx_context.listing.conversations import OPEN, RESOLVED, Shown
from cx_context.store import Store, listing_tables, open_store
from cx_context.store.listing_pages import ORDERS, SCANNED, Place, Wanted, read_page, resolved
from cx_context.store.listing_reads import read_holdings
from cx_context.store.said_postgres import search_said_at_once
from cx_context.store.searching import search_customers, search_said
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of
from cx_events.directory import NO_DIRECTORY, Alias, Directory, Entry
from cx_events.facts import connection_source
from cx_events.stamp import StampedEvent
from cx_events.testing.histories import histories

DIRECTORY = Directory("acme", [Entry("agent", "ben", "Ben", (Alias("calls", "a-1"), Alias("chats", "a-2")))])
SOURCES = ["", *(connection_source("acme", name) for name in ("calls", "chats"))]


class Row(NamedTuple):
    """A conversation; ``under``: kind, name and source of all that it is listed under."""

    id: bytes
    state: int
    opened: int
    last: int
    waiting: int | None
    under: list[tuple[str, str, str]]


def some_rows(count: int) -> list[Row]:
    """Conversations of which many share a moment, few are resolved, and some stand twice under a name."""
    dice = random.Random(7)
    rows = []
    for number in range(count):
        under = {("channel", dice.choice(["chat", "chat", "chat", "sms"]), "")}
        for _ in range(dice.randrange(3)):
            under.add(("agent", f"a-{dice.randrange(4)}", dice.choice(SOURCES)))
        if dice.randrange(3):
            under.add(("queue", f"q-{dice.randrange(12) // 11}", dice.choice(SOURCES)))
        state = RESOLVED if dice.randrange(6) == 0 else OPEN
        waiting = dice.randrange(300) if state == OPEN and dice.randrange(4) == 0 else None
        rows.append(
            Row(number.to_bytes(16, "big"), state, dice.randrange(900), dice.randrange(900), waiting, sorted(under))
        )
    return rows


async def stored(store: Store, rows: Sequence[Row]) -> None:
    shown = msgspec.msgpack.encode(Shown(None, "chat-1", ["chat"], 1, None, None, None, []))
    async with store.writing() as tx:
        await tx.append(
            shape_of(listing_tables.LISTED_CONVERSATIONS),
            [(row.id, "acme", bytes(16), row.state, row.opened, row.last, row.waiting, shown) for row in rows],
        )
        await tx.append(
            shape_of(listing_tables.LISTED_UNDER),
            [
                (row.id, *under, "acme", bytes(16), "", row.state, row.opened, row.last, row.waiting, None)
                for row in rows
                for under in row.under
            ],
        )


def expected(
    rows: Sequence[Row], wanted: Wanted, directory: Directory, after: Place | None, limit: int
) -> tuple[list[bytes], Place | None]:
    """A page by its definition: the ranges of an index that it needs, of each ``SCANNED`` rows, merged."""
    descends, field = ORDERS[wanted.order], Row._fields.index(wanted.order)
    kind = next((each for each in ("agent", "queue", "channel") if each in wanted.under), None)
    names = [""] if kind is None else [wanted.under[kind]]
    if kind == "agent" or kind == "queue":
        names = directory.ids_of(kind, wanted.under[kind])
    ranges = []
    for state in (OPEN, RESOLVED):
        for name in names:
            of_range = [
                Place(row[field], row.id)
                for row in rows
                if row.state == state and row[field] is not None
                if wanted.state in (None, state) and not (state == RESOLVED and wanted.waiting)
                for under in (row.under if kind is not None else [(None, "")])
                if under[:2] == (kind, name)
            ]
            places = sorted(of_range, reverse=descends)
            ranges.append([each for each in places if after is None or (each < after if descends else each > after)])
    if wanted.order == "waiting":  # one range of all states
        ranges = [sorted(each for one in ranges for each in one)]
    horizons = [each[SCANNED - 1] for each in ranges if len(each) >= SCANNED]
    horizon = (max if descends else min)(horizons) if horizons else None
    seen = sorted({place for each in ranges for place in each[:SCANNED]}, reverse=descends)
    known = {row.id: row for row in rows}
    fitting = [
        each
        for each in seen
        if horizon is None or (each >= horizon if descends else each <= horizon)
        if fits(known[each.id], wanted, directory)
    ]
    following = fitting[limit - 1] if len(fitting) > limit else horizon
    return [each.id for each in fitting[:limit]], following


def fits(row: Row, wanted: Wanted, directory: Directory) -> bool:
    if wanted.waiting is not None and wanted.waiting != (row.waiting is not None):
        return False
    return all(
        any(under[0] == kind and resolved(directory, *under) == name for under in row.under)
        for kind, name in wanted.under.items()
    )


WANTED = (
    *(Wanted(order) for order in ORDERS),
    Wanted("last", RESOLVED),
    Wanted("last", OPEN, waiting=True),
    Wanted("opened", waiting=False),
    Wanted("waiting", OPEN, under={"queue": "q-1"}),
    Wanted("last", under={"queue": "q-1", "channel": "sms"}),
    Wanted("opened", OPEN, waiting=True, under={"queue": "q-0", "agent": "a-3"}),
    Wanted("last", under={"agent": "ben"}),
    Wanted("last", under={"agent": "a-1"}),
    Wanted("opened", RESOLVED, under={"agent": "ben", "queue": "q-1"}),
    Wanted("last", under={"channel": "fax"}),
    Wanted("waiting", RESOLVED),
)


async def test_pages_are_those_of_the_definition(store_url: str) -> None:
    store, rows = open_store(store_url), some_rows(2_400)
    await store.start()
    await stored(store, rows)
    for directory in (NO_DIRECTORY, DIRECTORY):
        for wanted in WANTED:
            after, limit = None, 40
            for _ in range(12):
                async with store.reading() as tx:
                    page = await read_page(tx, "acme", wanted, directory, after, limit)
                    nobodys = await read_page(tx, "other", wanted, directory, after, limit)
                if wanted == Wanted("waiting", RESOLVED):
                    assert (page.rows, page.following) == ([], None)
                else:
                    found = [row.id for row in page.rows], page.following
                    assert found == expected(rows, wanted, directory, after, limit), (wanted, bool(directory), after)
                assert (nobodys.rows, nobodys.following) == ([], None)
                after = page.following
                if after is None:
                    break
    await store.stop()


@asynccontextmanager
async def counted(store: Store) -> AsyncIterator[tuple[Tx, CountingConnection]]:
    async with store.asking() as tx:
        name = "driver" if hasattr(tx, "driver") else "_connection"
        counting = CountingConnection(getattr(tx, name))
        setattr(tx, name, counting)
        yield tx, counting


async def test_a_page_is_one_statement(store_url: str) -> None:
    store = open_store(store_url)
    await store.start()
    # What is listed twice under a name, of two systems, may take a second statement to fill the page.
    once = [row._replace(under=list({under[:2]: under for under in row.under}.values())) for row in some_rows(200)]
    await stored(store, once)
    statements: dict[object, int] = {}
    for wanted in WANTED:
        async with counted(store) as (tx, counting):
            await read_page(tx, "acme", wanted, NO_DIRECTORY, None, 20)
        statements[wanted.order, wanted.state, wanted.waiting, str(wanted.under)] = counting.statements
    async with counted(store) as (tx, counting):
        await read_holdings(tx, "acme", "queue", DIRECTORY)
    statements["queues"] = counting.statements
    for words in (("ana",), ("ana", "garcia")):
        async with counted(store) as (tx, counting):
            await search_customers(tx, "acme", words, None, 20)
        statements["customers", *words] = counting.statements
        async with counted(store) as (tx, counting):
            if tx.for_update:  # PostgreSQL
                await search_said_at_once(tx, "acme", words, None, 20)
                statements["said", *words] = counting.statements
    assert set(statements.values()) == {1}
    await store.stop()


@pytest.mark.postgres
@examples(15)
@given(history=histories())
def test_what_one_statement_finds_several_find(
    postgres_database_for_examples: str, history: list[StampedEvent]
) -> None:
    async def run() -> None:
        store = open_store(postgres_database_for_examples)
        await store.start()
        async with store.writing() as tx:
            await empty(tx)
        (worker,) = await workers(store, in_partitions(history, 2), 1)
        while worker.behind:
            await worker.step(50)
        await lists_of(store).drain()
        async with store.reading() as tx:
            await compared(tx)
        await store.stop()

    asyncio.run(run())


async def compared(tx: Tx) -> None:
    """Each search for what was said, page by page, by one statement and by several."""
    texts = [row[0].decode().split() for row in await tx.fetch("SELECT words FROM said WHERE tenant = 'acme'")]
    asked: set[tuple[str, ...]] = {(word[:3],) for words in texts for word in words}
    asked |= {(words[0], words[-1][:2]) for words in texts if words}
    asked |= {(words[-1], words[0], "z") for words in texts if words}
    for words in sorted(asked):
        after: Any = None
        for _ in range(5):
            several = await search_said(tx, "acme", words, after, 2)
            one = await search_said_at_once(tx, "acme", words, after, 2)
            assert one is None or one == several
            after = several.following
            if after is None:
                break
