"""What one more claim costs does not depend on how many claims it hangs together with.

Anybody may claim anything: a cookie and one address, the same cookie and the next address, the next cookie. Such a
chain joins nobody, and is one piece of the graph all the same. What is counted is what is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.projection import RULES, WINDOW, Worker, in_partitions, workers

from cx_context.document import context_body
from cx_context.reference_definition import define
from cx_context.sections.candidates import CLAIMS_COUNTED, CLAIMS_SHOWN
from cx_context.store import Store, open_store, refused_claims
from cx_context.store.as_of_graph import MOST_ROUNDS
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import PostgresTx, SqliteTx
from cx_context.store.time_bounds import TimeBounds
from cx_events.ids import NodeId
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event, fact_of
from cx_identity.shared_identifiers import MOST_NEIGHBOURS
from cx_projectors.publish import MOST_ROUNDS as MOST_TRIES

LINKS = 10_000
FEW = 200
MOST_ROWS = 50
"""In one resolution. On PostgreSQL a batch resolves again where it must lock further customers, ``MOST_TRIES`` times at
most."""


@dataclass
class Read:
    statements: int = 0
    rows: int = 0


Counting = Callable[[], AbstractContextManager[Read]]


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """``with counting() as read``: what is read meanwhile, from either kind of store."""
    under_way: list[Read] = []

    def counted(kind: type[PostgresTx] | type[SqliteTx]) -> None:
        fetch = kind.fetch

        async def count(self: Any, sql: str, **values: Any) -> Sequence[Any]:
            rows: Sequence[Any] = await fetch(self, sql, **values)
            for read in under_way:
                read.statements += 1
                read.rows += len(rows)
            return rows

        monkeypatch.setattr(kind, "fetch", count)

    counted(PostgresTx)
    counted(SqliteTx)

    @contextmanager
    def begin() -> Any:
        read = Read()
        under_way.append(read)
        yield read
        under_way.remove(read)

    return begin


def link(number: int) -> StampedEvent:
    """The claims of the chain in turn: each cookie is seen with an address, then with that of the next cookie."""
    return claim(number // 2, (number + 1) // 2, f"e-{number}", number)


def claim(cookie: int, address: int, id: str, second: int) -> StampedEvent:
    at = START + second * SECOND
    return an_event(id=id, at=at, cookie=f"c-{cookie}", email=f"a-{address}@example.com", weight="claimed")


def node(kind: str, number: int) -> NodeId:
    return ACME.profile(kind, "", f"c-{number}" if kind == "cookie" else f"a-{number}@example.com")


def shared(number: int = 0) -> list[StampedEvent]:
    """The claims of a cookie and three addresses, which make the cookie a shared one."""
    return [claim(9 * LINKS + number, 9 * LINKS + 3 * number + at, f"shared-{number}-{at}", at) for at in range(3)]


async def apply(worker: Worker, events: Iterable[StampedEvent]) -> None:
    """By a worker that remembers nothing of before."""
    (records,) = in_partitions(list(events), 1)
    log = worker.logs[0]
    log += [LogRecord(INTERACTIONS, 0, len(log) + at, *record[3:]) for at, record in enumerate(records)]
    worker.applier.cache.clear()
    while worker.behind:
        await worker.step(500)


@asynccontextmanager
async def working(store_url: str) -> AsyncIterator[tuple[Store, Worker]]:
    store = open_store(store_url)
    await store.start()
    (worker,) = await workers(store, [[]], 1)
    yield store, worker
    await store.stop()


def chain(first: int, links: int) -> list[StampedEvent]:
    return [link(number) for number in range(first, first + links)]


def more(first: int, links: int) -> list[StampedEvent]:
    """One more link at the end; in the middle one that is known, an address, a cookie."""
    middle, late = (first + links // 2) // 2, 10 * LINKS + first
    return [
        link(first + links),
        claim(middle, middle, f"again-{first}", late),
        claim(middle, late, f"address-{first}", late),
        claim(late, middle, f"cookie-{first}", late),
    ]


async def costs(worker: Worker, events: Iterable[StampedEvent], counting: Counting) -> list[Read]:
    found = []
    for event in events:
        with counting() as read:
            await apply(worker, [event])
        found.append(read)
    return found


async def test_a_claim_costs_the_same_however_long_its_chain(store_url: str, counting: Counting) -> None:
    few = 2 * LINKS, FEW
    many = 0, LINKS
    async with working(store_url) as (store, worker):
        await apply(worker, [*shared(), *chain(*few)])
        short = await costs(worker, more(*few), counting)
        await apply(worker, chain(*many))
        long = await costs(worker, more(*many), counting)
        assert [read.statements for read in long] == [read.statements for read in short]
        most = MOST_ROWS if "sqlite" in store_url else MOST_TRIES * MOST_ROWS
        assert max(read.rows for read in (*short, *long)) < most
        history = [*shared(), *(event for each in (few, many) for event in (*chain(*each), *more(*each)))]
        await equals_the_definition(store, history, [0, 1, LINKS // 4, LINKS // 2])


def at_one_address(first: int, number: int) -> list[StampedEvent]:
    """Claims of one address beside ever new cookies: a crowd, of which each is a question."""
    email = f"a-{8 * LINKS}@example.com"
    return [
        an_event(id=id, at=START + at * SECOND, interaction=id, cookie=f"c-{at}", email=email, weight="claimed")
        for at in range(first, first + number)
        for id in [f"crowd-{at}"]
    ]


async def test_a_claim_costs_the_same_however_shared_its_identifier(store_url: str, counting: Counting) -> None:
    address = node("email", 8 * LINKS)
    async with working(store_url) as (store, worker):
        await apply(worker, at_one_address(0, 2 * MOST_NEIGHBOURS))
        few = await costs(worker, at_one_address(2 * MOST_NEIGHBOURS, 2), counting)
        await apply(worker, at_one_address(3 * MOST_NEIGHBOURS, LINKS))
        many = await costs(worker, at_one_address(LINKS + 4 * MOST_NEIGHBOURS, 2), counting)
        assert max(read.statements for read in many) <= max(read.statements for read in few)
        assert max(read.rows for read in (*few, *many)) < MOST_ROWS
        with counting() as read:
            async with store.reading() as tx:
                asked = await refused_claims.asked_about(tx, "acme", [address])
        assert asked.total == CLAIMS_COUNTED
        assert len(asked.latest) == CLAIMS_SHOWN
        assert read.rows < CLAIMS_SHOWN + MOST_ROWS
        history = [
            *at_one_address(0, 2 * MOST_NEIGHBOURS + 2),
            *at_one_address(3 * MOST_NEIGHBOURS, LINKS),
            *at_one_address(LINKS + 4 * MOST_NEIGHBOURS, 2),
        ]
        await equals_the_definition(store, history, [0, 7, LINKS, 8 * LINKS])


async def equals_the_definition(store: Store, events: Iterable[StampedEvent], numbers: Iterable[int]) -> None:
    whole = define([fact_of(event) for event in events], ACME, RULES)
    async with store.reading() as tx:
        for profile in [node(kind, number) for kind in ("cookie", "email") for number in numbers]:
            found = await find_node(CurrentGraph(tx, "acme"), profile)
            if profile not in whole.customer_of:
                continue
            assert found is not None
            assert found.customer == whole.customer_of[profile]
            known = whole.known[found.customer]
            assert context_body(await load_known(tx, ACME, found.customer), WINDOW) == context_body(known, WINDOW)


async def test_the_past_of_a_claim_chain_takes_few_statements(store_url: str, counting: Counting) -> None:
    links = 4 * MOST_ROUNDS
    async with working(store_url) as (store, worker):
        await apply(worker, chain(0, links))
        facts = [fact_of(link(number)) for number in range(links)]
        for moment in (TimeBounds(), TimeBounds(as_of=facts[-2].effective)):
            whole = define([fact for fact in facts if moment.holds(fact)], ACME, RULES)
            with counting() as read:
                async with store.reading() as tx:
                    then = Snapshot(tx, ACME, RULES, moment)
                    found = await then.customers_of([node("cookie", 0), node("email", links // 4)])
            assert found == {profile: whole.customer_of[profile] for profile in found}
            assert len(found) == 2
            assert read.statements < 8 * MOST_ROUNDS
