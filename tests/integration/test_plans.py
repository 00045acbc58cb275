"""No statement compares every row with every row, also where the server's statistics say that all rows are a few
customers'.

Statements are planned once for all values (``plan_cache_mode``), and a server that believes every look-up to bring a
third of a table reads all of it once for each row instead: a customer of 50,000 contacts was not read as of a past
moment within 20 seconds.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
from tests.projection import RULES, Worker, lists_of, workers

from cx_context.store import Store, open_store
from cx_context.store.context_inputs import read_inputs
from cx_context.store.inputs_postgres import read_inputs_at_once
from cx_context.store.listing_tables import OF_LISTS
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import TimeBounds
from cx_events.facts import decision_source
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, START, a_decision, an_event

CONTACTS = 20
FURTHER = 100_000
"""Rows of one further customer, whom nobody reads: they make the statistics."""

ANA, BEN, CID = (ACME.profile("email", "", f"p{customer}@example.com") for customer in range(3))


def histories() -> list[StampedEvent]:
    return [
        an_event(
            id=f"m-{customer}-{contact}",
            email=f"p{customer}@example.com",
            interaction=f"chat-{customer}-{contact}",
            text="hello",
            at=START - contact * HOUR,
        )
        for customer in range(3)
        for contact in range(CONTACTS)
    ]


class ExplainingConnection:
    """A driver's connection that notes the plan of every statement that goes through it."""

    def __init__(self, connection: Any, plans: dict[str, Any]) -> None:
        self._connection = connection
        self._plans = plans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, sql: str, *values: Any) -> Any:
        if sql not in self._plans:
            await self._connection.execute(f"PREPARE explained AS {sql}")
            given = f"({', '.join(['NULL'] * len(values))})" if values else ""
            (row,) = await self._connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE explained{given}")
            self._plans[sql] = msgspec.json.decode(row[0])[0]["Plan"]
            await self._connection.execute("DEALLOCATE explained")
        return await self._connection.fetch(sql, *values)


class ExplainingStore:
    """A store that notes the plans of all that is asked of it, by statement."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.plans: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def _explaining(self, opened: Any) -> AsyncIterator[Tx]:
        async with opened as tx:
            tx.driver = ExplainingConnection(tx.driver, self.plans)
            yield tx

    def writing(self) -> Any:
        return self._explaining(self._store.writing())

    def reading(self) -> Any:
        return self._explaining(self._store.reading())

    def asking(self) -> Any:
        return self._explaining(self._store.asking())


def nodes_of(plan: Any) -> Iterator[Any]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)


LARGE = {"parts", "events"}


def is_large(plan: Any) -> bool:
    """Whether a plan reads of a table that has many rows in this test."""
    return any(node.get("Relation Name") in LARGE for node in nodes_of(plan))


def compares_all(plan: Any) -> bool:
    """Whether a plan joins two large sets by trying each row of one with each row of the other."""
    return any(
        node["Node Type"] == "Nested Loop" and "Join Filter" in node and all(map(is_large, node["Plans"]))
        for node in nodes_of(plan)
    )


COLUMNS = {
    "parts": ("part_id", "tenant", "stream_id", "interaction", "body"),
    "events": ("key", "tenant", "stream_id", "part_id", "effective", "recorded", "problem", "raw"),
}
NEW_IDS = {"key", "part_id", "interaction"}


def copies(table: str, columns: Sequence[str]) -> str:
    """SQL for as many copies of a customer's first row as ``count``, with ids of their own."""
    chosen = [f"substr(sha256(('{c} ' || n)::bytea), 1, 16)" if c in NEW_IDS else f"one.{c}" for c in columns]
    return (
        f"({', '.join(columns)}) SELECT {', '.join(chosen)} FROM generate_series(1, :count) AS n "
        f"CROSS JOIN (SELECT * FROM {table} WHERE stream_id = :stream_id LIMIT 1) AS one"
    )


async def feed(worker: Worker, events: list[StampedEvent]) -> None:
    log = worker.logs[0]
    log += [LogRecord(INTERACTIONS, 0, len(log) + at, event.key, event.raw, 0) for at, event in enumerate(events)]
    while worker.behind:
        await worker.step(2_000)


def merged() -> StampedEvent:
    identity = {"a": text_of(ANA), "b": text_of(BEN)}
    return a_decision(
        "cx.identity.merged.v1", id="merge", about=ACME.tenant_node(), at=START + HOUR, data={"identity": identity}
    )


def unmerged() -> StampedEvent:
    identity = {"decision": f"{decision_source('acme')}#merge"}
    return a_decision(
        "cx.identity.unmerged.v1", id="undo", about=ACME.tenant_node(), at=START + 2 * HOUR, data={"identity": identity}
    )


async def read_all(store: Store) -> None:
    """Read a long history in every way: today, several at once, in the past."""
    async with store.reading() as tx:
        assert await read_inputs(tx, ACME, ANA) is not None
        await read_inputs_at_once(tx, ACME, [ANA, BEN])
        past = Snapshot(tx, ACME, RULES, TimeBounds(as_of=START - CONTACTS // 2 * HOUR))
        await past.load(ANA, outlined=True)


@pytest.mark.postgres
async def test_no_statement_compares_all_rows_with_all(postgres_store: str) -> None:
    store = ExplainingStore(open_store(postgres_store))
    await store.start()
    try:
        worker = (await workers(cast(Store, store), [[]], 1))[0]
        await feed(worker, histories())
        async with store.asking() as tx:
            for table, columns in COLUMNS.items():
                await tx.execute(f"INSERT INTO {table} {copies(table, columns)}", stream_id=CID, count=FURTHER)
            await tx.execute("VACUUM ANALYZE")
        store.plans.clear()
        for decision in (merged(), unmerged()):
            await feed(worker, [decision])
            await read_all(cast(Store, store))
    finally:
        await store.stop()
    assert len(store.plans) >= 25
    assert [sql for sql, plan in store.plans.items() if compares_all(plan)] == []


LISTS = {table.name for table in OF_LISTS}


def reads_all_of_tenant(plan: Any) -> bool:
    """Whether a plan goes through all rows of lists that a tenant has."""
    return any(
        node.get("Relation Name") in LISTS
        and (node["Node Type"] == "Seq Scan" or re.fullmatch(r"\(tenant = \S+\)", node.get("Index Cond", "")))
        for node in nodes_of(plan)
    )


@pytest.mark.postgres
async def test_lists_of_few_customers_read_no_others(postgres_store: str) -> None:
    store = ExplainingStore(open_store(postgres_store))
    await store.start()
    try:
        worker = (await workers(cast(Store, store), [[]], 1))[0]
        lists = lists_of(cast(Store, store), "test")
        for events in (
            histories(),
            [an_event(id="later", email="p0@example.com", interaction="chat-0-0", text="more")],
        ):
            await feed(worker, events)
            store.plans.clear()
            await lists.drain()
    finally:
        await store.stop()
    asked = {sql for sql in store.plans if any(table in sql for table in LISTS)}
    assert len(asked) >= 6
    assert [sql for sql in asked if reads_all_of_tenant(store.plans[sql])] == []
